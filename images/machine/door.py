"""The lab's own door into a machine, past sshd: runs what the controller asks for, one request a connection.

A request is one line of JSON: {"token": ..., "timeout_s": ...} with {"argv": [...], "stdin": BASE64} for a program, or
with {"script": ..., "arguments": [...], "stdin": BASE64} for Python, which runs in a copy of this process, so that no
interpreter has to start. The answer is JSON too: {"status": ..., "timed_out": ..., "stdout": BASE64, "stderr": BASE64};
the status of a program that a signal ended is the negative signal.

A User Mode Linux kernel pays dearly for processes, for each page that one touches first, and for imports: a program is
spawned without copying this process, little of the library is used, and a copy that ran a script stays for the next
one. A script finds what earlier ones imported, and nothing else of theirs.
"""

import binascii
import contextlib
import functools
import gc
import io
import json
import os
import select
import signal
import socket
import sys
import time

PORT = 1022
TOKEN_FILE = "/etc/lab/token"
TALK_S = 10.0  # for a request to arrive once its connection stands, and for its answer to be taken
LONGEST_REQUEST = 256 * 1024 * 1024
CANNOT_RUN = 127
KEPT_WORKERS = 2  # that wait for a script; when more run at once, more are made
ENVIRONMENT = {
    "DM_DISABLE_UDEV": "1",  # nobody makes device nodes here but dmsetup itself
    "HOME": "/root",
    "LANG": "C.UTF-8",
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
}


class Running:
    """A program or script that was asked for. Its output goes to files in memory: nothing that it leaves can block."""

    def __init__(self, connection: socket.socket, request: dict) -> None:
        self.connection = connection
        self.deadline = time.monotonic() + float(request.get("timeout_s", 60.0))
        self.timed_out = False
        self.streams = [os.memfd_create(name) for name in ("stdin", "stdout", "stderr")]
        os.write(self.streams[0], binascii.a2b_base64(request.get("stdin") or ""))
        os.lseek(self.streams[0], 0, os.SEEK_SET)
        self.process = Program(request, self.streams) if "argv" in request else Worker.begin(request, self.streams)
        self.ending = self.process.ending

    def expire(self) -> None:
        """Its time is over."""
        self.timed_out = True
        self.deadline = float("inf")
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def finish(self) -> None:
        """It has ended: answer."""
        status = self.process.end()
        stdout, stderr = (content(stream) for stream in self.streams[1:])
        for descriptor in self.streams:
            os.close(descriptor)
        reply(self.connection, status, stdout, stderr, self.timed_out)


class Program:
    """A program that runs. ``ending`` can be read when it has ended."""

    def __init__(self, request: dict, streams: list) -> None:
        self.pid = spawn(request["argv"], streams)
        self.ending = os.pidfd_open(self.pid)

    def end(self) -> int:
        os.close(self.ending)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


idle: list = []  # workers that wait for a script


class Worker:
    """A copy of this process, at the head of a session of its own, that runs one script after the other.

    It is handed a script with the three files of its input and output, and says with which status it ended.
    ``ending`` can be read when it has, or when the worker itself has.
    """

    def __init__(self) -> None:
        self.socket, far = socket.socketpair()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                os.setsid()
                work(far)
            finally:
                os._exit(CANNOT_RUN)
        far.close()
        self.ending = self.socket.fileno()

    @classmethod
    def begin(cls, request: dict, streams: list) -> "Worker":
        """One that runs the script from now on."""
        asked = json.dumps([request["script"], request["arguments"]]).encode()
        while True:
            worker = idle.pop() if idle else cls()
            try:
                socket.send_fds(worker.socket, [len(asked).to_bytes(4, sys.byteorder)], streams)
                worker.socket.sendall(asked)
            except ConnectionError:  # it died while it waited
                worker.bury()
                continue
            return worker

    def end(self) -> int:
        """The status of its script, or its own if it died. It waits for another one unless enough do."""
        said = b""
        with contextlib.suppress(ConnectionError):
            said = self.socket.recv(4, socket.MSG_WAITALL)
        if len(said) < 4:
            return self.bury()
        if len(idle) < KEPT_WORKERS:
            idle.append(self)
        else:
            self.bury()
        return int.from_bytes(said, sys.byteorder, signed=True)

    def bury(self) -> int:
        """Let it end; returns its status."""
        self.socket.close()
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def serve() -> None:
    """Answer until the power goes."""
    with open(TOKEN_FILE) as file:
        token = file.read()
    server = socket.create_server(("", PORT), backlog=64)
    with open("/dev/kmsg", "w") as log:
        log.write(f"walrus-lab: clock {time.time():.6f}\n")
    if os.fork() == 0:
        server.close()
        watch_mounts()
    import hashlib  # noqa: F401  # what scripts ask for most, brought in once the door is open
    import stat  # noqa: F401  # the same

    gc.freeze()  # a copy of this process then shares more of its memory for longer
    poll = select.poll()
    poll.register(server, select.POLLIN)
    running: dict = {}
    while True:
        soonest = min((one.deadline for one in running.values()), default=float("inf"))
        for descriptor, _ in poll.poll(None if soonest == float("inf") else max(0, soonest - time.monotonic()) * 1000):
            if descriptor == server.fileno():
                one = admit(server.accept()[0], token)
                if one is not None:
                    running[one.ending] = one
                    poll.register(one.ending, select.POLLIN)
            else:
                poll.unregister(descriptor)
                running.pop(descriptor).finish()
        for one in running.values():
            if time.monotonic() >= one.deadline:
                one.expire()


def admit(connection: socket.socket, token: str) -> "Running | None":
    """Begin what a connection asks for; None when it is nothing, or cannot be begun."""
    connection.settimeout(TALK_S)
    try:
        request = json.loads(read_line(connection))
        if request.pop("token", None) == token:
            return Running(connection, request)
    except (OSError, ValueError, KeyError) as error:
        reply(connection, CANNOT_RUN, b"", f"{error}\n".encode(), False)
    connection.close()
    return None


def reply(connection: socket.socket, status: int, stdout: bytes, stderr: bytes, timed_out: bool) -> None:
    said = {"status": status, "timed_out": timed_out}
    said |= {"stdout": binascii.b2a_base64(stdout).decode(), "stderr": binascii.b2a_base64(stderr).decode()}
    with contextlib.suppress(OSError):  # whoever asked may be gone
        connection.sendall(json.dumps(said).encode())
    connection.close()


def read_line(connection: socket.socket) -> bytes:
    parts: list = []
    size = 0
    while not (parts and parts[-1].endswith(b"\n")):
        part = connection.recv(1 << 18)
        size += len(part)
        if not part or size > LONGEST_REQUEST:
            raise ValueError("no whole request came")
        parts.append(part)
    return b"".join(parts)


def content(stream: int) -> bytes:
    """All of a file in memory, which another process may still be writing."""
    with os.fdopen(os.dup(stream), "rb") as file:
        file.seek(0)
        return file.read()


def watch_mounts() -> None:
    """Note in the kernel's log what is mounted where, in a process of its own."""
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    import mountwatch

    mountwatch.watch()


def spawn(argv: list, streams: list) -> int:
    """Start a program at the head of a session of its own."""
    onto = [(os.POSIX_SPAWN_DUP2, stream, number) for number, stream in enumerate(streams)]
    defaults = [signal.SIGPIPE, signal.SIGXFSZ]  # which Python ignores
    return os.posix_spawnp(argv[0], argv, ENVIRONMENT, file_actions=onto, setsid=True, setsigdef=defaults)


def work(commands: socket.socket) -> None:
    """Run what is handed over, until nobody is there any more to hand anything over."""
    commands = socket.socket(fileno=os.dup2(commands.detach(), 3, inheritable=False))
    os.closerange(4, 1024)
    while True:
        head, streams, _, _ = socket.recv_fds(commands, 4, 3)
        if len(head) < 4:
            return
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
            os.close(stream)
        asked = commands.recv(int.from_bytes(head, sys.byteorder), socket.MSG_WAITALL)
        script, arguments = json.loads(asked)
        status = execute(compiled(script), arguments)
        gc.collect()  # files in cycles close before their numbers are anybody else's
        os.closerange(4, 1024)  # what a script left open would keep a file system busy
        commands.sendall(status.to_bytes(4, sys.byteorder, signed=True))


@functools.lru_cache(maxsize=64)
def compiled(script: str) -> object:
    """The script's code, for this time and the next; what is wrong with it is told where it runs."""
    try:
        return compile(script, "lab-script", "exec")
    except SyntaxError as error:
        return error


def execute(code: object, arguments: list) -> int:
    os.environ.update(ENVIRONMENT)
    sys.stdin = io.TextIOWrapper(io.FileIO(0, closefd=False), encoding="utf-8", errors="surrogateescape")
    sys.stdout = io.TextIOWrapper(io.FileIO(1, "w", closefd=False), encoding="utf-8", errors="surrogateescape")
    sys.stderr = io.TextIOWrapper(io.FileIO(2, "w", closefd=False), encoding="utf-8", errors="backslashreplace")
    sys.argv = ["lab-script", *arguments]
    try:
        if isinstance(code, SyntaxError):
            raise code
        exec(code, {"__name__": "__main__"})
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
