"""A sample of the store's objects, read as a client of the cloud reads them: a lab brings only its way of asking."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from urllib.parse import quote

from harness.evidence import Manifest, ObjectRead

SAMPLE = 5

# For each key, percent-encoded, the HTTP status (0: nobody answered) and, with 200, the SHA-256 of what came.
Fetch = Callable[[list[str]], Sequence[tuple[int, str | None]]]


def read_sample(when: str, expected: Manifest, now: Callable[[], float], fetch: Fetch) -> list[ObjectRead]:
    """Fetch a few objects from all over the manifest, and set down what came beside what should have come."""
    objects = [one for one in expected.entries if one.kind == "file" and one.path.count("/") == 1 and one.size]
    sample = objects[:: max(1, len(objects) // SAMPLE)][:SAMPLE]
    keys = [quote(entry.path.encode("latin-1")) for entry in sample]
    return [
        ObjectRead(now(), when, key, status, found, entry.sha256 or "")
        for key, entry, (status, found) in zip(keys, sample, fetch(keys), strict=True)
    ]
