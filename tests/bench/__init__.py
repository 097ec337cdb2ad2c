"""Measurements with their bounds, one module a measurement."""
