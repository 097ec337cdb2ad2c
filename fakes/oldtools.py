"""Programs of 2012, as far as their options go: shell scripts that refuse what is younger and run today's program.

CentOS 6.3 is what is played. What each program knows was taken from its source at that version: short options and
tables of long options of coreutils v8.4 (``src/*.c``), util-linux v2.17.2 (``sys-utils``), rsync v3.0.6
(``options.c``), the predicates of findutils 4.4.2 (``find/parser.c``). A long option must be written out.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass


@dataclass(frozen=True)
class Options:
    """What getopt knows of a program: short options as getopt writes them, long ones with ``=`` when a value follows.

    ``=?`` is a value that may be left out. With ``first`` the options end at the first operand.
    """

    short: str = ""
    long: str = ""
    first: bool = False
    status: int = 1


_GNU = {
    "cat": Options(
        "benstuvAET",
        "number-nonblank number squeeze-blank show-nonprinting show-ends show-tabs show-all",
    ),
    "chmod": Options("Rcfv", "changes recursive no-preserve-root preserve-root quiet reference= silent verbose"),
    "chown": Options(
        "HLPRcfhv",
        "recursive changes dereference from= no-dereference no-preserve-root preserve-root quiet silent "
        "reference= verbose",
    ),
    "cp": Options(
        "abdfHilLnprst:uvxPRS:T",
        "archive backup=? copy-contents dereference force interactive link no-clobber no-dereference no-preserve= "
        "no-target-directory one-file-system parents path preserve=? recursive remove-destination sparse= "
        "reflink=? strip-trailing-slashes suffix= symbolic-link target-directory= update verbose",
    ),
    "df": Options(
        "aB:iF:hHklmPTt:vx:",
        "all block-size= inodes human-readable si local megabytes portability print-type sync no-sync total type= "
        "exclude-type=",
    ),
    "du": Options(
        "0abchHklmsxB:DLPSX:",
        "all apparent-size block-size= bytes count-links dereference dereference-args exclude= exclude-from= "
        "human-readable si max-depth= null no-dereference one-file-system separate-dirs summarize total time=? "
        "time-style=",
    ),
    "id": Options("agnruGZ", "context group groups name real user"),
    "mkdir": Options("pm:vZ:", "mode= parents verbose"),
    "mv": Options(
        "bfint:uvS:T",
        "backup=? force interactive no-clobber no-target-directory strip-trailing-slashes suffix= "
        "target-directory= update verbose",
    ),
    "readlink": Options(
        "efmnqsv",
        "canonicalize canonicalize-existing canonicalize-missing no-newline quiet silent verbose",
    ),
    "rm": Options(
        "dfirvIR",
        "directory force interactive=? one-file-system no-preserve-root preserve-root recursive verbose",
    ),
    "rmdir": Options("pv", "ignore-fail-on-non-empty path parents verbose"),
    "sha256sum": Options("bctw", "binary check quiet status text warn"),
    "sleep": Options(),
    "stat": Options("c:fLtZ", "context dereference file-system format= printf= terse"),
    "tail": Options(
        "c:n:fFqs:v0123456789",
        "bytes= follow=? lines= max-unchanged-stats= pid= quiet retry silent sleep-interval= verbose",
    ),
    "timeout": Options("s:", "signal=", first=True, status=125),
    "touch": Options("acd:fhmr:t:", "time= no-create date= file= reference= no-dereference"),
    "tr": Options("cCdst", "complement delete squeeze-repeats", first=True),
    "uname": Options(
        "asnrvmpio",
        "all kernel-name sysname nodename kernel-release release kernel-version machine processor "
        "hardware-platform operating-system",
    ),
    "wc": Options("clLmw", "bytes chars lines words max-line-length"),
    "flock": Options(
        "sexnouw:h",
        "shared exclusive unlock nonblocking nb timeout= wait= close",
        first=True,
        status=64,
    ),
    "setsid": Options(first=True),
    "rsync": Options(
        "vqhnardpEAXtOogDlLkKHRIxuSf:CWcB:yzPFmib0se:T:468",
        "verbose no-verbose no-v quiet motd no-motd stats human-readable no-human-readable no-h dry-run archive "
        "recursive no-recursive no-r inc-recursive no-inc-recursive i-r no-i-r dirs no-dirs no-d old-dirs old-d "
        "perms no-perms no-p executability acls no-acls xattrs no-xattrs times no-times no-t omit-dir-times "
        "no-omit-dir-times modify-window= super no-super fake-super owner no-owner no-o group no-group no-g "
        "devices no-devices specials no-specials links no-links no-l copy-links copy-unsafe-links safe-links "
        "copy-dirlinks keep-dirlinks hard-links no-hard-links relative no-relative implied-dirs no-implied-dirs "
        "i-d no-i-d chmod= ignore-times size-only one-file-system no-one-file-system no-x update existing "
        "ignore-non-existing ignore-existing max-size= min-size= sparse no-sparse inplace no-inplace append "
        "append-verify no-append del delete delete-before delete-during delete-delay delete-after delete-excluded "
        "remove-sent-files remove-source-files force no-force ignore-errors no-ignore-errors max-delete= filter= "
        "exclude= include= exclude-from= include-from= cvs-exclude whole-file no-whole-file checksum no-checksum "
        "no-c block-size= compare-dest= copy-dest= link-dest= fuzzy no-fuzzy no-y compress no-compress no-z "
        "skip-compress= compress-level= progress no-progress partial no-partial partial-dir= delay-updates "
        "no-delay-updates prune-empty-dirs no-prune-empty-dirs no-m log-file= log-file-format= out-format= "
        "log-format= itemize-changes no-itemize-changes no-i bwlimit= no-bwlimit backup no-backup backup-dir= "
        "suffix= list-only read-batch= write-batch= only-write-batch= files-from= from0 no-from0 protect-args "
        "no-protect-args no-s numeric-ids no-numeric-ids timeout= no-timeout contimeout= no-contimeout rsh= "
        "rsync-path= temp-dir= iconv= no-iconv ipv4 ipv6 8-bit-output no-8-bit-output no-8 qsort address= port= "
        "sockopts= password-file= blocking-io no-blocking-io protocol= checksum-seed= server sender config= "
        "daemon detach no-detach",
    ),
}
_DD = (
    "if= of= ibs= obs= bs= cbs= skip= seek= count= status=noxfer",
    "append binary direct directory dsync fullblock noatime nolinks nonblock text sync noctty nofollow",
    "ascii ebcdic ibm block unblock lcase ucase nocreat excl notrunc swab noerror sync fdatasync fsync",
)
_FIND_ALONE = """
-a -and -d -daystart -delete -depth -empty -executable -false -follow -help --help -ignore_readdir_race -ls -mount
-noignore_readdir_race -nogroup -noleaf -not -nouser -nowarn -o -or -print -print0 -prune -quit -readable -true -version
--version -warn -writable -xdev -H -L -P
"""
_FIND_WITH_VALUE = """
-amin -anewer -atime -cmin -cnewer -ctime -fls -fprint -fprint0 -fstype -gid -group -ilname -iname -inum -ipath -iregex
-iwholename -links -lname -maxdepth -mindepth -mmin -mtime -name -newer -path -perm -printf -regex -regextype -samefile
-show-control-chars -size -type -uid -used -user -wholename -xtype
"""

_GUARD = """\
refuse() { printf '%s\\n' "$name: $*" "Try \\`$name --help' for more information." >&2; exit @status@; }
skip=
for word in "$@"; do
  if [ -n "$skip" ]; then skip=; continue; fi
  case $word in
    --) break ;;
    --help|--version) ;;
    --*=*)
      case " $long " in *" ${word%%=*}= "*|*" ${word%%=*}=? "*) ;; *) refuse "unrecognized option \\`$word'" ;; esac ;;
    --*)
      case " $long " in
        *" $word= "*) skip=1 ;;
        *" $word "*|*" $word=? "*) ;;
        *) refuse "unrecognized option \\`$word'" ;;
      esac ;;
    -?*)
      letters=${word#-}
      while [ -n "$letters" ]; do
        letter=${letters%"${letters#?}"} letters=${letters#?}
        case $short in
          *"$letter:"*) [ -n "$letters" ] || skip=1; break ;;
          *"$letter"*) ;;
          *) refuse "invalid option -- '$letter'" ;;
        esac
      done ;;
    *) @operand@ ;;
  esac
done
"""
_DD_GUARD = """\
refuse() { printf '%s\\n' "dd: $*" "Try \\`dd --help' for more information." >&2; exit 1; }
among() {
  known=$1 said=$2 IFS=,
  set -- ${2#*=}
  unset IFS
  for flag in "$@"; do
    case " $known " in *" $flag "*) ;; *) refuse "invalid flag: \\`$flag' in $said" ;; esac
  done
}
for word in "$@"; do
  case $word in
    --|--help|--version) ;;
    iflag=*|oflag=*) among "$flags" "$word" ;;
    conv=*) among "$conversions" "$word" ;;
    *=*) case " $operands " in *" ${word%%=*}= "*|*" $word "*) ;; *) refuse "unrecognized operand \\`$word'" ;; esac ;;
    *) refuse "unrecognized operand \\`$word'" ;;
  esac
done
"""
_FIND_GUARD = """\
refuse() { printf '%s\\n' "find: $*" >&2; exit 1; }
skip= inside= before=
for word in "$@"; do
  if [ -n "$inside" ]; then
    case $word in ';') inside= ;; +) [ "$before" = '{}' ] && inside= ;; esac
    before=$word
    continue
  fi
  if [ -n "$skip" ]; then
    [ "$skip" = -type ] && [ "${#word}" -ne 1 ] && refuse "Unknown argument to -type: $word"
    skip=
    continue
  fi
  case $word in
    -exec|-execdir|-ok|-okdir) inside=1 ;;
    -fprintf|-files0-from|-context) refuse "unknown predicate \\`$word'" ;;
    -newer??) skip=$word ;;
    -*)
      case "$with_value" in
        *" $word "*) skip=$word ;;
        *) case "$alone" in *" $word "*) ;; *) refuse "unknown predicate \\`$word'" ;; esac ;;
      esac ;;
  esac
done
"""
# sync of coreutils 8.4 warns of arguments and flushes everything; rsync says which it is.
_SYNC = """\
[ $# -eq 0 ] || { printf '%s\\n' 'sync: ignoring all arguments' >&2; set --; }
"""
# A copy never shares blocks unless that is asked for, so there is no word for it.
_CP_REFLINK = """\
for word in "$@"; do
  case $word in
    --) break ;;
    --reflink=never)
      printf '%s\\n' "cp: invalid argument \\`never' for \\`--reflink'" 'Valid arguments are:' "  - \\`auto'" \
        "  - \\`always'" "Try \\`cp --help' for more information." >&2
      exit 1 ;;
  esac
done
"""
# CentOS 6 has 1.0.0, which knows -r; a host of 2012 may as well be of CentOS 5, which has 0.9.8 (apps/dgst.c).
_OPENSSL = """\
for word in "$@"; do
  case $word in
    -r) printf '%s\\n' "unknown option '-r'" 'options are' >&2; exit 1 ;;
    -*|dgst) ;;
    *) break ;;
  esac
done
"""
_RSYNC_VERSION = """\
if [ "$*" = --version ]; then printf '%s\\n' 'rsync  version 3.0.6  protocol version 30'; exit; fi
"""
NAMES = (*sorted(_GNU), "dd", "find", "openssl", "sync")


def guard(name: str) -> str:
    """Shell text that ends the script with an error when its arguments hold what the program did not know in 2012."""
    if name == "dd":
        operands, flags, conversions = map(shlex.quote, _DD)
        return f"operands={operands} flags={flags} conversions={conversions}\n{_DD_GUARD}"
    if name == "find":
        alone, with_value = (shlex.quote(f" {' '.join(words.split())} ") for words in (_FIND_ALONE, _FIND_WITH_VALUE))
        return f"alone={alone} with_value={with_value}\n{_FIND_GUARD}"
    if name in ("sync", "openssl"):
        return {"sync": _SYNC, "openssl": _OPENSSL}[name]
    known = _GNU[name]
    long = " ".join(f"--{word}" for word in known.long.split())
    text = _GUARD.replace("@status@", str(known.status)).replace("@operand@", "break" if known.first else "")
    before = {"rsync": _RSYNC_VERSION, "cp": _CP_REFLINK}.get(name, "")
    return f"name={name} short={shlex.quote(known.short)} long={shlex.quote(long)}\n{before}{text}"


def script(name: str, shim: str = "") -> str:
    """A program that refuses and then runs today's; or, where a fake stands before that, the fake's ``shim``."""
    _, _, rest = shim.partition("\n")
    # Protocol 30 is what 3.0 speaks; fractions of a second travel from 31 on.
    as_then = "rsync --protocol=30" if name == "rsync" else name
    return f"#!/bin/sh\n{guard(name)}" + (rest or f'exec /usr/bin/{as_then} "$@"\n')
