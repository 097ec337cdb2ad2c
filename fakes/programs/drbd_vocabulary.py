"""The words that drbd.conf and drbdadm know, by generation."""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _in_order(text: str) -> list[str]:
    return text.split()


# Options by section of drbd.conf

_NET = (
    "timeout max-epoch-size max-buffers unplug-watermark connect-int ping-int sndbuf-size rcvbuf-size ko-count"
    " allow-two-primaries cram-hmac-alg shared-secret after-sb-0pri after-sb-1pri after-sb-2pri always-asbp rr-conflict"
    " ping-timeout data-integrity-alg no-tcp-cork on-congestion congestion-fill congestion-extents"
)
_DISK = (
    "size on-io-error fencing use-bmbv no-disk-barrier no-disk-flushes no-disk-drain no-md-flushes max-bio-bvecs"
    " disk-timeout"
)
_CONTROLLER = "c-plan-ahead c-delay-target c-fill-target c-max-rate c-min-rate"
_SYNCER = f"rate after al-extents csums-alg verify-alg cpu-mask use-rle on-no-data-accessible {_CONTROLLER}"
OPTIONS_83 = {
    "net": _words(_NET),
    "disk": _words(_DISK),
    "syncer": _words(_SYNCER),
    "startup": _words(
        "wfc-timeout degr-wfc-timeout outdated-wfc-timeout wait-after-sb become-primary-on stacked-timeouts"
    ),
    "handlers": _words(
        "pri-on-incon-degr pri-lost-after-sb pri-lost initial-split-brain split-brain outdate-peer fence-peer"
        " before-resync-target after-resync-target before-resync-source local-io-error out-of-sync"
    ),
}
OPTIONS_84 = {
    **OPTIONS_83,
    "net": _words(f"{_NET} protocol verify-alg csums-alg use-rle tcp-cork csums-after-crash-only socket-check-timeout"),
    "disk": _words(
        f"{_DISK} {_CONTROLLER} resync-rate resync-after al-extents al-updates disk-barrier disk-flushes disk-drain"
        " md-flushes read-balancing rs-discard-granularity discard-zeroes-if-aligned disable-write-same"
    ),
    "handlers": OPTIONS_83["handlers"] | {"unfence-peer", "quorum-lost"},
    "options": frozenset({"cpu-mask", "on-no-data-accessible"}),
}
FLAGS = _words(
    "allow-two-primaries always-asbp use-rle no-tcp-cork no-disk-barrier no-disk-flushes no-disk-drain no-md-flushes"
    " use-bmbv stacked-timeouts"
)
RATES = _words("rate resync-rate c-max-rate c-min-rate al-extents c-plan-ahead c-delay-target")
RENAMED = {"rate": "resync-rate", "after": "resync-after"}  # in 8.3's syncer section, for 8.4
NETWORK_IN_SYNCER = frozenset({"csums-alg", "verify-alg", "use-rle"})


# Commands, in the order in which the programs list them

DRBDADM_84 = _in_order(
    "attach status disk-options detach connect net-options disconnect up resource-options down primary secondary "
    "invalidate invalidate-remote outdate resize verify pause-sync resume-sync adjust adjust-with-progress "
    "wait-connect wait-con-int role cstate dstate dump dump-xml create-md show-gi get-gi dump-md wipe-md apply-al "
    "hidden-commands"
)
DRBDADM_83 = _in_order(
    "attach detach connect disconnect up down primary secondary invalidate invalidate-remote outdate resize "
    "syncer verify pause-sync resume-sync adjust wait-connect wait-con-int role cstate dstate dump dump-xml "
    "create-md show-gi get-gi dump-md wipe-md hidden-commands"
)
DRBDSETUP_84 = _in_order(
    "primary secondary attach disk-options detach connect net-options disconnect resize resource-options "
    "new-current-uuid invalidate invalidate-remote pause-sync resume-sync suspend-io resume-io outdate verify "
    "down state role sh-status cstate dstate show-gi get-gi show status check-resize events events2 wait-connect "
    "wait-sync new-resource new-minor del-minor del-resource"
)
# Real commands of drbdadm that the fake refuses to play.
NOT_MODELLED = _words(
    "resize adjust-with-progress wait-connect wait-con-int dump dump-xml apply-al hidden-commands suspend-io "
    "resume-io proxy-up proxy-down check-resize set-gi sh-status sh-minor sh-md-dev sh-mod-parms sh-udev "
    "sh-resource sh-md-idx sh-ip sh-lr-of sh-b-pri sh-new-minor"
)
