"""Starts the fakes where nothing else is on Python's path: ``python3 -IS .../fakes/run.py PROGRAM ARGUMENTS``.

Every command on a host of the containers lab is such a process. Half of its time would go into three modules of which
the fakes need little, so light ones take their places.
"""

from __future__ import annotations

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from fakes import lighttyping

sys.modules["typing"] = lighttyping
from fakes import lightclasses, lightjson  # noqa: E402  # they would bring the whole of typing along

sys.modules["dataclasses"], sys.modules["json"] = lightclasses, lightjson

from fakes.__main__ import main  # noqa: E402  # now that the light ones are in place

status = main(sys.argv[1:])
sys.stdout.flush()
sys.stderr.flush()
os._exit(status)  # nothing is left to be tidied up
