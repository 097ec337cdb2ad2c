"""A scenario file is a test: pytest collects it once for each lab that it names.

Files that end in ``.yaml`` are collected below a folder called ``scenarios``, and wherever the command line names them.
A lab that the machine lacks is a skip with its reason, or a failure when ``WALRUS_HA_REQUIRE_LABS`` names it.

This module is loaded into every pytest of its environment, so it imports the rest of the harness only when it has
a scenario in its hands.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

if TYPE_CHECKING:
    from harness.checks.verdict import Judgement
    from harness.trials.scenario import Scenario


class TrialFailed(Exception):
    """The judges did not say PASS; carries the judgement and where the evidence is kept."""

    def __init__(self, judgement: Judgement, evidence: Path) -> None:
        self.judgement = judgement
        self.evidence = evidence
        super().__init__(judgement.reason)


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option that restricts the labs."""
    parser.getgroup("walrus-ha").addoption(
        "--walrus-lab",
        action="append",
        default=[],
        metavar="NAME",
        help="run scenarios only in this lab; may be repeated (default: every lab that a scenario names)",
    )


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Take a scenario file; leave every other file to others."""
    if file_path.suffix == ".yaml" and (_below_scenarios(file_path, parent.config) or _named(file_path, parent)):
        return ScenarioFile.from_parent(parent, path=file_path)
    return None


def _below_scenarios(path: Path, config: pytest.Config) -> bool:
    inside = path.relative_to(config.rootpath) if path.is_relative_to(config.rootpath) else path
    return "scenarios" in inside.parent.parts


def _named(path: Path, parent: pytest.Collector) -> bool:
    return parent.session.isinitpath(path)


class ScenarioFile(pytest.File):
    """One scenario file; its items are the labs."""

    def collect(self) -> Iterable[pytest.Item]:
        """An item a lab: those that the scenario names, and those of which it says why not."""
        from harness.errors import InvalidInput
        from harness.trials.scenario_files import load_scenarios

        try:
            scenarios = load_scenarios([self.path])
        except InvalidInput as wrong:
            raise self.CollectError(str(wrong)) from None
        chosen = self.config.getoption("--walrus-lab")
        for scenario in scenarios:
            for lab in dict.fromkeys((*scenario.labs, *scenario.not_in)):
                if not chosen or lab in chosen:
                    yield ScenarioItem.from_parent(self, name=f"{scenario.name}[{lab}]", scenario=scenario, lab=lab)


class ScenarioItem(pytest.Item):
    """One trial: the scenario in one lab, judged."""

    def __init__(self, *, scenario: Scenario, lab: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scenario = scenario
        self.lab = lab
        if lab != "simulated" and self.config.pluginmanager.hasplugin("xdist"):
            # Real hosts share this machine: trials of one lab run one after the other.
            self.add_marker(pytest.mark.xdist_group(f"walrus-ha-{lab}"))

    def runtest(self) -> None:
        """Run the trial and judge it; the evidence is kept when the verdict is not PASS."""
        from harness.checks.verdict import Verdict

        self._skip_what_cannot_run()
        folder = Path(tempfile.mkdtemp(prefix=f"walrus-ha-{self.scenario.name}-"))
        judgement = self._judged(folder)
        if judgement.verdict is not Verdict.PASS:
            raise TrialFailed(judgement, folder / "evidence.json")
        shutil.rmtree(folder)

    def _judged(self, folder: Path) -> Judgement:
        from harness.checks.verdict import judge
        from harness.errors import LabUnavailable
        from harness.labs import catalogue
        from harness.trials.trial import run_trial

        try:
            evidence = run_trial(self.scenario, catalogue.find(self.lab), folder)
        except LabUnavailable as missing:
            shutil.rmtree(folder)
            self._not_here(str(missing))
        evidence.save(folder / "evidence.json")
        judgement = judge(evidence)
        self.user_properties += [
            ("scenario", evidence.scenario),
            ("lab", evidence.lab),
            ("verdict", judgement.verdict.value),
            ("trace_hash", evidence.trace_hash),
        ]
        return judgement

    def _skip_what_cannot_run(self) -> None:
        """The scenario's own reason never counts as a lack of the machine."""
        from harness.labs import doctor

        for lab, reason in self.scenario.not_in.items():
            if lab == self.lab:
                pytest.skip(reason)
        if lacking := doctor.missing(self.lab):
            self._not_here(lacking)

    def _not_here(self, reason: str) -> NoReturn:
        from harness.labs import doctor

        if self.lab in doctor.required():
            pytest.fail(f"{reason} ({doctor.REQUIRED} demands it)", pytrace=False)
        pytest.skip(reason)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """What the judges found wrong; a traceback only for what is a bug of ours."""
        if not isinstance(excinfo.value, TrialFailed):
            return super().repr_failure(excinfo, style)
        from harness.report.model import printable
        from harness.report.text import trouble

        judgement = excinfo.value.judgement
        lines = [f"{judgement.verdict.value}: {printable(self.scenario.claim)}", *trouble(judgement.findings)]
        return "\n".join([*lines, f"look again: walrus-ha judge {excinfo.value.evidence}"])

    def reportinfo(self) -> tuple[Path, int | None, str]:
        return self.path, None, self.name
