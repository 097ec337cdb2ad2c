"""The events of a YAML text: by PyYAML's own parser, which says what is YAML here, or by libyaml, ten times as fast.

The two were written by the same hand and differ where hardly anybody writes: about tabs, ``?``, directives, byte order marks
and line breaks other than a line feed. A text that holds any of these is never given to libyaml.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import yaml

LIBYAML = yaml.__with_libyaml__
"""Whether PyYAML was built with it; its wheels are."""

_DIFFERENT = re.compile("[^\n -~\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]|[?]|^%", re.M)


def read_alike(text: str) -> bool:
    """Whether libyaml is there and, where it understands the text, means the same by it."""
    return LIBYAML and not _DIFFERENT.search(text)


def by_libyaml(text: str) -> Iterator[yaml.Event]:
    """The events as libyaml sees them.

    Raises:
        yaml.YAMLError, ValueError: it does not understand the text.
    """
    return yaml.parse(text, Loader=yaml.CSafeLoader)


def by_python(text: str) -> Iterator[yaml.Event]:
    """The events as PyYAML's own parser sees them.

    Raises:
        yaml.YAMLError, ValueError, OverflowError: it does not understand the text.
    """
    return yaml.parse(text, Loader=yaml.SafeLoader)
