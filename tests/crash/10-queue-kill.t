#!/bin/bash
# The queue is killed before each of its calls to the disk, and each of them fails once: nothing acknowledged is lost,
# nothing refused comes back.  PASSES=N to do it again with other messages.
. "$(dirname "$0")/lib.sh"
need_program strace
messages=60

queue=$work/queue
fresh() { rm -rf "$queue" "$work/marks"; mkdir "$queue"; }
run() { # STRACE-INJECTION
    (strace -f -qq -o /dev/null -e "trace=${1%%:*}" -e "inject=$1" "$driver" run "$queue" "$work/marks" $messages "$pass" \
        > "$work/run.out" 2>&1; exit $?) 2> /dev/null
}
# The queue holds what it must, goes on working, and still does.
holds() {
    [ -e "$work/marks" ] || : > "$work/marks"
    "$driver" check "$queue" "$work/marks" && "$driver" run "$queue" "$work/marks" 5 $((pass + 1)) &&
        "$driver" check "$queue" "$work/marks"
}
examine() { # WHAT: adds to $bad
    holds > "$work/holds.out" 2>&1 || { bad=$((bad + 1)); { echo "$1:"; cat "$work/holds.out"; } | diag; }
}

kill_before_each() { # CALL
    local n kills=0
    bad=0
    for n in $(seq 1 400); do
        fresh
        run "$1:signal=KILL:when=$n" && break
        [ -d "$queue" ] || bail_out 'the driver did not begin'
        kills=$((kills + 1))
        examine "$1 $n"
    done
    diag <<< "$kills kills before $1"
    tally kills $kills
    is "killed before each $1: nothing is lost" "$bad" 0
}

fail_some() { # CALL ERROR
    local n failures=0
    bad=0
    for n in $(seq 6 4 34); do
        fresh
        run "$1:error=$2:when=$n..$((n + 1))"
        failures=$((failures + 1))
        examine "$1 $2 $n"
    done
    tally failures $failures
    is "$1 fails with $2 at $failures places: nothing is lost, nothing refused is there" "$bad" 0
}

for pass in $(seq "${PASSES:-1}"); do
    for call in pwritev fdatasync fsync openat unlinkat; do kill_before_each $call; done
    for failure in pwritev:ENOSPC pwritev:EIO fdatasync:EIO fdatasync:ENOSPC fsync:EIO openat:ENOSPC; do
        fail_some ${failure%%:*} ${failure##*:}
    done
done
finish
