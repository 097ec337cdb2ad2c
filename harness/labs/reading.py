"""A sample of the store's objects, read as a client of the cloud reads them: a lab brings only its way of asking."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from urllib.parse import quote

from harness.errors import ReplicaRefused
from harness.evidence import Manifest, ObjectRead

SAMPLE = 5
ANY_ANSWER = range(126)  # exit statuses that are the program's own

# For each key, percent-encoded, the HTTP status (0: nobody answered) and, with 200, the SHA-256 of what came.
Fetch = Callable[[list[str]], Sequence[tuple[int, str | None]]]


def require_taken(host: str, argv: Sequence[str], exit_status: int, said: bytes) -> None:
    """What the replica must let happen to it before it can be read did happen.

    Raises:
        ReplicaRefused: it did not.
    """
    if exit_status != 0:
        answer = said.decode(errors="replace").strip()
        raise ReplicaRefused(f"{host}: `{' '.join(argv)}` ended with status {exit_status}: {answer}")


def read_sample(when: str, expected: Manifest, now: Callable[[], float], fetch: Fetch) -> list[ObjectRead]:
    """Fetch a few objects from all over the manifest, and set down what came beside what should have come."""
    objects = [one for one in expected.entries if one.kind == "file" and one.path.count("/") == 1 and one.size]
    sample = objects[:: max(1, len(objects) // SAMPLE)][:SAMPLE]
    keys = [quote(entry.path.encode("latin-1")) for entry in sample]
    return [
        ObjectRead(now(), when, key, status, found, entry.sha256 or "")
        for key, entry, (status, found) in zip(keys, sample, fetch(keys), strict=True)
    ]
