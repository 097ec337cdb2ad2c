"""Preflight: read-only, everything at once, before anything is changed."""

from harness.migration.preflight.finding import Finding
from harness.migration.preflight.survey import preflight
from harness.migration.preflight.way_back import PARTS as WAY_BACK

__all__ = ["WAY_BACK", "Finding", "preflight"]
