"""Secrets taken out of text before it is kept or shown: passwords, keys and tokens, by the name before them."""

from __future__ import annotations

import re

REMOVED = "[removed]"
_NAME = r"[\w.-]*(?:password|passwd|passphrase|secret|token|private[_-]?key|credential)[\w.-]*+"
_VALUE = r"(?!\[removed\])(?:\"[^\"]*\"?|'[^']*'?|[^\s,;&\"']+)"
_PEM = re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|\Z)", re.DOTALL)
_IN_ADDRESS = re.compile(r"(://[^\s/:@]*:)[^\s/@]+(?=@)")
_ASSIGNED = re.compile(rf"(?i)(?<![\w.-])({_NAME}[\"']?\s*[=:]\s*){_VALUE}")
_FOLLOWING = re.compile(rf"(?i)(?<![\w.-])((?:--{_NAME}|shared-secret)\s+){_VALUE}")
"""An option, and DRBD's own way to write it."""


def redacted(text: str) -> str:
    """The text with the value of everything that is named like a secret replaced."""
    text = _IN_ADDRESS.sub(rf"\1{REMOVED}", _PEM.sub(REMOVED, text))
    return _FOLLOWING.sub(rf"\1{REMOVED}", _ASSIGNED.sub(rf"\1{REMOVED}", text))
