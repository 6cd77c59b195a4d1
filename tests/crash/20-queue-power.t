#!/bin/bash
# The power fails under the queue, at 25 instants, with any part of what was not flushed on the disk: nothing acknowledged
# is lost.  STATES=N for more of them.
. "$(dirname "$0")/lib.sh"
need_recorder
states=${STATES:-25}

record() { # HOW: fills the log
    begin_recording 64
    mkdir "$work/disk/queue"
    sync -f "$work/disk"
    # shellcheck disable=SC2086
    "$driver" run "$work/disk/queue" "$work/fuse/mark" 150 "${SEED:-1}" $1
    local status=$?
    end_recording
    return $status
}
survives() { replay "$states" "${SEED:-1}" "$crash/check-queue" "$driver"; }

ok 'the queue works on the recording disk' record ''
ok "$states states after a power cut hold all that was acknowledged" survives
tail -n 1 "$work/out" | diag
like 'messages were acknowledged in between' "$(grep -ac accepted "$work/log")" '^[1-9]'

# A test that cannot fail proves nothing.  (ext4 writes a new file's name with its first sync: that the directory is synced
# as well is shown by the unit tests, on a disk that does not.)
states=6 TALLY=/dev/null
unset EVIDENCE
record without-sync
fails 'without its syncs something is lost, and this test sees it' survives
finish
