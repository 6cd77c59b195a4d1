#!/bin/bash
# No 250, no tagged OK and no answer to QUIT leaves before the syncs of its bytes and of its directory have returned: one trace of all who
# take part.
. "$(dirname "$0")/lib.sh"
need_root
need_program python3 strace

report_of "$here/durability.py" selftest

start_sandbox --plaintext-login
names='queued deliverd smtpd-mx imapd pop3d'
calls=write,writev,pwrite64,pwritev,pwritev2,ftruncate,sendmsg,sendto,fsync,fdatasync,syncfs
calls=$calls,openat,openat2,linkat,renameat,renameat2,mkdirat
processes=()
for name in $names; do processes+=(-p "$(pid_of "$name")"); done
strace -f -yy -s 1500 -e signal=none -e trace=$calls -o "$work/trace" "${processes[@]}" 2> "$work/strace.err" &
tracer=$!
traced() { # every thread of each
    local name thread
    for name in $names; do
        for thread in /proc/"$(pid_of "$name")"/task/*; do grep -q "^TracerPid:[[:blank:]]*$tracer$" "$thread/status" || return 1; done
    done
}
ok "strace follows $names" eventually traced

# Each waits until the one before is done, so that what is not synced is its own.
number=0
for size in 2048 102400 1048576; do
    number=$((number + 1))
    message "size-$size" $size > "$work/m"
    ok "a message of $size octets" curl_mail --url "smtp://$HOST:$SMTP_PORT/client.test" --mail-from sender@client.test \
        --mail-rcpt "$USER1@$DOMAIN" -T "$work/m"
    eventually nothing_pending
    eventually log_has "message-done"
    sleep 0.3
done
ok 'a mailbox is changed' "$here/durability.py" drive "$IMAP_PORT" "$POP3_PORT" "$USER1" "$PASS1"
kill -INT $tracer
wait $tracer 2> /dev/null
report_of "$here/durability.py" check "$work/trace" size-2048 size-102400 size-1048576
finish
