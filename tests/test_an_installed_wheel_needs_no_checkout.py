"""A wheel has everything in it: in an empty environment, outside any checkout, the embedded rehearsal runs."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from harness.explain import render
from harness.explain.page import KINDS, pages
from harness.trials.scenario_files import load_scenarios
from tests.shown import ROOT, executed
from tests.stage import Stage

PIPX = "pipx==1.8.0"  # what installs, not what is installed


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
    """A directory without a checkout around it, where pipx has installed the wheel as the page on CI shows it."""
    place = tmp_path_factory.mktemp("elsewhere")
    assert run(sys.executable, "-m", "venv", place / "tools", cwd=place).returncode == 0
    pip = (place / "tools/bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    got = run(*pip, PIPX, cwd=place)
    assert got.returncode == 0, got.stdout + got.stderr
    shutil.copy(wheel, place)
    install, *_ = executed("docs/how-to/ci.md").splitlines()
    assert install.startswith("pipx install ")
    like_a_users(place).run(install)
    return place


def like_a_users(place: Path) -> Stage:
    """The stage of somebody who has no clone: pipx and what it installed are on PATH."""
    variables = {
        "PATH": f"{place}/programs:{place}/tools/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": str(place),
        "PIPX_HOME": str(place / "pipx"),
        "PIPX_BIN_DIR": str(place / "programs"),
        "PIPX_DEFAULT_PYTHON": sys.executable,
        "PIP_CONSTRAINT": str(ROOT / "constraints.txt"),
    }
    return Stage(place, variables=variables)


def walrus_ha(place: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return run(place / "programs/walrus-ha", *arguments, cwd=place, **environment)


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
    (core,) = (elsewhere / "pipx/venvs").glob("*/lib/python3.*/site-packages/harness/_shipped/scenarios/core")
    done = walrus_ha(elsewhere, "rehearse", "--json", str(core))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["summary"] == {"pass": 3, "fail": 0, "inconclusive": 0, "skipped": 0}


@pytest.mark.timeout(900)  # all scenarios: a minute, where nobody else wants the processors
def test_what_the_page_on_ci_goes_on_with_works(elsewhere: Path) -> None:
    (elsewhere / "site").mkdir()
    shutil.copy(ROOT / "scenarios/core/success-with-full-sync.yaml", elsewhere / "site")
    _, everything, own = executed("docs/how-to/ci.md").splitlines()
    stage, told = like_a_users(elsewhere), elsewhere / "rehearsal.xml"
    stage.run(everything)
    embedded = [one.name for one in load_scenarios([ROOT / "scenarios"]) if "simulated" in one.labs]
    assert len(embedded) > 200
    assert [name for name in embedded if name not in told.read_text()] == []
    stage.run(own)
    assert 'tests="1"' in told.read_text()


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
