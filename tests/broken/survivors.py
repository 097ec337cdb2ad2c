"""Broken engines that no scenario catches, each with the reason."""

from __future__ import annotations

SURVIVORS: dict[str, str] = {}
