"""sudo before a shell: the words that call it, and the password that it may ask for, which is tried once."""

from __future__ import annotations

import re
import secrets
import threading
from collections.abc import Callable
from contextlib import nullcontext
from typing import TypeVar

from harness.errors import AccessDenied, InvalidInput, Unreachable
from harness.hosts.exchange import Gate, NotSent, WrongPassword
from harness.hosts.secret import Secret

USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@\\-]*[$]?")
_ADVICE = {
    "must have a tty": "let its user in without one: visudo there, and add  Defaults:USER !requiretty",
    "password is required": "give `become_password_file` under the host's `migrate:`, or NOPASSWD: in its sudoers",
    "not allowed to": "sudoers there must let the user run sh as the one that it becomes",
}

Got = TypeVar("Got")


class Sudo:
    """What stands between the login and the shell of one host: nothing, sudo, or sudo with a password.

    A password that was refused is not sent again, since hosts lock accounts after some wrong ones.

    Raises:
        InvalidInput: the user cannot be a user's name, or the method is not sudo.
    """

    def __init__(self, become: bool, user: str, method: str, password: Secret | None = None) -> None:
        if become and method != "sudo":
            raise InvalidInput(f"{method!r} is no way to become {user}: only sudo is supported")
        if become and not USER.fullmatch(user):
            raise InvalidInput(f"{user!r} is not the name of a user")
        self.user = user if become else None
        self.password = password if become else None
        self.prompt = f"walrus-ha-{secrets.token_hex(8)}-password:"
        self._first = threading.Lock()
        self._proven = password is None
        self._refusal = ""

    def words(self) -> list[str]:
        """The words before the shell's."""
        if self.user is None:
            return []
        asks = ["-S", "-p", self.prompt] if self.password else ["-n"]
        return ["sudo", *asks, "-u", self.user, "--"]

    def gate(self, greeting: bytes) -> Gate | None:
        """What has to be passed before anything may be sent, which sudo would take for the password."""
        password = self.password
        return Gate(self.prompt.encode(), greeting, password.reveal) if password else None

    def through(self, host: str, ask: Callable[[], Got]) -> Got:
        """Ask for something behind sudo. Until the password is known to be right only one asks at a time.

        Raises:
            AccessDenied: sudo refused the password, now or before.
            NotSent, Lost: as ``ask`` does.
        """
        with nullcontext() if self._proven else self._first:
            if self._refusal:
                raise AccessDenied(host, f"{self._refusal}; it was not tried again")
            try:
                got = ask()
            except WrongPassword as wrong:
                self._refusal = f"sudo does not take the password of {self.password}: {wrong.said}"
                raise AccessDenied(host, self._refusal) from None
            except InvalidInput as nothing:  # a file that was there when the inventory was read
                raise AccessDenied(host, str(nothing)) from None
            self._proven = True
            return got


def refused(host: str, silence: NotSent) -> AccessDenied | Unreachable:
    """Why there was no shell: the machine refused us, or could not be asked at all. Nothing was sent."""
    words = [line.strip() for line in silence.said.splitlines() if line.strip()]
    said = words[-1] if words else "nothing was said"
    if silence.status is None or silence.status < 0:  # given up, or ended by a signal here
        return Unreachable(host, said)
    advice = next((f"; {hint}" for sign, hint in _ADVICE.items() if sign in said), "")
    return AccessDenied(host, f"no shell is granted there (status {silence.status}): {said}{advice}")
