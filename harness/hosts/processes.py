"""Local processes that nobody listens to any more: none is left a zombie, none lingers unnoticed."""

from __future__ import annotations

import subprocess
import threading
import time


class Leaving:
    """Takes processes that have said all we want to hear, so that the next request need not wait for their exit."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._processes: list[tuple[subprocess.Popen[bytes], float]] = []

    def add(self, process: subprocess.Popen[bytes]) -> None:
        with self._lock:
            self._processes.append((process, time.monotonic()))

    def sweep(self, patience_s: float) -> None:
        """Collect what has ended; end what is still there after ``patience_s`` seconds."""
        with self._lock:
            staying = [(process, since) for process, since in self._processes if process.poll() is None]
            late = time.monotonic() - patience_s
            self._processes = [(process, since) for process, since in staying if since > late]
        for process, since in staying:
            if since <= late:
                end(process)

    def close(self, patience_s: float) -> None:
        """Give all of them ``patience_s`` seconds to end by themselves, then end them."""
        deadline = time.monotonic() + patience_s
        for process in self._take():
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                end(process)

    def disown(self) -> None:
        """Collect what has ended and let the others go on, to be collected whenever they end."""
        for process in self._take():
            if process.poll() is None:
                threading.Thread(target=process.wait, name="leftover process", daemon=True).start()

    def _take(self) -> list[subprocess.Popen[bytes]]:
        with self._lock:
            taken, self._processes = self._processes, []
        return [process for process, _ in taken]


def end(process: subprocess.Popen[bytes]) -> None:
    """End a local process; what it runs on a host goes on."""
    process.terminate()
    try:
        process.wait(1)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
