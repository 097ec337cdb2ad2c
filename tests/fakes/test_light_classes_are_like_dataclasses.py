"""The light stand-in that programs in containers start with behaves as the real module, as far as the fakes use it."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from fakes import lightclasses

SOURCE = """
from __future__ import annotations
@dataclass
class Part:
    name: str
    sizes: list[int] = field(default_factory=list)
    note: str = "none"
@dataclass(frozen=True)
class Whole:
    part: Part
    number: int = 3
"""


@pytest.fixture(params=[dataclasses, lightclasses], ids=["real", "light"])
def made(request: pytest.FixtureRequest) -> dict[str, Any]:
    names: dict[str, Any] = {"dataclass": request.param.dataclass, "field": request.param.field, "__name__": __name__}
    exec(SOURCE, names)
    names["module"] = request.param
    return names


def test_values_defaults_and_factories(made: dict[str, Any]) -> None:
    one, other = made["Part"]("a"), made["Part"](name="a")
    one.sizes.append(7)
    assert (one.sizes, other.sizes, one.note) == ([7], [], "none")


def test_equality_is_by_value_and_class(made: dict[str, Any]) -> None:
    assert made["Part"]("a") == made["Part"]("a")
    assert made["Part"]("a") != made["Part"]("b")
    assert made["Part"]("a") != "a"


def test_frozen_ones_hash_and_refuse_changes(made: dict[str, Any]) -> None:
    whole = made["Whole"](1)
    assert hash(whole) == hash(made["Whole"](1))
    with pytest.raises(AttributeError):
        whole.number = 4
    with pytest.raises(TypeError):
        hash(made["Part"]("a"))


def test_replacing_and_recognising(made: dict[str, Any]) -> None:
    module, whole = made["module"], made["Whole"](1)
    assert module.replace(whole, number=9) == made["Whole"](1, 9)
    assert module.is_dataclass(whole)
    assert module.is_dataclass(made["Part"])
    assert not module.is_dataclass("text")


@pytest.mark.parametrize("arguments", [((), {}), (("a", [], "b", "too many"), {}), (("a",), {"name": "twice"})])
def test_wrong_arguments_are_refused(made: dict[str, Any], arguments: tuple[tuple[Any, ...], dict[str, Any]]) -> None:
    with pytest.raises(TypeError):
        made["Part"](*arguments[0], **arguments[1])


def test_patterns_match_by_position(made: dict[str, Any]) -> None:
    assert made["Whole"].__match_args__ == ("part", "number")
    assert repr(made["Part"]("a")) == "Part(name='a', sizes=[], note='none')"
