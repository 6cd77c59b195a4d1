#!/bin/bash
# The disk is full: new mail is answered 452 and the connection goes on, what was accepted is delivered when there is
# space again, and nothing is lost or there twice (SECURITY.md V26).
. "$(dirname "$0")/lib.sh"
need_root
need_program curl
load=$crash/../system/load.py

mkdir "$work/disk"
mount -t tmpfs -o size=64m,mode=755 mailroom-test "$work/disk" || skip_all 'needs to mount a tmpfs'
trap 'disk_cleanup; cleanup' EXIT
box=$work/disk/box
start_sandbox --set 'queued.min-free-space 1M' --set 'policyd.state-map-size 16M'
to=$USER1@$DOMAIN

fill() { # KILOBYTES-LEFT
    local left
    left=$(df -k --output=avail "$work/disk" | tail -n 1)
    [ "$left" -le "$1" ] || head -c $(((left - $1) * 1024)) /dev/zero >> "$work/disk/ballast"
}
marked() { printf 'From: a@client.test\r\nX-Load: %s\r\n\r\ntext\r\n' "$1"; }

marked before > "$work/m" && ok 'a message before' send a@client.test "$to" "$work/m"
echo before > "$work/acknowledged"

# Less is left than must be kept: refused at RCPT, and the connection is still good for everything else.
fill 600
conversation=$(printf '%s\n' 'EHLO client.test' 'MAIL FROM:<a@client.test>' "RCPT TO:<$to>" 'RSET' 'NOOP' 'QUIT' |
    converse "$SMTP_PORT")
like 'a recipient is refused for now' "$conversation" '^452 4\.3\.1 '
like 'the connection goes on' "$conversation" '^221 '
like 'the log says why' "$(cat "$box/log")" ' queue-full '

# More content than there is space for, accepted at RCPT: refused at its end, and nothing of it stays.
rm "$work/disk/ballast"
fill 4000
message big 6000000 > "$work/big"
fails 'content that does not fit is refused' send a@client.test "$to" "$work/big" --verbose
like 'with 452' "$(cat "$work/out")" '^< 452 4\.3\.1 '
is 'nothing of it is left in the queue' "$(find "$box/spool/queue/content" -type f | wc -l)" 0

# Full to the last block while mail is under way: held back, not lost.
for n in 1 2 3; do marked "small.$n" > "$work/m.$n"; done
send a@client.test "$to" "$work/m.1" && echo small.1 >> "$work/acknowledged"
fill 0
for n in 2 3; do send a@client.test "$to" "$work/m.$n" 2> "$work/err" && echo "small.$n" >> "$work/acknowledged"; done
rm "$work/disk/ballast"
for n in 2 3; do
    grep -qx "small.$n" "$work/acknowledged" || { send a@client.test "$to" "$work/m.$n" && echo "small.$n" >> "$work/acknowledged"; }
done
tool queue retry --all
ok 'with space again the queue empties' eventually nothing_pending
ok 'everything acknowledged is there, once' "$load" check "$POP3S_PORT" "$CAFILE" "$USER1" "$PASS1" "$work/acknowledged"
diag < "$work/out"
is 'all four were acknowledged in the end' "$(sort -u "$work/acknowledged" | wc -l)" 4
sandbox stop > /dev/null 2>&1
rm -f "$box/env"
finish
