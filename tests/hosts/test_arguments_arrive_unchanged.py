"""Whatever bytes an argument, an input or an output holds, they arrive as they were sent."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

import pytest

from harness.errors import InvalidInput
from harness.hosts import remote
from harness.hosts.command import Command, Effect, Result, StartJob
from harness.hosts.transport import Transport
from tests.hosts.conftest import FENCE, Opener, Starter
from tests.hosts.test_jobs import ended

CANARY = "/tmp/walrus-ha-canary"

HOSTILE = [
    *("", " ", "  ", "\t", "\n", "\n\n", "a\nb", "\ra", "a ", " a", "trailing\n", "'", "''", "'''", '"', '""', "\\"),
    *("\\\\", "\\'", "'\\''", "`", "``", "$", "$$", "$HOME", "${HOME}", "$(id)", "$((1+1))", "`id`", "!", "!!", "!$"),
    *("*", "?", "[a-z]*", "~", "~root", "{a,b}", "#", "# comment", ";", ";;", "&", "&&", "|", "||", ">", "<", "<<EOF"),
    *(
        "(",
        ")",
        "()",
        "{",
        "}",
        "[",
        "]",
        "-",
        "--",
        "-n",
        "-e",
        "-c",
        "-exec",
        "--help",
        "--version",
        "-oProxyCommand=id",
    ),
    *(
        "=",
        "a=b",
        "PATH=/",
        "IFS=x",
        "%",
        "%s",
        "%n",
        "%d%d",
        "%%",
        "\\n",
        "\\0",
        "\\c",
        "\\x41",
        "$'\\n'",
        "if",
        "done",
    ),
    *(
        f"$(touch {CANARY})",
        f"`touch {CANARY}`",
        f"'; touch {CANARY}; '",
        f'"; touch {CANARY}; "',
        f"\n touch {CANARY} \n",
    ),
    *(
        f"|| touch {CANARY}",
        f"& touch {CANARY} &",
        f"'$(touch {CANARY})'",
        f"\\'; touch {CANARY} #",
        f"EOF\ntouch {CANARY}",
    ),
    *(
        f"' -o ProxyCommand='touch {CANARY}",
        f"}}; touch {CANARY}; {{",
        f"esac; touch {CANARY}",
        f") ; touch {CANARY} ; (",
    ),
    *(
        "é",
        "日本語",
        "\u202e",
        "\u2028",
        "\ufeff",
        "🐘",
        "a\u0301",
        os.fsdecode(b"\xff"),
        os.fsdecode(b"\xc3"),
        os.fsdecode(b"\x80"),
    ),
    *(os.fsdecode(bytes([byte])) for byte in (*range(1, 32), *range(127, 160))),
    *(
        "\x1b[2J",
        "\x01\x7f\x01",
        os.fsdecode(b"\x81\x82\x83\x84\x85\x86\x87\x88"),
        os.fsdecode(b"\x95\x5c"),
        "x" * 100_000,
    ),
    os.fsdecode(bytes(range(1, 256))),
    os.fsdecode(bytes(range(255, 0, -1))),
]
SHELLS = [shell for shell in ("dash", "bash", "busybox") if shutil.which(shell)]


def printed(arguments: list[str]) -> bytes:
    return b"".join(os.fsencode(argument) + b"\0" for argument in arguments)


def sent_through(transport: Transport, arguments: list[str], effect: Effect = Effect.READ) -> Result:
    answer = transport.send(
        Command(("printf", "%s\\0", *arguments), effect), FENCE if effect is not Effect.READ else None
    )
    assert isinstance(answer, Result)
    return answer


def test_there_are_more_than_a_hundred_payloads() -> None:
    assert len(set(HOSTILE)) > 150


def test_through_the_connection(transport: Transport) -> None:
    assert sent_through(transport, HOSTILE) == Result(0, printed(HOSTILE))
    assert not Path(CANARY).exists()


def test_under_the_fence(claimed: Transport) -> None:
    assert sent_through(claimed, HOSTILE, Effect.WRITE) == Result(0, printed(HOSTILE))


@pytest.mark.parametrize("shell", SHELLS)
def test_through_every_shell(local: Transport, shell: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_shell(monkeypatch, folder, shell)
    for start in range(0, len(HOSTILE), 8):  # a mistake in one argument must not be made good by another
        arguments = HOSTILE[start : start + 8]
        assert sent_through(local, arguments).stdout == printed(arguments)
    assert not Path(CANARY).exists()


@pytest.mark.parametrize("shell", SHELLS)
def test_random_bytes_through_every_shell(
    local: Transport, shell: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_shell(monkeypatch, folder, shell)
    dice = random.Random(7)
    arguments = [os.fsdecode(bytes(dice.choices(range(1, 256), k=dice.randrange(60)))) for _ in range(1000)]
    assert sent_through(local, arguments).stdout == printed(arguments)


def use_shell(monkeypatch: pytest.MonkeyPatch, folder: Path, shell: str) -> None:
    programs = folder / "programs"
    programs.mkdir()
    (programs / "sh").symlink_to(shutil.which(shell) or shell)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")


NOISE = [
    'echo "Welcome"; echo warning >&2',
    'printf "no newline"; printf "no newline" >&2',
    'echo "$SSH_ORIGINAL_COMMAND"; echo "$SSH_ORIGINAL_COMMAND" >&2',
    "head -c 300000 /dev/zero; head -c 300000 /dev/zero >&2",
]


def test_through_a_noisy_login(start_sshd: Starter, opened: Opener, tmp_path: Path) -> None:
    """Banners and start-up files that print, even the command line itself, corrupt nothing."""
    banner = tmp_path / "banner"
    banner.write_text("Authorised access only.\nPermission denied (to everybody else).\n")
    sshd = start_sshd(f'Banner {banner}\nForceCommand {"; ".join(NOISE)}; eval "$SSH_ORIGINAL_COMMAND"')
    transport = opened(sshd.connection())
    for _ in range(2):
        answer = transport.send(Command(("sh", "-c", "printf out; printf err >&2; exit 3")))
        assert answer == Result(3, b"out", b"err")


def test_a_job_gets_its_arguments(claimed: Transport, folder: Path) -> None:
    there = folder / "there"
    command = Command(("sh", "-c", 'exec printf "%s\\0" "$@" >"$0"', str(there), *HOSTILE), Effect.WRITE)
    claimed.send(StartJob("print", command), FENCE)
    assert ended(claimed, "print") == Result(0)
    assert there.read_bytes() == printed(HOSTILE)


@pytest.mark.parametrize("effect", [Effect.READ, Effect.WRITE])
def test_a_mebibyte_there_and_back(claimed: Transport, effect: Effect) -> None:
    content = random.Random(7).randbytes(1024 * 1024)
    answer = claimed.send(Command(("cat",), effect, content), None if effect is Effect.READ else FENCE)
    assert answer == Result(0, content)


@pytest.mark.parametrize("ending", [b"", b"x", b"\n", b"\n\n", b"\0"])
def test_the_end_of_output_is_kept(local: Transport, ending: bytes) -> None:
    content = b"first line\n" + ending
    assert local.send(Command(("cat",), stdin=content)) == Result(0, content)


def test_a_command_may_leave_its_input_unread(claimed: Transport) -> None:
    content = bytes(1024 * 1024)
    assert claimed.send(Command(("true",), stdin=content)) == Result(0)
    assert claimed.send(Command(("true",), Effect.WRITE, content), FENCE) == Result(0)


def test_a_command_without_input_reads_nothing(transport: Transport) -> None:
    assert transport.send(Command(("cat",))) == Result(0)


def test_a_command_is_a_program_and_never_part_of_the_shell(local: Transport) -> None:
    for builtin in ("exit", "end", "begin", "eval", "set"):
        answer = local.send(Command((builtin, "0")))
        assert isinstance(answer, Result)
        assert answer.exit_status == 127


@pytest.mark.parametrize("argv", [(), ("",), ("-c", "id"), ("echo", "a\0b")])
def test_what_cannot_be_said_is_refused(local: Transport, argv: tuple[str, ...]) -> None:
    with pytest.raises(InvalidInput):
        local.send(Command(argv))


def test_the_environment_of_commands(transport: Transport) -> None:
    answer = transport.send(Command(("sh", "-c", "umask; pwd; echo $LC_ALL; echo $PATH; ls /nonexistent")))
    assert isinstance(answer, Result)
    umask, directory, locale, path = answer.text.splitlines()
    assert (umask, directory, locale) == ("0022", "/", "C")
    assert path.endswith(":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
    assert b"No such file or directory" in answer.stderr


def test_nothing_is_sent_that_shells_of_2012_get_wrong() -> None:
    """Found by running these tests with bash 4.1 as ``sh``, which is not at hand everywhere."""
    texts = [text for name, text in vars(remote).items() if name.isupper() and isinstance(text, str)]
    assert len(texts) > 8
    assert not [text for text in texts if "command exec" in text]
