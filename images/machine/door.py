"""The lab's own door into a machine, past sshd: runs what the controller asks for, one request a connection.

A request is one line of JSON: {"token": ..., "timeout_s": ...} with {"argv": [...], "stdin": BASE64} for a program, or
with {"script": ..., "arguments": [...], "stdin": BASE64} for Python, which runs in a copy of this process, so that no
interpreter has to start. The answer is JSON too: {"status": ..., "timed_out": ..., "stdout": BASE64, "stderr": BASE64};
the status of a program that a signal ended is the negative signal.
"""

import binascii
import io
import json
import os
import signal
import socket
import sys
import time

PORT = 1022
TOKEN_FILE = "/etc/lab/token"
REQUEST_S = 20.0  # for a request to arrive once its connection stands
LONGEST_REQUEST = 64 * 1024 * 1024
CANNOT_RUN = 127
ENVIRONMENT = {
    "DM_DISABLE_UDEV": "1",  # nobody makes device nodes here but dmsetup itself
    "HOME": "/root",
    "LANG": "C.UTF-8",
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
}


def serve() -> None:
    """Answer until the power goes."""
    with open(TOKEN_FILE) as file:
        token = file.read()
    server = socket.create_server(("", PORT), backlog=64)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # children that answered are forgotten
    with open("/dev/kmsg", "w") as log:
        log.write(f"walrus-lab: clock {time.time():.6f}\n")
    if os.fork() == 0:
        server.close()
        watch_mounts()
    import hashlib  # noqa: F401  # what scripts ask for most, brought in once the door is open
    import stat  # noqa: F401

    while True:
        connection, _ = server.accept()
        if os.fork() == 0:
            server.close()
            try:
                serve_one(connection, token)
            finally:
                os._exit(0)
        connection.close()


def watch_mounts() -> None:
    """Note in the kernel's log what is mounted where, in a process of its own."""
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    import mountwatch

    mountwatch.watch()


def serve_one(connection: socket.socket, token: str) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    connection.settimeout(REQUEST_S)
    request = json.loads(read_line(connection))
    if request.pop("token", None) == token:
        connection.sendall(json.dumps(run(request)).encode())
    connection.close()


def read_line(connection: socket.socket) -> bytes:
    parts: list[bytes] = []
    size = 0
    while not (parts and parts[-1].endswith(b"\n")):
        part = connection.recv(1 << 18)
        size += len(part)
        if not part or size > LONGEST_REQUEST:
            raise ValueError("no whole request came")
        parts.append(part)
    return b"".join(parts)


def run(request: dict) -> dict:
    """Run a program or a script to its end. Its output goes to files in memory: nothing that it leaves can block."""
    streams = [os.memfd_create(name) for name in ("stdin", "stdout", "stderr")]
    os.write(streams[0], binascii.a2b_base64(request.get("stdin") or ""))
    os.lseek(streams[0], 0, os.SEEK_SET)
    child = os.fork()
    if child == 0:
        become(request, streams)
    status, timed_out = wait_for(child, float(request.get("timeout_s", 60.0)))
    stdout, stderr = (binascii.b2a_base64(content(stream), newline=False).decode() for stream in streams[1:])
    return {"status": status, "timed_out": timed_out, "stdout": stdout, "stderr": stderr}


def wait_for(child: int, timeout_s: float) -> tuple[int, bool]:
    """Its exit status, and whether it had to be killed."""
    expired = []

    def kill(*_: object) -> None:
        expired.append(True)
        os.killpg(child, signal.SIGKILL)

    signal.signal(signal.SIGALRM, kill)
    signal.setitimer(signal.ITIMER_REAL, timeout_s)
    _, status = os.waitpid(child, 0)
    signal.setitimer(signal.ITIMER_REAL, 0)
    return os.waitstatus_to_exitcode(status), bool(expired)


def content(stream: int) -> bytes:
    """All of a file in memory, which another process may still be writing."""
    size = os.fstat(stream).st_size
    return os.pread(stream, size, 0) if size < 1 << 30 else b""


def become(request: dict, streams: list[int]) -> None:
    """Turn into what is asked for; never returns."""
    status = CANNOT_RUN
    try:
        os.setsid()
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        os.closerange(3, 64)
        if "argv" in request:
            os.execvpe(request["argv"][0], request["argv"], ENVIRONMENT)
        status = execute(request["script"], request["arguments"])
    except OSError as error:
        os.write(2, f"{request.get('argv', ['the script'])[0]}: {error.strerror}\n".encode())
    finally:
        os._exit(status)


def execute(script: str, arguments: list[str]) -> int:
    os.environ.update(ENVIRONMENT)
    sys.stdin = io.TextIOWrapper(io.FileIO(0), encoding="utf-8", errors="surrogateescape")
    sys.stdout = io.TextIOWrapper(io.FileIO(1, "w"), encoding="utf-8", errors="surrogateescape")
    sys.stderr = io.TextIOWrapper(io.FileIO(2, "w"), encoding="utf-8", errors="backslashreplace")
    sys.argv = ["lab-script", *arguments]
    try:
        exec(compile(script, "lab-script", "exec"), {"__name__": "__main__"})
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001  # whatever it was, the other side is told
        sys.excepthook(*sys.exc_info())
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    return status


if __name__ == "__main__":
    serve()
