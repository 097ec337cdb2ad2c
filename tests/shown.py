"""What README and docs tell people to type, and by whom it is typed here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "fakes").glob("*.md")])
_BLOCK = re.compile(r"^```(?:sh|bash|console|shell)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"(?:^|\s)#.*$")


_IN_MACHINES = "tests/labs/test_machines_do_what_pages_show.py"
TYPED_BY = {
    "walrus-ha sweep --depth 2": "tests/trials/sweep/test_pairs_pass_from_the_first_share_on.py::test_as_shown",
    "make setup": ".ci/run",
    "make labs": ".ci/run",
    "make test": ".ci/run",
    ".venv/bin/walrus-ha rehearse --lab machines scenarios/core/success-with-full-sync.yaml": (
        f"{_IN_MACHINES}::test_the_success_path_of_the_readme"
    ),
    "walrus-ha rehearse --facts facts.json --lab machines": f"{_IN_MACHINES}::test_a_site_is_rehearsed_from_its_facts",
    "WALRUS_HA_REQUIRE_LABS=simulated,containers,machines walrus-ha rehearse --lab containers --lab machines site/": (
        f"{_IN_MACHINES}::test_labs_that_are_demanded_are_there"
    ),
}
"""Commands that the test of their page leaves out, and the file, or the test in it, that has the very words."""


def _commands(block: str) -> Iterator[str]:
    """The lines of a shell block without their comments."""
    for line in block.splitlines():
        if plain := _COMMENT.sub("", line).strip():
            yield plain


def blocks(page: Path) -> list[str]:
    """The commands of a page's shell blocks, in their order."""
    return [command for block in _BLOCK.findall(page.read_text()) for command in _commands(block)]


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def executed(page: str) -> str:
    """The commands that the test of a page types: those of its shell blocks, without what is typed elsewhere."""
    return "\n".join(one for one in blocks(ROOT / page) if one not in TYPED_BY)
