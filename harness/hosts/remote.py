"""The shell text that runs on the hosts; ``script`` puts the pieces together and does all the quoting.

For any POSIX sh (dash, bash as of 2009, busybox), coreutils 8.4 and util-linux 2.17. Nothing in here is filled in from
outside: what differs from request to request arrives as arguments of these functions.

File descriptors: 9 holds the lock, 6 to 8 are a fenced command's spooled input, output and errors. No command inherits
9, or a daemon that it starts would hold the host's lock for ever.

``exec`` of a file that cannot be opened ends the shell, so ``true`` tries first. ``command exec`` would do both, but
makes bash 4.1, the shell of CentOS 6, forget the arguments of the function that called.
"""

OPENING = (
    'LC_ALL=C;export LC_ALL;printf "%s-ready\\n" "$1";printf "%s-ready\\n" "$1" >&2;IFS= read -r first&&eval "$first"'
)
"""The command line on the host. It holds no quote, line break or ``!``, so that any login shell passes it on unchanged.

``read`` takes a line byte by byte and leaves what follows to others; a line that was cut short is not run.
"""

LOADER = 's=$(dd bs={length} count=1 iflag=fullblock 2>/dev/null);case $s in *"#$1")eval "$s";;esac'
"""The first line when the script does not fit into it. ``dd`` reads exactly the script; ``head`` may read ahead."""

SERVE = """\
# Where a program lies is found anew for each request: it may have gone, or another one may stand before it by now.
greet() { hash -r; printf '%s-ready\\n' "$1"; printf '%s-ready\\n' "$1" >&2; }
told() { printf '\\n%s\\n' "$mark" >&2; printf '\\n%s %s\\n' "$mark" "$*"; }
# What came in the line of its request came whole: it is written without a process, and dd only flushes. The exit status
# tells the shell around this one that the record is as long now as it should be.
add() {
  kept=$state/mirror/$1
  begin
  ends_at "$2"
  printf "$3" >>"$kept" && dd if=/dev/null of="$kept" oflag=append conv=notrunc,fsync || fail "cannot add to $kept"
  told ok
  exit 9
}
note_added() {
  case $1 in 0) added= ;; 9) added="$2 $3" ;; *) return "$1" ;; esac
}
# The lock and the grant as ``enter`` wants them, without waiting; who does not get them so has to enter.
hold() {
  true >>"$state/lock" || return 1
  exec 9>>"$state/lock"
  flock -n 9 && read -r epoch run granted <"$state/epoch" && [ "$epoch $run $granted" = "$1 $2 $life" ] && return 0
  exec 9>&-
  return 1
}
# Adds in this very shell, which added to that record last: as long as the grant is the same nobody else did, so that
# its length need not be asked for. Where the writing ended its descriptor tells; what landed elsewhere is said.
add_again() {
  [ "$added" = "$3 $4" ] && hold "$1" "$2" 2>/dev/null || return 1
  kept=$state/mirror/$3 added= at=
  begin
  if [ -w "$kept" ]; then
    exec 5>>"$kept"
    printf "$6" >&5 && read -r at </proc/self/fdinfo/5 &&
      dd if=/dev/null of="$kept" oflag=append conv=notrunc,fsync 5>&- 9>&- || at=
    exec 5>&-
  fi
  exec 9>&-
  if [ "${at##*[!0-9]}" = "$5" ]; then
    added="$3 $5"
    told ok
  else
    printf '%s\\n' "$kept does not end at $4" >&2
    told failed 1
  fi
}"""
"""What a shell that goes on answering knows besides: each request is a line to greet with and a line to run.

They are the script of a shell that reads it from standard input: dash and busybox take it in blocks. ``read`` takes it
byte by byte in any shell, and each byte is a system call. A request stands in braces, so that a line that was cut short
is no command. What is more than a program is run in a shell of its own. The shell ends when a request did not come to
its ``end``, so that nothing that is left of it is ever taken for another one.
"""

FRAME = (
    "umask 022",
    "cd /",
    "PATH=${PATH:+$PATH:}/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "export PATH",
    "begin() { printf '%s begin\\n' \"$mark\" || exit 3; }",
    'end() { printf \'\\n%s\\n\' "$mark" >&2; printf \'\\n%s %s\\n\' "$mark" "$*"; exit 0; }',
)
"""Lines that every script begins with. ``begin`` starts the output; when nobody listens, it ends the script."""

FAIL = """\
fail() { printf '%s\\n' "$*" >&2; end failed 1; }
# Who may not look inside would take a claimed host for a free one.
look_inside() { [ ! -d "$state" ] || [ -x "$state" ] || fail "cannot look into $state; root or sudo can"; }"""

LIFE = """\
life=
# The fields of a line of /proc/PID/stat after the program's name, which may hold anything.
fields() { set -- ${1##*) }; activity=$1 session=$4 born=${20}; }
process() {
  { IFS= read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
  fields "$stat"
  [ -n "$born" ] || { stat=$(cat "/proc/$1/stat" 2>/dev/null) && fields "$stat"; }
}
# Which life of the host this is. In a container the boot id is the kernel's, but its first process is its own. No shell
# outlives the host that it runs on, so one that stays looks once.
find_life() {
  [ -z "$life" ] || return 0
  read -r life </proc/sys/kernel/random/boot_id
  { IFS= read -r stat </proc/1/stat; } 2>/dev/null && fields "$stat" && life=$life.$born
}"""
"""What tells a host that rebooted from the one that was there before."""

LOCK = """\
create() { [ -d "$state" ] || mkdir -p -m 0700 "$state" || fail "cannot make $state"; }
lock() {
  command -v flock >/dev/null 2>&1 || fail 'this host has no flock (package util-linux)'
  true >>"$state/lock" || fail "cannot write $state/lock"
  exec 9>>"$state/lock"
  flock -w "$1" 9 || end busy
}
holder() {
  epoch=0 run=- granted=
  look_inside
  [ -e "$state/epoch" ] || return 0
  read -r epoch run granted <"$state/epoch" && [ "$epoch" -ge 0 ] && [ -n "$run" ] || fail "$state/epoch is damaged"
}
compare() {
  holder
  [ "$epoch" = "$1" ] && [ "$run" = "$2" ] || end fenced "$epoch" "$run"
  find_life
  [ "$granted" = "$life" ] || end rebooted
}
enter() {
  [ -d "$state" ] || end fenced 0 -
  lock "$1"
  compare "$2" "$3"
}"""
"""The critical section of a host: an exclusive lock that the kernel drops with the script, the epoch, and the life.

What a run saw of a host that rebooted since is not true any more: nothing is mounted, loaded or running there.
"""

CLAIM = """\
grant() {
  begin
  find_life
  printf '%s %s %s\\n' "$1" "$2" "$life" | dd of="$state/epoch.new" conv=fsync &&
    mv -f "$state/epoch.new" "$state/epoch" && sync "$state" "$parent" || fail "cannot write $state/epoch durably"
  end ok
}
claim() {
  create
  lock "$1"
  holder
  [ "$run" = - ] || [ "$run" = "$3" ] || [ "$run" = "${4:--}" ] || end held "$epoch" "$run"
  [ "$2" -gt "$epoch" ] || end fenced "$epoch" "$run"
  grant "$2" "$3"
}
release() { enter "$@"; grant "$2" -; }"""
"""``sync`` of coreutils 8.4 ignores its arguments and flushes everything, which is slower and as good."""

SPOOL = """\
spool() {
  umask 077
  true >"$state/in.$mark" && true >"$state/out.$mark" && true >"$state/err.$mark" || fail "cannot write in $state"
  exec 6>"$state/in.$mark" 7>"$state/out.$mark" 8>"$state/err.$mark"
  rm -f "$state/in.$mark" "$state/out.$mark" "$state/err.$mark"
  umask 022
  [ "$1" -eq 0 ] && return 0
  cat >&6
  [ "$(wc -c </proc/self/fd/6)" -eq "$1" ] || exit 3
}
answer() {
  exec 9>&-
  [ -s /proc/self/fd/7 ] && cat /proc/self/fd/7
  [ -s /proc/self/fd/8 ] && cat /proc/self/fd/8 >&2
  end exit "$1"
}"""
"""A command that changes something writes into unnamed files instead of the connection.

So a connection that breaks cannot kill it half-way by SIGPIPE, a daemon that it starts cannot keep the session open,
and input that was cut short is noticed before anything runs.
"""

SPOOLED = "</proc/self/fd/6 >&7 2>&8 6>&- 7>&- 8>&- 9>&-"

PUT = """\
give_up() { rm -f -- "$new"; fail "$@"; }
put() {
  file=$1 new=$2 directory=$3
  begin
  [ ! -L "$file" ] || fail "$file is a symbolic link, which would be replaced instead of its target"
  [ ! -e "$new" ] && [ ! -L "$new" ] || rm -f -- "$new" || fail "cannot write in $directory"
  umask 077
  set -C
  true >"$new" || fail "cannot write in $directory"
  set +C
  umask 022
  mode=--reference=$file
  if [ -e "$file" ]; then
    chown --reference="$file" -- "$new" || give_up "cannot keep the owner of $file"
  else
    mode=0644
  fi
  [ "$4" = same ] || mode=$4
  chmod "$mode" -- "$new" || give_up "cannot set the mode of $file"
  dd bs=65536 of="$new" conv=notrunc,fsync || give_up "cannot write $new"
  [ "$(wc -c <"$new")" -eq "$5" ] || { rm -f -- "$new"; exit 3; }
  mv -f -T -- "$new" "$file" || give_up "cannot replace $file"
  sync -- "$directory" || fail "cannot flush $directory"
  end ok
}"""

JOBS = """\
# Processes of the job's session that still live: a child may outlive a first process that was killed.
find_members() {
  members=
  for stat in /proc/[0-9]*/stat; do
    { IFS= read -r text <"$stat"; } 2>/dev/null || continue
    case $text in *')'*) ;; *) text=$(cat "$stat" 2>/dev/null) ;; esac
    fields "$text"
    [ "$session" = "$leader" ] && [ -n "$session" ] || continue
    case $activity in [ZX]) continue ;; esac
    stat=${stat#/proc/}
    members="$members ${stat%/stat}"
  done
}
alive() {
  if process "$leader"; then
    [ "$born" = "$since" ] || return 1
    case $activity in [ZX]) ;; *) return 0 ;; esac
  fi
  find_members
  [ -n "$members" ]
}
look() {
  condition=absent status=
  look_inside
  find_life
  [ -f "$1/process" ] || return 0
  condition=dead
  read -r then leader since <"$1/process" && [ "$then" = "$life" ] || return 0
  if [ ! -f "$1/status" ] && alive; then
    condition=running
  elif [ -f "$1/status" ]; then
    condition=done
    read -r status <"$1/status"
  fi
}
poll() {
  look "$1"
  [ "$condition" = done ] || end job "$condition"
  begin
  cat "$1/out"
  tr -d '\\000' <"$1/err" >&2
  end job done "$status"
}"""
"""A job's life is read from its directory and from /proc, so that neither a reboot nor a reused process id deceives."""

START = """\
prepare() {
  job=$1
  look "$job"
  case $condition in running|done) end ok ;; esac
  { [ ! -e "$job" ] || rm -rf -- "$job"; } && { [ -d "$state/jobs" ] || mkdir -p -m 0700 "$state/jobs"; } &&
    mkdir -m 0700 "$job" || fail "cannot make $job"
  printf '%s\\n' "$2" >"$job/command" && : >"$job/in" || fail "cannot write in $job"
  if [ "$3" -gt 0 ]; then
    cat >"$job/in" || fail "cannot write in $job"
    [ "$(wc -c <"$job/in")" -eq "$3" ] || exit 3
  fi
  # Room for the exit status and the first complaints, which are wanted most when the job has filled the disk.
  printf '   \\n' >"$job/status.new" && dd if=/dev/zero of="$job/err" bs=4096 count=1 2>/dev/null ||
    fail "no room in $job"
}
launch() {
  setsid sh -c "$job_text" walrus-ha-job "$job" "$life" "$@" <"$job/in" >"$job/out" 2<>"$job/err" &
}
# The job keeps the lock until it has written who it is; having the lock again means that it did, or died.
started() {
  exec 9>&-
  lock "$1"
  [ -f "$job/process" ] || fail "$job did not start: $(tr -d '\\000' <"$job/err")"
  end ok
}"""

JOB = """\
job=$1 life=$2
shift 2
find_born() { set -- ${1##*) }; born=${20}; }
IFS= read -r stat <"/proc/$$/stat"
find_born "$stat"
printf '%s %s %s\\n' "$life" "$$" "$born" >"$job/process.new" || exit
mv "$job/process.new" "$job/process" || exit
exec 9>&-
(exec "$@")
printf '%3d\\n' "$?" 1<>"$job/status.new"
mv "$job/status.new" "$job/status"
"""
"""The first process of a job. Nothing is flushed: what is recorded counts in this life of the host only."""

STOP = """\
stop() {
  look "$1"
  [ "$condition" = running ] || end ok
  begin
  tries=0
  while find_members; [ -n "$members" ]; do
    case $tries in
      0) kill -s TERM $members 2>/dev/null; kill -s CONT $members 2>/dev/null ;;
      1[0-9]|2[0-9]) kill -s KILL $members 2>/dev/null ;;
      50) fail "these processes of $1 cannot be killed:$members" ;;
    esac
    sleep 0.1
    tries=$((tries + 1))
  done
  end ok
}"""

STILL = """\
# Members that are not stopped yet; one that is killed or ends meanwhile is none.
find_moving() {
  moving=
  find_members
  for member in $members; do
    process "$member" || continue
    case $activity in [TtZX]) ;; *) moving="$moving $member" ;; esac
  done
}
stand_still() {
  look "$1"
  [ "$condition" = running ] || end ok
  begin
  tries=0
  while find_moving; [ -n "$moving" ]; do
    [ "$tries" -lt 50 ] || fail "these processes of $1 cannot be stopped:$moving"
    kill -s STOP $moving 2>/dev/null
    [ "$tries" -eq 0 ] || sleep 0.1
    tries=$((tries + 1))
  done
  end ok
}
go_on() {
  look "$1"
  [ "$condition" = running ] || end ok
  begin
  find_members
  [ -z "$members" ] || kill -s CONT $members 2>/dev/null
  end ok
}"""
"""Pausing stops every process of the job's session, children that are born meanwhile too. A process that waits for a
disk stops when the disk has answered; in five seconds, or it is said."""

RECORDS = """\
keep() {
  kept=$state/mirror/$1
  begin
  mkdir -p -m 0700 "$state/mirror" || fail "cannot make $state/mirror"
  umask 077
  if [ "$2" -eq 0 ]; then
    dd bs=65536 of="$kept.new" conv=fsync || fail "cannot write $kept.new"
    [ "$(wc -c <"$kept.new")" -eq "$3" ] || exit 3
    mv -f -T -- "$kept.new" "$kept" && sync -- "$state/mirror" "$state" || fail "cannot replace $kept"
    end ok
  fi
  ends_at "$2"
  dd bs=65536 of="$kept" oflag=append conv=notrunc,fsync || fail "cannot add to $kept"
  [ "$(wc -c <"$kept")" -eq "$(($2 + $3))" ] || exit 3
  end ok
}
ends_at() { [ -f "$kept" ] && [ "$(wc -c <"$kept")" -eq "$1" ] || fail "$kept does not end at $1"; }
recall() {
  look_inside
  [ -f "$state/mirror/$1" ] || end exit 1
  begin
  cat "$state/mirror/$1"
  end exit $?
}"""
"""What a run keeps on the host for another controller. What was added and cut short shows by its length next time."""
