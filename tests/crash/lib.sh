# lib.sh: what the crash tests share, on top of tests/system/lib.sh.

crash=$(cd "$(dirname "$0")" && pwd)
# shellcheck disable=SC1091
. "$crash/../system/lib.sh"
driver=$build/tests/crash/queue_driver
recorder=$build/tests/crash/block_recorder

# What was tried, for the totals of tests/run: lines of the file that TALLY names (kill_points.py and replay.py write there as well).
tally() { # kills|failures|states N
    echo "$1 $2" >> "${TALLY:-/dev/null}"
}

# A sandbox whose processes are stopped (its zone is served), and will be started without listeners that its test does not use and with
# one authority only: rounds of a start each take half the time.
sandbox_with() { # REGEX [OPTION...]: the listeners that stay, and options of start
    sandbox start --plaintext-login "${@:2}" > "$work/start.out" 2>&1 || bail_out 'no sandbox'
    read_env
    kill "$PID"
    eventually gone "$PID" || bail_out 'the sandbox does not stop'
    sed -i -E "/^listen /{/$1/!d}" "$box/mailroom.conf"
    grep -q '^relayd.ca-file' "$box/mailroom.conf" || echo "relayd.ca-file \"$box/tls/ca.pem\"" >> "$box/mailroom.conf"
}

# ---- a disk that records: ext4 on a loop device on block_recorder ----

# In a mount namespace of its own: one that another program makes meanwhile would hold copies of these mounts, and a file
# system that is still mounted there writes into the next state's disk, or keeps the recorder from ending.
need_recorder() {
    need_root
    [ -n "${own_mounts:-}" ] || { rm -rf "$work"; exec env own_mounts=yes unshare --mount -- "$0"; }
    need_program losetup mkfs.ext4 fusermount3 python3
    [ -x "$recorder" ] || skip_all 'needs libfuse3'
    [ -c /dev/fuse ] || skip_all 'needs /dev/fuse'
}

disk_cleanup() { # keeps the exit status, as it comes before cleanup
    local status=$?
    ! mountpoint -q "$work/disk" || umount "$work/disk" 2> /dev/null || umount -l "$work/disk"
    [ -z "${loop:-}" ] || losetup -d "$loop" 2> /dev/null
    ! mountpoint -q "$work/fuse" || fusermount3 -u "$work/fuse"
    return $status
}

begin_recording() { # MEGABYTES: a file system at $work/disk; marks go to $work/fuse/mark
    mkdir -p "$work/disk" "$work/fuse" "$work/states"
    truncate -s "$1M" "$work/image"
    mkfs.ext4 -q -F -E lazy_itable_init=0,lazy_journal_init=0 "$work/image"
    trap 'disk_cleanup; cleanup' EXIT
    "$recorder" "$work/image" "$work/log" "$work/fuse" > "$work/recorder.out" 2>&1 &
    recording=$!
    eventually mountpoint -q "$work/fuse" || bail_out 'the recorder does not start'
    loop=$(losetup -f --show "$work/fuse/disk") || bail_out 'no loop device'
    mount -o noatime "$loop" "$work/disk" || bail_out 'the recording disk cannot be mounted'
}

end_recording() {
    disk_cleanup
    loop=
    wait "$recording" # its log is complete
}

replay() { # STATES SEED COMMAND...
    local states=$1 seed=$2
    shift 2
    python3 "$crash/replay.py" "$work/image" "$work/log" "$states" "$seed" "$work/states" "$work/disk" "$@"
}
