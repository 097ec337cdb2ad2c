"""YAML that people wrote, or strangers: plain values, each with its place in the file, or every problem at once.

Only maps, lists, text, numbers, true, false and null are read. Nothing is constructed, included or templated, and size,
depth and aliases are bounded before anything grows. Duplicate keys are errors. So is every plain word that YAML 1.1 and
1.2 read differently: ``no``, ``0644``, ``12:30:00``, ``1_000``, ``1e3``, ``2012-12-18``.
"""

from __future__ import annotations

import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from harness import yamlevents
from harness.errors import InvalidInput, Problem
from harness.yamlwords import Unclear, resolve, sound

MAX_BYTES = 128 * 1024
MAX_DEPTH = 24
MAX_NODES = 20_000  # after following aliases
MAX_PROBLEMS = 100  # shown of one file

Location = tuple[str | int, ...]
"""The way from the top of the document to a value: keys and indices."""

_Mark = tuple[int, int]  # line and column, both from 1


@dataclass
class Document:
    """A file's plain value, where each part of it stands, and what was found wrong so far."""

    file: str
    value: Any = None
    problems: list[Problem] = field(default_factory=list)
    value_marks: dict[Location, _Mark] = field(default_factory=dict)
    key_marks: dict[Location, _Mark] = field(default_factory=dict)
    _unreadable: set[_Mark] = field(default_factory=set)
    _noted: set[Problem] = field(default_factory=set)

    def complain(self, location: Location, message: str, suggestion: str = "", at_key: bool = False) -> None:
        """Note a problem with the value at ``location``, or with its key: once, and not where reading itself failed."""
        mark = self.mark(location, at_key)
        problem = Problem(self.file, *mark, message, suggestion)
        if mark not in self._unreadable and problem not in self._noted:
            self._noted.add(problem)
            self.problems.append(problem)

    def complain_unreadable(self, mark: tuple[int, int], message: str, suggestion: str = "") -> None:
        """Note that what stands at a line and column has no value; nothing else will be said about it."""
        if mark not in self._unreadable:
            self._unreadable.add(mark)
            self.problems.append(Problem(self.file, *mark, message, suggestion))

    def unreadable(self, location: Location) -> bool:
        """True when reading the value failed, which was noted then."""
        return self.mark(location) in self._unreadable

    def mark(self, location: Location, at_key: bool = False) -> tuple[int, int]:
        """Line and column of a value or key; what came through an alias stands where the alias stands."""
        if at_key and location in self.key_marks:
            return self.key_marks[location]
        while location and location not in self.value_marks:
            location = location[:-1]
        return self.value_marks.get(location, (1, 1))

    def get(self, location: Location) -> Any:
        """The value at a location; None where there is nothing."""
        value = self.value
        for step in location:
            try:
                value = value[step]
            except (KeyError, IndexError, TypeError):
                return None
        return value

    def gather(self, parts: Mapping[str, Location], otherwise: Location) -> Document:
        """A map of values from several places of this document, which keep their places; problems are shared."""
        return _Gathered(self, parts, otherwise)

    def require_sound(self) -> None:
        """Raise InvalidInput with all problems noted so far, in the order of the file."""
        if self.problems:
            raise InvalidInput(*sorted(self.problems)[:MAX_PROBLEMS])


class _Gathered(Document):
    """Parts of a document as a map of their own; each stands where the document has it."""

    def __init__(self, document: Document, parts: Mapping[str, Location], otherwise: Location) -> None:
        super().__init__(document.file, {key: document.get(source) for key, source in parts.items()})
        self.problems, self._unreadable, self._noted = document.problems, document._unreadable, document._noted
        self._document, self._parts, self._otherwise = document, parts, otherwise

    def mark(self, location: Location, at_key: bool = False) -> tuple[int, int]:
        source = self._parts.get(str(location[0])) if location else None
        if source is None:
            return self._document.mark(self._otherwise)
        return self._document.mark((*source, *location[1:]), at_key)


def read(path: Path) -> Document:
    """Read one YAML file. Problems that leave the rest readable are noted in the document, not raised.

    Raises:
        InvalidInput: the file cannot be read as YAML at all; one problem, with its place.
    """
    return parse(read_text(path), str(path))


def parse(text: str, file: str) -> Document:
    """The same for text; ``file`` is what problems call it.

    Raises:
        InvalidInput: as for ``read``.
    """
    if yamlevents.read_alike(text):
        try:
            return _composed(yamlevents.by_libyaml(text), file)
        except (_Fatal, yaml.YAMLError, ValueError, OverflowError):
            pass  # PyYAML's own parser says it, in its words and at its place
    return parse_by_python(text, file)


def parse_by_python(text: str, file: str) -> Document:
    """The same by PyYAML's own parser, a tenth as fast: what it says is what ``parse`` says.

    Raises:
        InvalidInput: as for ``read``.
    """
    try:
        return _composed(yamlevents.by_python(text), file)
    except _Fatal as error:
        raise InvalidInput(*error.before, Problem(file, *error.mark, error.message, error.suggestion)) from None
    except yaml.MarkedYAMLError as error:
        raise InvalidInput(_syntax_problem(file, error)) from None
    except yaml.reader.ReaderError as error:
        message = f"a YAML file cannot hold the character U+{int(error.character):04X}"  # PyYAML gives the code point
        raise InvalidInput(Problem(file, *_place(text, error.position), message)) from None
    except (ValueError, OverflowError):  # PyYAML converts numeric escapes and directives without looking at their size
        raise InvalidInput(Problem(file, 1, 1, "not YAML: an escape or directive holds too large a number")) from None


def _composed(events: Iterable[yaml.Event], file: str) -> Document:
    document = Document(file)
    try:
        _Composer(document).compose(events)
    except _Fatal as error:
        error.before = document.problems
        raise
    return document


def read_text(path: Path) -> str:
    """The file's text, never more than the cap.

    Raises:
        InvalidInput: missing, not a regular file, too large or not UTF-8.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise InvalidInput(Problem(str(path), 1, 1, "not a regular file"))
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise InvalidInput(Problem(str(path), 1, 1, "no such file")) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise InvalidInput(Problem(str(path), 1, 1, f"cannot be read: {reason}")) from None
    if len(data) > MAX_BYTES:
        raise InvalidInput(Problem(str(path), 1, 1, f"larger than {MAX_BYTES // 1024} KiB"))
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8")
        place = _place(before, len(before))
        raise InvalidInput(Problem(str(path), *place, f"byte 0x{data[error.start]:02x} is not UTF-8")) from None


def _place(text: str, index: int) -> _Mark:
    """Line and column of a character in a text."""
    before = text[:index]
    return before.count("\n") + 1, len(before) - before.rfind("\n")


def _syntax_problem(file: str, error: yaml.MarkedYAMLError) -> Problem:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    message = ", ".join(part for part in (error.context, error.problem) if part)
    suggestion = "indent with spaces, never with tabs" if "'\\t'" in message else ""
    return Problem(file, line, column, f"not YAML: {message}", suggestion)


class _Fatal(Exception):
    """The document cannot be composed any further."""

    def __init__(self, mark: _Mark, message: str, suggestion: str = "") -> None:
        self.mark, self.message, self.suggestion = mark, message, suggestion
        self.before: list[Problem] = []  # what was wrong before it
        super().__init__(message)


@dataclass
class _Open:
    """A map or list whose end has not come yet."""

    value: dict[str, Any] | list[Any]
    location: Location
    anchor: str | None
    key: str | None = None  # of a map: set between a key and its value
    keep: bool = True  # the value of a repeated key is read and dropped
    nodes: int = 1
    height: int = 1

    def next_location(self) -> Location:
        step: str | int = len(self.value) if isinstance(self.value, list) else self.key or ""
        return (*self.location, step) if self.keep else (*self.location, step, "dropped")


@dataclass(frozen=True)
class _Anchored:
    value: Any
    nodes: int
    height: int


class _Composer:
    """Builds plain values from parser events without recursion, so that depth is bounded before it costs anything."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.stack: list[_Open] = []
        self.anchors: dict[str, _Anchored | None] = {}  # None: still open
        self.documents = 0

    def compose(self, events: Iterable[yaml.Event]) -> None:
        for event in events:
            match event:
                case yaml.ScalarEvent():
                    self._scalar(event)
                case yaml.DocumentStartEvent():
                    self._start_document(_mark(event))
                case yaml.AliasEvent():
                    self._alias(event)
                case yaml.SequenceStartEvent() | yaml.MappingStartEvent():
                    self._open(event)
                case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                    self._close()
        if not self.documents:
            raise _Fatal((1, 1), "the file is empty")

    def _start_document(self, mark: _Mark) -> None:
        self.documents += 1
        if self.documents > 1:
            raise _Fatal(mark, "a second document in one file", "keep one document in a file; remove the line ---")

    def _alias(self, event: yaml.AliasEvent) -> None:
        mark = _mark(event)
        if self._expects_key():
            raise _Fatal(mark, "an alias cannot be a key")
        if event.anchor not in self.anchors:
            raise _Fatal(mark, f"no anchor &{event.anchor} stands before this alias")
        anchored = self.anchors[event.anchor]
        if anchored is None:
            raise _Fatal(mark, f"*{event.anchor} contains itself")
        self._add(anchored.value, mark, anchored.nodes, anchored.height)

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        mark = _mark(event)
        self._refuse_tag(event, mark)
        if self._expects_key():
            self._key(event, mark)
            return
        try:
            value = resolve(event.value) if not event.style else sound(event.value)
        except Unclear as unclear:
            self.document.complain_unreadable(mark, str(unclear), unclear.suggestion)
            value = None
        if event.anchor:
            self.anchors[event.anchor] = _Anchored(value, 1, 0)
        self._add(value, mark, 1, 0)

    def _key(self, event: yaml.ScalarEvent, mark: _Mark) -> None:
        top = self.stack[-1]
        assert isinstance(top.value, dict)
        top.key = event.value
        top.keep = False
        location = (*top.location, event.value)
        try:
            key = resolve(event.value) if not event.style else sound(event.value)
        except Unclear as unclear:
            self.document.complain_unreadable(mark, str(unclear), unclear.suggestion)
            return
        if not isinstance(key, str):
            self.document.complain_unreadable(mark, "keys are text", f'write "{event.value}"')
        elif key in top.value:
            first = self.document.key_marks.get(location, (0, 0))[0]
            message = f"key {key!r} stands here a second time; the first is in line {first}"
            self.document.complain_unreadable(mark, message, "keep one of the two")
        elif key == "<<" and not event.style:
            self.document.complain_unreadable(mark, "merge keys are not read", "write the keys out")
        else:
            top.keep = True
            self.document.key_marks[location] = mark

    def _open(self, event: yaml.SequenceStartEvent | yaml.MappingStartEvent) -> None:
        mark = _mark(event)
        if self._expects_key():
            raise _Fatal(mark, "a map or list cannot be a key", "templates such as {{ name }} are not evaluated here")
        if len(self.stack) >= MAX_DEPTH:
            raise _Fatal(mark, f"nested deeper than {MAX_DEPTH} levels")
        self._refuse_tag(event, mark)
        location = self.stack[-1].next_location() if self.stack else ()
        self.document.value_marks[location] = mark
        if event.anchor:
            self.anchors[event.anchor] = None
        is_map = isinstance(event, yaml.MappingStartEvent)
        self.stack.append(_Open({} if is_map else [], location, event.anchor))

    def _close(self) -> None:
        closed = self.stack.pop()
        if closed.anchor:
            self.anchors[closed.anchor] = _Anchored(closed.value, closed.nodes, closed.height)
        mark = self.document.value_marks[closed.location]
        self._add(closed.value, mark, closed.nodes, closed.height)

    def _add(self, value: Any, mark: _Mark, nodes: int, height: int) -> None:
        """Put a finished value where it belongs; aliases count with all that they stand for."""
        if nodes > MAX_NODES or len(self.stack) + height > MAX_DEPTH:
            raise _Fatal(mark, f"more than {MAX_NODES} values or {MAX_DEPTH} levels, aliases followed")
        if not self.stack:
            self.document.value = value
            self.document.value_marks[()] = mark
            return
        top = self.stack[-1]
        top.nodes += nodes
        top.height = max(top.height, height + 1)
        if top.nodes > MAX_NODES:
            raise _Fatal(mark, f"more than {MAX_NODES} values, aliases followed")
        self.document.value_marks.setdefault(top.next_location(), mark)
        if isinstance(top.value, list):
            top.value.append(value)
        else:
            assert top.key is not None
            if top.keep:
                top.value[top.key] = value
            top.key, top.keep = None, True

    def _expects_key(self) -> bool:
        return bool(self.stack) and isinstance(self.stack[-1].value, dict) and self.stack[-1].key is None

    def _refuse_tag(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent, mark: _Mark) -> None:
        if event.tag is None:
            return
        tag = event.tag.replace("tag:yaml.org,2002:", "!!")
        if tag.startswith("!vault"):
            hint = "secrets do not belong here: use an ssh key or agent, and passwordless sudo"
            self.document.complain_unreadable(mark, "encrypted values (!vault) are not read", hint)
        else:
            self.document.complain_unreadable(mark, f"the tag {tag} is not allowed", "write the plain value")


def _mark(event: yaml.Event) -> _Mark:
    assert event.start_mark is not None, "PyYAML's parser marks every event"
    return event.start_mark.line + 1, event.start_mark.column + 1
