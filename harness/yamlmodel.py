"""What stands in our YAML files, as types: the strict base of all models, and values that people write with units."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

_UNITS = {"B": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3, "TiB": 1024**4}
_SIZE = re.compile(r"^([0-9]{1,15}) ?(B|KiB|MiB|GiB|TiB)$")


class Strict(BaseModel):
    """Base of everything read from YAML: unknown keys and silent conversions are errors, values never change."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False, hide_input_in_errors=True)


def _bytes(value: Any) -> Any:
    """Bytes from a whole number or from text with a binary unit."""
    if not isinstance(value, str):
        return value
    match = _SIZE.match(value)
    if not match:
        hint = "write a number of bytes, or a number with B, KiB, MiB, GiB or TiB, such as 50MiB"
        raise PydanticCustomError("size", "{value} is not a size", {"value": repr(value), "suggestion": hint})
    return int(match[1]) * _UNITS[match[2]]


_SIZE_SCHEMA = {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": _SIZE.pattern}]}

Bytes = Annotated[int, BeforeValidator(_bytes), Field(ge=0, le=2**60), WithJsonSchema(_SIZE_SCHEMA)]
"""A size in bytes: ``52428800`` or ``50MiB``."""

BytesPerSecond = Annotated[int, BeforeValidator(_bytes), Field(ge=1, le=2**60), WithJsonSchema(_SIZE_SCHEMA)]
"""A rate: as Bytes, for each second."""
