"""A wheel has everything in it: in an empty environment, outside any checkout, the embedded rehearsal runs."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from harness.explain import render
from harness.explain.page import KINDS, pages

ROOT = Path(__file__).resolve().parents[1]


def run(*arguments: str | Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(cwd), **environment}
    return subprocess.run(
        [str(argument) for argument in arguments],
        cwd=cwd,
        env=env,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("wheel")
    done = run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", made, ROOT, cwd=made)
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = made.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def elsewhere(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory without a checkout around it, with the wheel in an environment of its own."""
    place = tmp_path_factory.mktemp("elsewhere")
    assert run(sys.executable, "-m", "venv", place / "venv", cwd=place).returncode == 0
    pip: list[str | Path] = [
        place / "venv/bin/python",
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ]
    done = run(*pip, "-c", ROOT / "constraints.txt", wheel, cwd=place)
    assert done.returncode == 0, done.stdout + done.stderr
    return place


def walrus_ha(place: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return run(place / "venv/bin/walrus-ha", *arguments, cwd=place, **environment)


def test_every_scenario_recipe_and_fake_of_the_checkout_is_in_the_wheel(wheel: Path) -> None:
    inside = set(zipfile.ZipFile(wheel).namelist())
    tracked = run("git", "-C", ROOT, "ls-files", "scenarios", "images", "harness", "fakes", cwd=ROOT).stdout.split()
    shipped = {
        f"harness/_shipped/{name}" if name.startswith(("scenarios/", "images/")) else name
        for name in tracked
        if (ROOT / name).is_file()
    }
    assert len(shipped) > 200
    assert shipped <= inside


def test_the_core_scenarios_pass_in_the_embedded_lab(elsewhere: Path) -> None:
    core = (
        elsewhere / "venv/lib" / f"python3.{sys.version_info.minor}" / "site-packages/harness/_shipped/scenarios/core"
    )
    done = walrus_ha(elsewhere, "rehearse", "--json", str(core))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["summary"] == {"pass": 3, "fail": 0, "inconclusive": 0, "skipped": 0}


def test_doctor_names_commands_that_an_installed_tool_has(elsewhere: Path) -> None:
    done = walrus_ha(elsewhere, "doctor")
    assert done.returncode == 0, done.stderr
    assert "simulated    ready" in done.stdout
    assert "make labs" not in [line.strip() for line in done.stdout.splitlines()]


def test_every_step_finding_error_and_status_is_explained(elsewhere: Path) -> None:
    names = {kind: [page.name for page in pages() if page.kind == kind] for kind in KINDS}
    assert json.loads(walrus_ha(elsewhere, "explain", "--json").stdout) == {"names": names}
    asked = [name for of_a_kind in names.values() for name in of_a_kind]
    done = walrus_ha(elsewhere, "explain", "--json", *dict.fromkeys(asked))
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)["pages"]
    assert sorted((page["kind"], page["name"]) for page in told) == sorted((page.kind, page.name) for page in pages())
    assert [page["name"] for page in told if not (page["means"] and page["why"])] == []
    assert walrus_ha(elsewhere, "explain", "--markdown").stdout == render.markdown(pages())


def test_the_schemas_of_the_documentation_are_in_the_wheel(wheel: Path) -> None:
    inside = zipfile.ZipFile(wheel)
    published = sorted((ROOT / "docs" / "reference").glob("*.schema.json"))
    assert len(published) >= 4
    for schema in published:
        assert inside.read(f"harness/_shipped/{schema.name}") == schema.read_bytes()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_comes_with_it(elsewhere: Path, shell: str) -> None:
    assert "_WALRUS_HA_COMPLETE" in walrus_ha(elsewhere, "completion", shell).stdout
    offered = walrus_ha(
        elsewhere, _WALRUS_HA_COMPLETE="bash_complete", COMP_WORDS="walrus-ha reh", COMP_CWORD="1"
    ).stdout
    assert offered.strip() == "plain,rehearse"


def test_the_version_says_of_which_commit_it_is(elsewhere: Path) -> None:
    head = run("git", "-C", ROOT, "rev-parse", "--short=12", "HEAD", cwd=ROOT).stdout.strip()
    assert f"(commit {head}" in walrus_ha(elsewhere, "--version").stdout
    assert "Usage:" in walrus_ha(elsewhere, "--help").stdout
