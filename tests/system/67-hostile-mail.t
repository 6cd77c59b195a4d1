#!/bin/bash
# Every generator of mail that is made to hurt (SECURITY.md V8) goes through every program that parses mail: smtpd and queued take it,
# deliverd and relayd hand it on, imapd and pop3d show it, from an index that is made anew in the end too.
. "$(dirname "$0")/lib.sh"
need_root
need_program python3

start_sink far
start_sandbox --plaintext-login --set 'relay-domain far.test' --set "route far.test smtp 127.0.0.1:$SINK_PORT tls=never"
export MAILROOM_ENV=$box/env
report_of python3 "$here/hostile_mail.py" "$SINK_DIR" "$build/tools/mr-sandbox" pending "$box"

count_all() { printf 'a LOGIN %s %s\r\nb SELECT INBOX\r\nc UID FETCH 1:* (FLAGS BODYSTRUCTURE)\r\nd LOGOUT\r\n' "$USER1" "$PASS1" |
    timeout "$patience" nc 127.0.0.1 "$IMAP_PORT" | grep -ac '^\* [0-9]* FETCH'; }
before=$(count_all)
index=$(find "$box/spool/mail" -name data.mdb -size +100k)
rm -f "$index" "$(dirname "$index")/lock.mdb"
is 'an index that is lost is made anew from them' "$(count_all)" "$before"
ok 'nothing is left in the queue' nothing_pending
is 'no process has died, none has found anything broken' \
    "$(grep -E ' (process-died|connection-crashed|fatal|peer-misbehaved|mailbox-failed|delivery-failed|message-deferred|stray-output) ' "$box/log")" ''
finish
