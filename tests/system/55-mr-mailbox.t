#!/bin/bash
# mr-mailbox on an account's directory: mail goes in and out, damage is found, a lost index comes back, and nothing is
# done as root.
. "$(dirname "$0")/lib.sh"

mail=$work/mail
uid=1000007
[ "$(id -u)" = 0 ] || uid=$(id -u)
mkdir -m 711 "$mail" && mkdir -m 700 "$mail/7" "$mail/8"
[ "$(id -u)" != 0 ] || chown "$uid:$uid" "$mail/7" "$mail/8"
chmod 777 "$work" # what the account's uid writes goes here
mailbox() { "$build/tools/mr-mailbox" --dir "$mail" "$@"; }

mkdir -p "$work/source/cur" "$work/source/new" "$work/source/.Sent/cur"
printf 'Subject: one\n\nFrom the start\n' > "$work/source/cur/1.host:2,FS"
printf 'Subject: two\n\n' > "$work/source/new/2.host"
printf 'Subject: sent\n\n' > "$work/source/.Sent/cur/3.host:2,S"
printf '3 V1234567890 N60 Gx\n40 P0000a1 :1.host:2,S\n50 :2.host\n' > "$work/source/dovecot-uidlist"
ln -s /etc/passwd "$work/source/cur/4.host:2,S"
[ "$(id -u)" != 0 ] || chown -Rh "$uid" "$work/source"

is 'import says what it skipped, and ends with 1' "$(mailbox import 7 maildir "$work/source" 2>&1; echo $?)" \
    "mr-mailbox: skipped INBOX: cur/4.host:2,S: not a readable file
3 messages, 65 octets, into 2 folders
1"
is 'list shows the folders' "$(mailbox --json list 7 | python3 -c '
import json, sys
print(*[(f["folder"], f["messages"], f["unseen"], f["uid_next"]) for f in json.load(sys.stdin)])')" \
    "('INBOX', 2, 1, 60) ('Sent', 1, 0, 2)"
like 'list shows a message with its old UID and flags' "$(mailbox list 7 INBOX)" ' 40 .*\\Flagged \\Seen'
ok 'a sound mailbox has no problems' mailbox verify --full 7

ok 'export to Maildir' mailbox export 7 maildir "$work/exported"
ok 'import of what was exported' mailbox import 8 maildir "$work/exported"
is 'the second account has the same mail under the same numbers' "$(mailbox list 8 INBOX)" "$(mailbox list 7 INBOX)"
ok 'export to mbox' mailbox export 7 mbox "$work/box.mbox"
like 'a line that begins with From is quoted' "$(cat "$work/box.mbox")" '>From the start'
ok 'mbox through a pipe' sh -c "'$build/tools/mr-mailbox' --dir '$mail' import 8 mbox - Copies < '$work/box.mbox'"
is 'and it is there' "$(mailbox --json list 8 Copies | grep -c '"uid"')" 2
ok 'nothing is overwritten' [ "$(mailbox export 7 mbox "$work/box.mbox" 2> /dev/null; echo $?)" = 1 ]

first=$(find "$mail/7/cur" -type f | head -n 1)
printf x | dd of="$first" bs=1 seek=3 conv=notrunc 2> /dev/null
ok 'lengths do not show it' mailbox verify 7
is 'verify --full finds a changed octet' "$(mailbox verify --full 7 | grep -c 'damaged file')" 1
is 'of all accounts' "$(mailbox verify --full --all | grep -c problems)" 2

# What an account's owner chose: an escape sequence, also as one octet, in ISO 8859-1 and in UTF-8.
name=$'x\e]0;y\x9bz\xc2\x9b\xc3\xa4'
as_owner() { if [ "$(id -u)" = 0 ]; then setpriv --reuid "$uid" --regid "$uid" --clear-groups -- "$@"; else "$@"; fi; }
as_owner touch "$mail/8/cur/$name"
is 'names of files are no commands to a terminal' "$(mailbox verify 8 | grep 'unknown file')" \
    '8: unknown file: x\x1b]0;y\x9bz\xc2\x9b'$'\xc3\xa4'
as_owner rm "$mail/8/cur/$name"

rm "$mail/8/index/data.mdb"
is 'a lost index comes back by itself' "$(mailbox list 8 INBOX)" "$(mailbox list 7 INBOX)"
ok 'rebuild on demand' mailbox rebuild 8
ok 'and all is well' mailbox verify --full 8
is 'no file is of another owner than the account' "$(find "$mail/7" "$mail/8" "$work/exported" ! -uid "$uid")" ''
is 'an account that is not there' "$(mailbox list 9 2> /dev/null; echo $?)" 1
is 'wrong usage' "$(mailbox frobnicate 7 2> /dev/null; echo $?)" 2
finish
