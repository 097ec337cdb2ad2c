"""A preflight finding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Finding:
    """Something that stands in the way (error) or that an operator should know (warning), and what to do about it."""

    id: str
    host: str
    severity: Literal["error", "warning"]
    message: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.severity} {self.id} on {self.host}: {self.message}. {self.remedy}"


def error(id: str, host: str, message: str, remedy: str) -> Finding:
    return Finding(id, host, "error", message, remedy)


def warning(id: str, host: str, message: str, remedy: str) -> Finding:
    return Finding(id, host, "warning", message, remedy)
