"""What comes with the tool beside its code: scenarios, and the recipes of the labs' images."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).resolve().parent


def folder(name: str) -> Path:
    """The folder ``scenarios`` or ``images``: inside the package of an installed wheel, beside it in a checkout.

    The wheel's place is looked at first, since beside an installed package may stand anybody's folder of that name. A
    folder that came with neither is named all the same, and whoever wants to read it says that it is missing.
    """
    inside = _HERE / "_shipped" / name
    return inside if inside.is_dir() else _HERE.parent / name


def installed() -> bool:
    """True for a wheel's installation, which has no Makefile beside it."""
    return (_HERE / "_shipped").is_dir()
