"""``python -m tests.fuzz [PARSER ...]``: a table of what each parser took. WALRUS_HA_FUZZ inputs each, 100,000 else.

WALRUS_HA_FUZZ_JOBS processes go through them, as many as there are processors else.
"""

from __future__ import annotations

import hashlib
import os
import sys

from tests.fuzz.fuzzing import Report, fuzz
from tests.fuzz.inputs import CORPUS
from tests.fuzz.parsers import PARSERS

COUNT, SEED, JOBS = "WALRUS_HA_FUZZ", "WALRUS_HA_FUZZ_SEED", "WALRUS_HA_FUZZ_JOBS"


def main(names: list[str]) -> int:
    if unknown := set(names) - {parser.name for parser in PARSERS}:
        print(f"no such parser: {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    count, seed = int(os.environ.get(COUNT, "100000")), int(os.environ.get(SEED, "1"))
    processes = int(os.environ.get(JOBS, len(os.sched_getaffinity(0))))
    print(f"{'parser':20} {'inputs':>9} {'understood':>10} {'inputs/s':>9} {'slowest':>8}  finds", flush=True)
    found = 0
    for parser in PARSERS:
        if not names or parser.name in names:
            report = fuzz(parser, count, seed, shell_sample=2000, processes=processes)
            taken = f"{report.inputs:9} {report.parsed:10} {report.rate:9.0f} {1000 * report.slowest_s:5.0f} ms"
            print(f"{report.parser:20} {taken}  {len(report.finds)}", flush=True)
            found += _keep(report)
    return 1 if found else 0


def _keep(report: Report) -> int:
    """What broke a parser becomes part of its corpus, so that it is tried first from now on."""
    for find in report.finds.values():
        print(f"  {find}", flush=True)
        if find.input:
            name = f"broke-{hashlib.sha256(find.input).hexdigest()[:12]}"
            (CORPUS / report.parser / name).write_bytes(find.input)
    return len(report.finds)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
