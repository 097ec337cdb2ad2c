"""Taking back: something is forgotten, or comes in the wrong order."""

from __future__ import annotations

from tests.broken.patching import Become, Edit, Sabotage, sabotage

_RUN = "migration.rollback:Rollback.run"
_TAKE_BACK = "migration.rollback:Rollback._take_back"
_ASKED_FOR = "rollback-before-commit-restores-the-hosts"
_TAKEN_BACK = "staged-copy-corrupted-after-it-was-verified"
_STEPS = {
    "RegisterAdditional": "register",
    "StopServices": "stop",
    "StageStore": "stage",
    "ConfigureDrbd": "configure",
    "CreateMetadata": "metadata",
    "ConnectPeers": "connect",
    "SetStoreAside": "aside",
    "MountDevice": "mounting",
}


def _forget(step: str, module: str) -> Sabotage:
    return sabotage(
        f"undo {step} never",
        f"{step} is not taken back, and nobody looks whether it was",
        _ASKED_FOR,
        Become(f"migration.steps.{module}:{step}.undo"),
        Become(f"migration.steps.{module}:{step}.still_there"),
    )


def _on_one_side(step: str, module: str) -> Sabotage:
    return sabotage(
        f"undo {step} on the original only",
        f"{step} is not taken back on the additional host",
        _ASKED_FOR,
        Edit(
            f"migration.steps.{module}:{step}.undo",
            ") -> None:",
            ") -> None:\n    if host.name == site.additional.name:\n        return",
        ),
        Become(f"migration.steps.{module}:{step}.still_there"),
    )


SABOTAGES = (
    *(_forget(step, module) for step, module in _STEPS.items()),
    *(_on_one_side(step, _STEPS[step]) for step in ("StopServices", "ConfigureDrbd", "CreateMetadata", "ConnectPeers")),
    sabotage(
        "undo in the wrong order",
        "what was done first is taken back first",
        _ASKED_FOR,
        Edit(_RUN, "for step in reversed(self._plan):", "for step in self._plan:"),
    ),
    sabotage(
        "take back only the last step",
        "the rollback ends after one step",
        _ASKED_FOR,
        Edit(
            _RUN,
            "for step in reversed(self._plan):",
            "for step in [step for step in reversed(self._plan) if memory.intended(step.name)][:3]:",
        ),
    ),
    sabotage(
        "no rollback",
        "a move that fails stops where it is",
        "mkfs-fails-rolls-back",
        Edit("migration.engine:Engine._give_up", "if self.site.memory.committed:", "if True:"),
    ),
    sabotage(
        "forget the boot flag",
        "after a rollback the services do not start at boot any more",
        _ASKED_FOR,
        Edit(
            "migration.steps.stop:StopServices.undo",
            'services.set_starts_at_boot(host, service, before["boot"])',
            "pass",
        ),
    ),
    sabotage(
        "leave the module loaded",
        "the module that the move loaded stays",
        _ASKED_FOR,
        Edit(
            "migration.steps.configure:ConfigureDrbd.undo",
            'if site.memory.fact(f"loaded-module:{host.name}")',
            "if False",
        ),
    ),
    sabotage(
        "leave files that were not there",
        "a file that the move made is not removed",
        _ASKED_FOR,
        Become("migration.steps.configure:ConfigureDrbd.remove"),
    ),
    sabotage(
        "no backups",
        "configuration files are changed without keeping what was there",
        _ASKED_FOR,
        Become("systems.files:back_up"),
    ),
    sabotage(
        "leave half a file system",
        "what mkfs left at the device's start makes the next move's metadata impossible",
        "move-taken-back-late-can-begin-again",
        Edit(
            "migration.steps.metadata:CreateMetadata.undo", "if volumes.occupied_by(host, disk) is None:", "if False:"
        ),
    ),
    sabotage(
        "remove the store with the staged copy",
        "the staged copy is removed with everything around it",
        _TAKEN_BACK,
        Edit("migration.steps.stage:StageStore.undo", '"--", self.place(site))', '"--", site.settings.store)'),
    ),
    sabotage(
        "delete the old store when taking back",
        "the store comes back from the staged copy, which is no better than it is",
        _TAKEN_BACK,
        Edit(
            "migration.steps.aside:SetStoreAside.undo",
            "files.rename(host, old, place)",
            'host.run(Command(("rm", "-rf", "--", old), Effect.WRITE))\n'
            "    files.rename(host, site.staged_copy, place)",
        ),
    ),
    sabotage(
        "call an absent host clean",
        "what remains on a host that does not answer is not told",
        "rollback-finishes-when-the-absent-host-is-back",
        Edit(_TAKE_BACK, "except Unreachable as trouble:", "except Unreachable as trouble:\n            return None"),
    ),
    sabotage(
        "serve before the store is back",
        "the services are started before the old store is in its place",
        _ASKED_FOR,
        Edit(
            _RUN,
            "for step in reversed(self._plan):",
            "for step in sorted(reversed(self._plan), key=lambda step: step.name != 'stop-services'):",
        ),
    ),
    sabotage(
        "start the additional first",
        "the cloud promotes the empty newcomer while the move is taken back",
        _ASKED_FOR,
        Become("migration.steps.stop:StopServices.until_in_place"),
    ),
)
