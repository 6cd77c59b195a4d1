#!/bin/bash
# The queue is killed before each of its calls to the disk, and each of them fails once: nothing acknowledged is lost,
# nothing refused comes back.
. "$(dirname "$0")/lib.sh"
need_program strace
messages=60

queue=$work/queue
fresh() { rm -rf "$queue" "$work/marks"; mkdir "$queue"; }
run() { # STRACE-INJECTION
    (strace -f -qq -o /dev/null -e "trace=${1%%:*}" -e "inject=$1" "$driver" run "$queue" "$work/marks" $messages 1 \
        > "$work/run.out" 2>&1; exit $?) 2> /dev/null
}
# The queue holds what it must, goes on working, and still does.
holds() {
    "$driver" check "$queue" "$work/marks" && "$driver" run "$queue" "$work/marks" 5 2 &&
        "$driver" check "$queue" "$work/marks"
}

for call in pwritev fdatasync fsync openat unlinkat; do
    kills=0 bad=0
    for n in $(seq 1 400); do
        fresh
        run "$call:signal=KILL:when=$n" && break
        [ -d "$queue" ] || bail_out 'the driver did not begin'
        kills=$((kills + 1))
        [ -e "$work/marks" ] || : > "$work/marks"
        holds > "$work/holds.out" 2>&1 || { bad=$((bad + 1)); { echo "$call $n:"; cat "$work/holds.out"; } | diag; }
    done
    diag <<< "$kills kills before $call"
    is "killed before each $call: nothing is lost" "$bad" 0
done

for failure in pwritev:ENOSPC pwritev:EIO fdatasync:EIO fdatasync:ENOSPC fsync:EIO openat:ENOSPC; do
    bad=0 failures=0
    for n in $(seq 6 4 34); do
        fresh
        run "${failure%%:*}:error=${failure##*:}:when=$n..$((n + 1))"
        failures=$((failures + 1))
        [ -e "$work/marks" ] || : > "$work/marks"
        holds > "$work/holds.out" 2>&1 || { bad=$((bad + 1)); { echo "$failure $n:"; cat "$work/holds.out"; } | diag; }
    done
    is "${failure%%:*} fails with ${failure##*:} at $failures places: nothing is lost, nothing refused is there" "$bad" 0
done
finish
