#!/bin/bash
# The power fails under the whole system while mail comes in by SMTP and by IMAP APPEND, at 25 instants, with any part of
# what was not flushed on the disk: started again, it holds everything that was acknowledged, and nothing twice.
# STATES=N for more of them.
. "$(dirname "$0")/lib.sh"
need_recorder
need_program curl
states=${STATES:-25}
system=$crash/../system

begin_recording 320
box=$work/disk/box
start_sandbox --set 'queued.min-free-space 1M' --set 'policyd.state-map-size 16M'
sync -f "$work/disk"

"$system/load.py" send "$SMTP_PORT" "$USER1@$DOMAIN" "${SECONDS_OF_LOAD:-4}" smtp "$work/fuse/mark" > "$work/load.out" 2>&1 &
loader=$!
appended=0
while kill -0 $loader 2> /dev/null; do
    appended=$((appended + 1))
    printf 'From: a@client.test\r\nX-Load: imap.%d\r\n\r\ntext\r\n' $appended > "$work/append"
    imap "$USER1" "$PASS1" INBOX -T "$work/append" > /dev/null 2>&1 && echo "imap.$appended" >> "$work/fuse/mark"
done
wait $loader
diag < "$work/load.out"
ok 'the system empties its queue' eventually nothing_pending
sandbox stop > /dev/null 2>&1
end_recording

like 'messages were acknowledged by SMTP' "$(grep -ac '^.*smtp\.' "$work/log")" '^[1-9]'
like 'messages were acknowledged by IMAP' "$(grep -ac '^.*imap\.' "$work/log")" '^[1-9]'
ok "$states states after a power cut hold all that was acknowledged, once" \
    replay "$states" "${SEED:-1}" "$crash/check-system" "$build/tools/mr-sandbox" "$system/load.py"
tail -n 1 "$work/out" | diag
rm -f "$work/disk/box/env"
finish
