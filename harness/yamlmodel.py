"""From plain YAML values to types: the strict base of all models; pydantic's findings in words and places of ours."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from types import UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, WithJsonSchema
from pydantic_core import ErrorDetails, PydanticCustomError

from harness.yamlfile import Document, Location


class Strict(BaseModel):
    """Base of everything read from YAML: unknown keys and silent conversions are errors, values never change."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


Model = TypeVar("Model", bound=BaseModel)


def wrong(message: str, suggestion: str = "", at: str = "") -> PydanticCustomError:
    """The error for a validator to raise; ``at`` names the field at fault when a whole model is looked at."""
    context = {"message": message, "suggestion": suggestion, "at": at}
    return PydanticCustomError("wrong", "{message}", context)


_UNITS = {"B": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3, "TiB": 1024**4}
_SIZE = re.compile(r"^([0-9]{1,15}) ?(B|KiB|MiB|GiB|TiB)$")


def _bytes(value: Any) -> Any:
    """Bytes from a whole number or from text with a binary unit."""
    if not isinstance(value, str):
        return value
    match = _SIZE.match(value)
    if not match:
        raise wrong(f"{value!r} is not a size", "write bytes, or a number with KiB, MiB or GiB, such as 50MiB")
    return int(match[1]) * _UNITS[match[2]]


_SIZE_SCHEMA = {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": _SIZE.pattern}]}

Bytes = Annotated[int, BeforeValidator(_bytes), Field(ge=0, le=2**60), WithJsonSchema(_SIZE_SCHEMA)]
"""A size in bytes: ``52428800`` or ``50MiB``."""

BytesPerSecond = Annotated[int, BeforeValidator(_bytes), Field(ge=1, le=2**60), WithJsonSchema(_SIZE_SCHEMA)]
"""A rate: as Bytes, for each second."""


def validate(document: Document, model: type[Model], location: Location = ()) -> Model | None:
    """The value at ``location`` as a model; None after noting in the document what is wrong with it."""
    try:
        return model.model_validate(document.get(location))
    except ValidationError as error:
        for details in error.errors(include_url=False):
            _complain(document, model, location, details)
        return None


def _complain(document: Document, model: type[BaseModel], root: Location, details: ErrorDetails) -> None:
    context = details.get("ctx", {})
    location, at_key = _locate(document, root, (*details["loc"], *filter(None, [context.get("at")])))
    match details["type"]:
        case "extra_forbidden":
            allowed = _keys(model, details["loc"][:-1])
            document.complain(location, f"unknown key {location[-1]!r}", among(str(location[-1]), allowed), at_key=True)
        case "missing":
            document.complain(location, f"the key {str(details['loc'][-1])!r} is missing here", "add it")
        case "union_tag_not_found" if context["discriminator"].startswith("'"):
            document.complain(location, f"the key {context['discriminator']} is missing here", "add it")
        case "union_tag_invalid":
            inside = (*location, context["discriminator"].strip("'"))
            location = inside if document.get(inside) is not None else (*location, context["tag"])
            at_key = location != inside
            message, suggestion = _expected(context["tag"], context["expected_tags"])
            document.complain(location, message, suggestion, at_key)
        case "literal_error":
            found = location[-1] if at_key else document.get(location)
            document.complain(location, *_expected(found, context["expected"]), at_key)
        case "wrong":
            document.complain(location, context["message"], context["suggestion"], at_key)
        case _:
            found = location[-1] if at_key else document.get(location)
            document.complain(location, *_mismatch(details, found), at_key)


def _locate(document: Document, root: Location, loc: Iterable[str | int]) -> tuple[Location, bool]:
    """Where pydantic's location lies in the file: tags of unions are no keys there; ``[key]`` means the key itself."""
    location = root
    at_key = False
    for step in loc:
        value = document.get(location)
        if step == "[key]":
            at_key = True
        elif (isinstance(value, dict) and step in value) or (isinstance(value, list) and isinstance(step, int)):
            location = (*location, step)
    return location, at_key


_KINDS = {
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "string_type": "text",
    "list_type": "a list",
    "dict_type": "a map",
    "model_type": "a map",
    "union_tag_not_found": "one of the words or a map with one key",
}


def _mismatch(details: ErrorDetails, found: Any) -> tuple[str, str]:
    """Message and suggestion for a value of the wrong kind, range or form."""
    context = details.get("ctx", {})
    kind = details["type"]
    if kind in _KINDS:
        return f"expected {_KINDS[kind]}, found {describe(found)}", _conversion(kind, found)
    bounds = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}
    for name, words in bounds.items():
        if name in context:
            return f"expected {words} {context[name]:g}, found {describe(found)}", ""
    if kind == "string_pattern_mismatch":
        return f"{found!r} does not have the form {context['pattern']}", ""
    lengths = {"too_short": "entries", "string_too_short": "characters"}
    if kind in lengths:
        return f"expected {context['min_length']} or more {lengths[kind]}, found {describe(found)}", ""
    return f"{details['msg']}, found {describe(found)}", ""


def _conversion(kind: str, found: Any) -> str:
    """How the found value would become what was expected."""
    if isinstance(found, str) and kind.startswith(("int", "float")) and re.fullmatch(r"-?[0-9.]+", found):
        return f"write {found} without quotes"
    if isinstance(found, int | float) and kind == "string_type":
        return f'write "{str(found).lower()}" in quotes'
    if isinstance(found, str) and kind == "list_type":
        return f"write [{found}]"
    return ""


def _expected(found: Any, listed: str) -> tuple[str, str]:
    """Message and suggestion for a value that is none of the words in pydantic's list ``'a', 'b' or 'c'``."""
    words = re.findall(r"'([^']*)'", listed) or re.split(r", | or ", listed.lower())
    if not isinstance(found, str) and str(found) in words:
        return f"expected text, found {describe(found)}", f'write "{found}" in quotes'
    if not isinstance(found, str) or len(words) == 1:
        return f"expected {', '.join(words)}, found {describe(found)}", ""
    return f"{found!r} is not known here", among(found, words)


def among(word: str, known: Iterable[str]) -> str:
    """A suggestion: the closest of the known words, or all of them."""
    known = list(known)
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return f"did you mean {close[0]!r}?" if close else f"known are: {', '.join(known)}"


def describe(value: Any) -> str:
    """A value in a few words, for messages."""
    match value:
        case None:
            return "nothing"
        case bool():
            return str(value).lower()
        case int() | float():
            return f"the number {value}"
        case str():
            return f"the text {value!r}" if len(value) <= 60 else f"the text {value[:57]!r}..."
        case list():
            return "a list" if value else "an empty list"
        case dict():
            return "a map" if value else "an empty map"
        case _:
            return f"a {type(value).__name__}"


def _keys(annotation: Any, loc: tuple[str | int, ...]) -> list[str]:
    """The keys that a model allows at pydantic's location ``loc``; empty when it is no model there."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        if not loc:
            return list(annotation.model_fields)
        field = annotation.model_fields.get(str(loc[0]))
        return _keys(field.annotation, loc[1:]) if field else []
    arguments = get_args(annotation)
    if get_origin(annotation) is Annotated:
        return _keys(arguments[0], loc)
    if get_origin(annotation) in (list, dict):
        return _keys(arguments[-1], loc[1:])
    if get_origin(annotation) in (Union, UnionType):
        return _union_keys(arguments, loc)
    return []


def _union_keys(members: tuple[Any, ...], loc: tuple[str | int, ...]) -> list[str]:
    """The keys of the member that the tag in front of ``loc`` chose; without tags, of the only model."""
    for member in members:
        if loc and loc[0] in _tags(member):
            return _keys(member, loc[1:])
    return next((keys for member in members if (keys := _keys(member, loc))), [])


def _tags(member: Any) -> list[str]:
    """The words that choose a member of a union: its own tag, or the values of its literal field ``do``."""
    if get_origin(member) is Annotated:
        return [mark.tag for mark in get_args(member)[1:] if hasattr(mark, "tag")]
    fields = getattr(member, "model_fields", {})
    chooser = fields.get("do")
    return list(get_args(chooser.annotation)) if chooser and get_origin(chooser.annotation) is Literal else []
