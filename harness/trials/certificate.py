"""A rehearsal on record: what was rehearsed, where, when and with which verdicts, signed by a key of this machine.

The signature is an HMAC. It shows that the record was written by somebody who has the key and was not changed since;
it shows nothing to whoever has the key (docs/decisions).
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from harness import jsonfile, sealed
from harness.errors import InvalidInput, Refused
from harness.migration.procedure import Procedure
from harness.private import private
from harness.yamlmodel import Strict, validate

FORMAT = 1
KEY_VARIABLE = "WALRUS_HA_CERTIFICATE_KEY"
_KEY_BYTES = 32
_OTHERS = 0o077
_CLOCKS_APART = timedelta(minutes=5)

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _TrialFile(Strict):
    scenario: str
    lab: str
    verdict: Literal["PASS", "FAIL", "INCONCLUSIVE", "SKIPPED"]


class _ProcedureFile(Strict):
    engine: str
    strategy: str
    filesystem: str
    first_sync: str
    rehash: str
    cloud: str
    drbd: str


class _CertificateFile(Strict):
    format: Literal[1]
    made: str
    tool: str
    procedure: _ProcedureFile
    procedure_sha256: Sha256
    trials: list[_TrialFile]
    signature: Sha256
    sha256: Sha256  # the seal, which shows damage to whoever has no key


@dataclass(frozen=True)
class Judged:
    """One trial of the rehearsal, and its verdict."""

    scenario: str
    lab: str
    verdict: str


@dataclass(frozen=True)
class Certificate:
    """One rehearsal of one procedure."""

    made: str  # ISO 8601
    tool: str  # version and commit
    procedure: Procedure
    trials: Sequence[Judged]

    def body(self) -> dict[str, Any]:
        """What is signed."""
        return {
            "format": FORMAT,
            "made": self.made,
            "tool": self.tool,
            "procedure": asdict(self.procedure),
            "procedure_sha256": self.procedure.sha256,
            "trials": [asdict(trial) for trial in self.trials],
        }

    def why_not(self, required: Sequence[str], now: datetime, max_age: timedelta) -> str | None:
        """What keeps this rehearsal from counting for its procedure, None when nothing does."""
        age = now - datetime.fromisoformat(self.made)
        if age < -_CLOCKS_APART:
            return f"it is of {self.made}, which has not come yet"
        if age > max_age:
            return f"it is {age.days} days old, and counts for {max_age.days}"
        bad = [trial for trial in self.trials if trial.verdict in ("FAIL", "INCONCLUSIVE")]
        if bad:
            return f"{bad[0].scenario} ended {bad[0].verdict} in the {bad[0].lab} lab"
        passed = {trial.scenario for trial in self.trials if trial.verdict == "PASS"}
        lacking = [name for name in required if name not in passed]
        return f"{', '.join(lacking)} was not rehearsed" if lacking else None

    def told(self) -> dict[str, Any]:
        """What the journal of the move keeps of it."""
        labs = sorted({trial.lab for trial in self.trials if trial.verdict == "PASS"})
        passed = sum(trial.verdict == "PASS" for trial in self.trials)
        return {
            "procedure": self.procedure.sha256,
            "made": self.made,
            "tool": self.tool,
            "labs": labs,
            "passed": passed,
        }


def _signature(body: Mapping[str, Any], key: bytes) -> str:
    text = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


class Cabinet:
    """The folder where rehearsals are on record, with the key that signs them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, certificate: Certificate) -> Path:
        """Sign the record and write it, readable by its owner only; returns where."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        body = certificate.body()
        signature = _signature(body, self._key(make=True))
        moment = "".join(one for one in certificate.made if one.isdigit())[:17]
        path = self._folder / f"{certificate.procedure.sha256[:12]}-{moment}.json"
        sealed.save({**body, "signature": signature}, path)
        return path

    def fitting(self, wanted: Procedure, required: Sequence[str], now: datetime, max_age: timedelta) -> Certificate:
        """The newest rehearsal on record that counts for a procedure.

        Raises:
            NotRehearsed: there is none; says what is there instead.
        """
        reasons = []
        for path, certificate, trouble in self._newest_first():
            if certificate is None:
                reasons.append(f"{path.name}: {trouble}")
                continue
            unlike = "; ".join(wanted.unlike(certificate.procedure))
            reason = unlike or certificate.why_not(required, now, max_age)
            if reason is None:
                return certificate
            reasons.append(f"the rehearsal of {certificate.made}: {reason}")
        raise NotRehearsed("; ".join(reasons[:3]) or f"no rehearsal is on record in {self._folder}")

    def _newest_first(self) -> list[tuple[Path, Certificate | None, str]]:
        found = [(path, *self._read(path)) for path in self._folder.glob("*.json")]
        return sorted(found, key=lambda one: one[1].made if one[1] else "", reverse=True)

    def _read(self, path: Path) -> tuple[Certificate | None, str]:
        """A record, or why it counts for nothing."""
        try:
            document = jsonfile.read(path)
            parsed = validate(document, _CertificateFile)
            document.require_sound()
        except InvalidInput as damaged:
            return None, f"it is no record of a rehearsal: {damaged}".splitlines()[0]
        assert parsed is not None, "a sound document gives a certificate"
        fields = parsed.model_dump()
        signature, _ = fields.pop("signature"), fields.pop(sealed.SEAL)
        if not hmac.compare_digest(signature, _signature(fields, self._key())):
            return None, "it is not signed with the key of this machine, or was changed since"
        trials = [Judged(**trial) for trial in fields["trials"]]
        return Certificate(fields["made"], fields["tool"], Procedure(**fields["procedure"]), trials), ""

    def _key(self, make: bool = False) -> bytes:
        """The key, made at first use.

        Raises:
            Refused: there is none, others can read it, or it is too short to be one.
        """
        named = os.environ.get(KEY_VARIABLE)
        path = Path(named) if named else self._folder / "key"
        if make and not named and not path.exists():
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_hex(_KEY_BYTES) + "\n")
                file.flush()
                os.fsync(file.fileno())
        return _read_key(path)


def _read_key(path: Path) -> bytes:
    try:
        with open(path, opener=private) as file:
            if os.fstat(file.fileno()).st_mode & _OTHERS:
                raise Refused(f"{path} signs rehearsals and can be read by others; chmod 600 {path}")
            key = bytes.fromhex(file.read().strip())
    except (OSError, ValueError) as error:
        raise Refused(f"{path} signs rehearsals and cannot be read: {error}") from error
    if len(key) < _KEY_BYTES:
        raise Refused(f"{path} signs rehearsals and holds {len(key)} bytes; {_KEY_BYTES} are needed")
    return key


class NotRehearsed(Refused):
    """No rehearsal on record counts for the procedure that is asked for; nothing was changed."""


def certificates(
    judged: Sequence[tuple[Procedure, Judged]], tool: str, now: datetime | None = None
) -> Iterator[Certificate]:
    """One for each procedure that was rehearsed."""
    made = (now or datetime.now(UTC)).isoformat(timespec="milliseconds")
    for procedure in dict.fromkeys(procedure for procedure, _ in judged):
        yield Certificate(made, tool, procedure, [trial for of, trial in judged if of == procedure])
