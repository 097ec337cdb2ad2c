"""Starts the fakes where nothing else is on Python's path: ``python3 -IS .../fakes/run.py PROGRAM ARGUMENTS``."""

from __future__ import annotations

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from fakes import lightclasses

sys.modules["dataclasses"] = lightclasses

from fakes.__main__ import main  # noqa: E402 - after its dataclasses are light

sys.exit(main(sys.argv[1:]))
