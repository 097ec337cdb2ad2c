"""With WALRUS_HA_REQUIRE_LABS a test that is skipped has failed, unless it lacks a lab that is not demanded."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.labs import doctor

pytest_plugins = ["pytester"]

CONFTEST = Path(__file__).with_name("conftest.py")
SKIPS = {
    "in the test": "import pytest\ndef test_it():\n    pytest.skip('no mounts here')",
    "by a mark": "import pytest\n@pytest.mark.skipif(True, reason='no mounts here')\ndef test_it(): ...",
    "in a fixture": """
        import pytest
        @pytest.fixture
        def mounted():
            pytest.skip("no mounts here")
        def test_it(mounted): ...""",
    "in a test that is expected to fail": """
        import pytest
        @pytest.mark.xfail(reason="a known bug")
        def test_it():
            pytest.skip("no mounts here")""",
    "in the module": "import pytest\npytest.skip('no mounts here', allow_module_level=True)\ndef test_it(): ...",
    "in an import": "import pytest\npytest.importorskip('no_such_package', reason='no mounts here')",
}
NEEDS_A_LAB = """
    import pytest

    @pytest.fixture(scope="module")
    def lab(require_lab):
        require_lab("machines")

    def test_one(lab): ...
    def test_another(lab): ...
"""


@pytest.fixture(autouse=True)
def _tests_like_ours(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    pytester.makeconftest(CONFTEST.read_text())
    monkeypatch.setattr(doctor, "missing", lambda name: f"the {name} lab lacks: all")
    monkeypatch.setenv("WALRUS_HA_REQUIRE_LABS", "simulated,containers")
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # most of a run is loading what is not asked about


def _run(pytester: pytest.Pytester) -> pytest.RunResult:
    return pytester.runpytest_inprocess("-rs")


@pytest.mark.parametrize("text", SKIPS.values(), ids=SKIPS)
def test_a_skip_fails_with_its_reason(pytester: pytest.Pytester, text: str) -> None:
    pytester.makepyfile(text)
    result = _run(pytester)
    assert [word for word in result.parseoutcomes() if word not in ("failed", "errors", "error")] == []
    assert sum(result.parseoutcomes().values()) == 1
    result.stdout.fnmatch_lines(["*.py:*: skipped: no mounts here (WALRUS_HA_REQUIRE_LABS demands it)"])


@pytest.mark.parametrize("text", SKIPS.values(), ids=SKIPS)
def test_without_a_demand_it_is_a_skip(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("WALRUS_HA_REQUIRE_LABS", "")
    pytester.makepyfile(text)
    result = _run(pytester)
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["SKIPPED * no mounts here"])


def test_a_lab_that_is_not_demanded_may_be_skipped(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(NEEDS_A_LAB)
    result = _run(pytester)
    result.assert_outcomes(skipped=2)
    result.stdout.fnmatch_lines(["SKIPPED * the machines lab lacks: all"])


def test_a_lab_that_is_demanded_may_not(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WALRUS_HA_REQUIRE_LABS", "simulated,machines")
    pytester.makepyfile(NEEDS_A_LAB)
    result = _run(pytester)
    result.assert_outcomes(errors=2)
    result.stdout.fnmatch_lines(["*.py:*: skipped: the machines lab lacks: all (WALRUS_HA_REQUIRE_LABS demands it)"])


def test_a_scenario_says_itself_where_it_does_not_run(pytester: pytest.Pytester) -> None:
    (pytester.path / "scenarios").mkdir()
    (pytester.path / "scenarios" / "some-claim.yaml").write_text(
        "claim: a move completes\nlabs: [simulated]\nnot_in: {containers: the kernel there has no such device}\n"
        "expect: {outcome: completed}\n"
    )
    # In a process of its own, for a scenario brings half of the harness with it.
    result = pytester.runpytest_subprocess("-p", "harness.pytest_plugin", "--walrus-lab", "containers", "-rs")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["SKIPPED * the kernel there has no such device"])


def test_an_expected_failure_is_one(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.xfail(reason="a known bug")
        def test_marked():
            raise AssertionError

        @pytest.mark.xfail(run=False, reason="a known bug")
        def test_marked_and_not_run(): ...

        def test_says_so_itself():
            pytest.xfail("a known bug")

        @pytest.mark.xfail(reason="a known bug")
        def test_marked_and_passing(): ...
        """
    )
    _run(pytester).assert_outcomes(xfailed=3, xpassed=1)
