"""The events of a YAML text: by PyYAML's own parser, which says what is YAML here, or by libyaml, ten times as fast.

The two were written by the same hand and differ where hardly anybody writes: about tabs, ``?``, directives, byte order
marks and line breaks other than a line feed. A text that holds any of these is never given to libyaml.
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


class Elsewhere(yaml.YAMLError):
    """The other parser has another place for this."""


def by_libyaml(text: str) -> Iterator[yaml.Event]:
    """The events as libyaml sees them, at the places of the other parser.

    Raises:
        yaml.YAMLError, ValueError: it does not understand the text, or it is not clear where the other finds something.
    """
    brackets = 0  # that are open
    first = False  # what comes now is the whole document
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        match event:
            case yaml.ScalarEvent(value="", anchor=None, tag=None) if brackets and not event.style:
                _move_behind_colon(event, text)
            case yaml.ScalarEvent(value="") if first and not event.style:
                raise Elsewhere
            case yaml.CollectionStartEvent() if brackets or event.flow_style:
                brackets += 1
            case yaml.CollectionEndEvent() if brackets:
                brackets -= 1
        yield event
        first = isinstance(event, yaml.DocumentStartEvent)


def _move_behind_colon(event: yaml.ScalarEvent, text: str) -> None:
    """In brackets nothing stands where libyaml finds the next thing; the other finds it behind its colon.

    Raises:
        Elsewhere: it is in another line than the next thing.
    """
    found = event.start_mark
    assert found is not None, "libyaml marks every event"
    line = text[found.index - found.column : found.index]
    blanks = len(line) - len(line.rstrip(" "))
    if blanks == len(line):
        raise Elsewhere
    if line[len(line) - blanks - 1] == ":":
        at = found.index - blanks, found.line, found.column - blanks
        event.start_mark = yaml.Mark(found.name, *at, None, 0)


def by_python(text: str) -> Iterator[yaml.Event]:
    """The events as PyYAML's own parser sees them.

    Raises:
        yaml.YAMLError, ValueError, OverflowError: it does not understand the text.
    """
    return yaml.parse(text, Loader=yaml.SafeLoader)
