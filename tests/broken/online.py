"""An online move: what must be copied last, what a hash may be believed for, and who serves meanwhile."""

from __future__ import annotations

from tests.broken.patching import Edit, Sabotage, sabotage

_PLAN = "migration.plan:online"
_PLAIN = "success-online"

SABOTAGES: tuple[Sabotage, ...] = (
    sabotage(
        "put the device in place without the last difference",
        "what clients wrote after the last round stays behind",
        "online-writes-during-the-copy-arrive",
        Edit(_PLAN, "CopyDifference(),", ""),
        Edit(_PLAN, 'Commit(("restored",)),', "Commit(()),"),
    ),
    sabotage(
        "never delete from the copy ahead",
        "what clients deleted is served again",
        "online-deletes-during-the-copy-arrive",
        Edit("systems.copying:copy_command", '"--delete", ', ""),
    ),
    sabotage(
        "believe modification times",
        "a hash holds for a file of the same size and time, whenever it was changed",
        "online-file-changed-with-its-old-time-put-back-is-found",
        Edit(
            "migration.hashing:_valid",
            "hashed.stamp == stamp",
            "stamp is not None and hashed.stamp[:2] == stamp[:2]",
        ),
    ),
    sabotage(
        "believe rsync's quick look",
        "a file that changed with its size and time kept is not copied again",
        "online-file-changed-with-its-old-time-put-back-is-found",
        Edit("migration.ahead:copy_by_name", "if not names:", "if True:"),
    ),
    sabotage(
        "believe the copy on the device",
        "what was read back is not compared with what was frozen",
        "online-rotten-copy-is-found-where-it-is-read",
        Edit("migration.ahead:copy_difference", "if not said:", "if True:"),
    ),
    sabotage(
        "freeze before the stop",
        "the manifest is that of a store which clients still change",
        "online-writes-during-the-copy-arrive",
        Edit(_PLAN, "StopOriginal(),", "FreezeChanged(), StopOriginal(),"),
    ),
    sabotage(
        "leave the additional running while the copy goes on",
        "the cloud promotes the newcomer with its empty store",
        _PLAIN,
        Edit(_PLAN, "StopAdditional(),", ""),
    ),
    sabotage(
        "configure Walrus before the window",
        "a host that loses power while the copy goes on comes back with a Walrus that serves nothing",
        "online-original-loses-power-before-the-stop",
        Edit(_PLAN, "ConfigureDrbd(walrus_too=False)", "ConfigureDrbd()"),
    ),
    sabotage(
        "stop for however much is left",
        "Walrus is stopped for a difference of unknown length",
        "online-store-that-changes-too-fast-is-not-stopped",
        Edit("migration.steps.ahead:CatchUp._catch_up", "raise Stopped(", "str("),
        Edit("migration.steps.ahead:CatchUp.inspect", "if left.seconds >", "if 0 >"),
    ),
    sabotage(
        "cut over without being told",
        "a postponed cut-over is not postponed",
        "online-cut-over-that-nobody-orders-stops-nothing",
        Edit("migration.cutover:told", "site.control.orders().cutover", "True"),
    ),
    sabotage(
        "stop before the window opens",
        "clients are cut off hours before they were told to expect it",
        "online-cut-over-aborted-before-its-window-stops-nothing",
        Edit("migration.cutover:held", "site.clock.dated_s() < window.opens", "False"),
    ),
    sabotage(
        "stop after the window has closed",
        "Walrus is down in the morning because midnight was meant",
        "online-cut-over-whose-window-closes-stops-nothing",
        Edit("migration.cutover:over", "window.closes - site.clock.dated_s()", "1e9"),
    ),
    sabotage(
        "stop the original with the additional",
        "clients wait for as long as the first copy takes",
        "online-rollback-while-it-serves-disturbs-nobody",
        Edit("migration.steps.stop:StopAdditional._stopped", "return (site.additional,)", "return site.pair"),
        Edit("migration.steps.stop:StopAdditional.undo_hosts", "return (site.additional,)", "return site.pair"),
    ),
)
