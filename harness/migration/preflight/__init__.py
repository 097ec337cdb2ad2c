"""Preflight: read-only, everything at once, before anything is changed."""

from harness.migration.preflight.finding import Finding
from harness.migration.preflight.survey import preflight

__all__ = ["Finding", "preflight"]
