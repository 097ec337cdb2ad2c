"""What all tests share: how a test says which lab it needs, and that nothing is skipped where labs are demanded."""

from __future__ import annotations

from collections.abc import Callable, Generator

import pytest

from harness.labs import doctor
from harness.pytest_plugin import ScenarioItem

LACKING = pytest.StashKey[dict[str, str]]()  # for each reason why a lab is not here, the lab


@pytest.fixture(scope="session")
def require_lab(pytestconfig: pytest.Config) -> Callable[[str], None]:
    """Skip the test, with the reason, where the machine lacks the lab."""

    def need(name: str) -> None:
        if lacking := doctor.missing(name):
            pytestconfig.stash.setdefault(LACKING, {})[lacking] = name
            pytest.skip(lacking)

    return need


@pytest.fixture(scope="session")
def demanded_lab(pytestconfig: pytest.Config, require_lab: Callable[[str], None]) -> Callable[[str], None]:
    """The same for a test that takes minutes: skip it as well where nobody demands the lab."""

    def need(name: str) -> None:
        if name not in doctor.required():
            reason = f"takes minutes: {doctor.REQUIRED}={name} demands it"
            pytestconfig.stash.setdefault(LACKING, {})[reason] = name
            pytest.skip(reason)
        require_lab(name)

    return need


@pytest.hookimpl(wrapper=True, tryfirst=True)  # around pytest's own, which tells an expected failure from a skip
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where labs are demanded, a skipped test fails; a scenario decides that for itself."""
    report = yield
    if not isinstance(item, ScenarioItem):
        _forbid_skip(report, item.config)
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The same for a module that skips itself while it is imported."""
    report = yield
    _forbid_skip(report, collector.config)
    return report


def _forbid_skip(report: pytest.TestReport | pytest.CollectReport, config: pytest.Config) -> None:
    """A machine that lacks what a test needs must not look like one that passed it."""
    demanded = doctor.required()
    if not demanded or not report.skipped or hasattr(report, "wasxfail"):
        return
    assert isinstance(report.longrepr, tuple), "pytest tells where and why a test was skipped"
    path, line, said = report.longrepr
    reason = said.removeprefix("Skipped: ")
    lab = config.stash.get(LACKING, {}).get(reason)
    if lab is None or lab in demanded:
        report.outcome = "failed"
        report.longrepr = f"{path}:{line}: skipped: {reason} ({doctor.REQUIRED} demands it)"
