"""A process that is stopped by SIGSTOP, and continued after another has claimed the host, is refused from then on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from harness.hosts.command import Claim, Fence
from harness.hosts.local import LocalConnection
from tests.hosts.conftest import Opener, eventually

# Changes the host again and again under its epoch, and says how often it was obeyed until it was refused.
_ENGINE = """
import sys
from pathlib import Path
from harness.errors import Fenced
from harness.hosts.command import Claim, Command, Effect, Fence
from harness.hosts.local import LocalConnection

state, folder = sys.argv[1:]
fence = Fence(1, "run")
transport = LocalConnection(state_directory=state).open("here")
transport.send(Claim(fence))
number = 0
try:
    while number < 100_000:
        transport.send(Command(("touch", f"{folder}/{number}"), Effect.WRITE), fence)
        number += 1
except Fenced as refused:
    print(f"{number} {refused}")
"""


def test_it_is_refused_by_token_and_not_by_clock(folder: Path, opened: Opener) -> None:
    made, state = folder / "made", str(folder / "state")
    made.mkdir()
    argv = [sys.executable, "-c", _ENGINE, state, str(made)]
    engine = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": os.getcwd()})
    try:
        eventually(lambda: len(os.listdir(made)) > 3)
        engine.send_signal(signal.SIGSTOP)
        opened(LocalConnection(state_directory=state)).send(Claim(Fence(2, "run")))
        before = len(os.listdir(made))  # a command that was under way has ended: the claim waits for its lock
        engine.send_signal(signal.SIGCONT)
        said, _ = engine.communicate(timeout=60)
    finally:
        engine.kill()
        engine.wait()
    assert "has granted epoch 2" in said, said
    assert len(os.listdir(made)) == before
