"""Findings that preflight keeps to itself: each one a mistake of its own."""

from __future__ import annotations

from tests.broken.patching import Become, Edit, Sabotage, sabotage

_SURVEY = "migration.preflight.survey:preflight"
_SAID = "return [finding for findings in said for finding in findings]"

_SEEN_IN = {
    "device-size-differs": "additional-device-smaller",
    "device-not-blank": "device-has-a-filesystem",
    "device-too-small": "device-too-small",
    "device-missing": "device-cannot-be-asked",
    "drbd-module-missing": "kernel-has-no-drbd",
    "eucalyptus-version-differs": "every-obstacle-is-reported-at-once",
    "fstab-contradicts": "fstab-contradicts",
    "not-determined": "preflight-that-cannot-look-refuses",
    "os-differs": "os-differs",
    "peer-port-blocked": "peer-port-blocked",
    "port-in-use": "every-obstacle-is-reported-at-once",
    "same-host-twice": "both-hosts-have-one-name",
    "staging-too-small": "staging-too-small",
    "storagedir-differs": "every-obstacle-is-reported-at-once",
    "store-is-symlink": "store-is-a-symlink",
    "tool-missing": "every-obstacle-is-reported-at-once",
    "uid-differs": "uid-differs",
    "uname-differs": "uname-differs",
    "user-missing": "user-eucalyptus-is-missing",
    "window-too-short": "sync-slower-than-the-window",
}
"""Each finding that a scenario can plant, and the scenario."""


def _blind(finding: str, scenario: str) -> Sabotage:
    keeping = _SAID.replace("in findings]", f"in findings if finding.id != {finding!r}]")
    return sabotage(f"swallow {finding}", f"preflight does not say {finding}", scenario, Edit(_SURVEY, _SAID, keeping))


SABOTAGES = (
    *(_blind(finding, scenario) for finding, scenario in _SEEN_IN.items()),
    sabotage(
        "swallow unreachable",
        "a host that does not answer to the first question is no obstacle",
        "host-that-does-not-answer-is-refused",
        Become("migration.preflight.survey:_away"),
    ),
    sabotage(
        "no preflight",
        "the move begins without looking",
        "store-is-a-symlink",
        Become("migration.run:Migration._require_preflight"),
    ),
    sabotage(
        "the first finding only",
        "what is found after the first obstacle is told on the next day",
        "every-obstacle-is-reported-at-once",
        Edit("migration.run:Migration._require_preflight", "PreflightRefused(errors)", "PreflightRefused(errors[:1])"),
    ),
    sabotage(
        "look at the original only",
        "the additional host's devices are not looked at",
        "device-has-a-filesystem",
        Edit("migration.preflight.devices:blank", "for host in site.pair:", "for host in (site.original,):"),
    ),
    sabotage(
        "warnings refuse",
        "what an operator should know is taken for an obstacle",
        "missing-getfattr-is-only-a-warning",
        Edit("migration.run:Migration._require_preflight", 'finding.severity == "error"', "True"),
    ),
    sabotage(
        "an obstacle that is none",
        "preflight refuses for something that nobody planted",
        "store-is-a-symlink",
        Edit(_SURVEY, _SAID, "said.append([error('third-walrus', '-', 'nothing', '')])\n    " + _SAID),
    ),
    sabotage(
        "claim before looking",
        "the hosts are claimed before anybody knows whether they may be changed",
        "store-is-a-symlink",
        Edit(
            "migration.run:Migration._require_preflight",
            "found = preflight(",
            "from harness.hosts.command import Fence\n"
            "    [host.claim(Fence(1, 'early')) for host in engine.site.hosts]\n"
            "    [host.release() for host in engine.site.hosts]\n"
            "    found = preflight(",
        ),
    ),
)
