#!/bin/bash
# An index whose pages contradict each other: the session that finds out ends and says so in the log, and the next has all messages.
# An index that somebody keeps locked holds no session for ever.
. "$(dirname "$0")/lib.sh"
need_root
need_program python3

start_sandbox --plaintext-login
for n in $(seq 40); do message "$n" > "$work/m.$n"; done
for n in $(seq 40); do send a@client.test "$USER1@$DOMAIN" "$work/m.$n"; done
ok 'forty messages' eventually delivered "$USER1" "$PASS1" 40
index=$(find "$box/spool/mail" -name data.mdb -size +32k | head -n 1)
cp "$index" "$work/sound"

# What IMAP and POP3 sessions say over an index of which one page is empty.
page=4096
break_page() { # N
    cp "$work/sound" "$work/broken"
    dd if=/dev/zero of="$work/broken" bs=$page seek="$1" count=1 conv=notrunc status=none
    cat "$work/broken" > "$index"
    rm -f "$(dirname "$index")/lock.mdb"
}
session() { # PROTOCOL
    case $1 in
        imap) printf 'a LOGIN %s %s\r\nb SELECT INBOX\r\nc UID FETCH 1:* (FLAGS UID)\r\nd LOGOUT\r\n' "$USER1" "$PASS1" | timeout 20 nc 127.0.0.1 "$IMAP_PORT" ;;
        pop3) printf 'USER %s\r\nPASS %s\r\nLIST\r\nQUIT\r\n' "$USER1" "$PASS1" | timeout 20 nc 127.0.0.1 "$POP3_PORT" ;;
    esac
}
no_session() { ! pgrep -P "$(pid_of imapd)" && ! pgrep -P "$(pid_of pop3d)"; }
last=$(($(stat -c %s "$work/sound") / page - 1))
broken=0
for n in $(seq 2 2 "$last"); do
    protocol=imap
    [ $((n % 4)) = 0 ] || protocol=pop3
    before=$(grep -c ' mailbox-failed ' "$box/log")
    break_page "$n"
    session $protocol > "$work/said" 2>&1
    eventually no_session > /dev/null
    after=$(grep -c ' mailbox-failed ' "$box/log")
    [ "$after" = "$before" ] || broken=$((broken + 1))
    seen=$(session imap | grep -c '^\* [0-9]* FETCH')
    [ "$seen" = 40 ] || { missed "page $n: all messages are there at the next login"; diag <<< "$seen"; diag < "$work/said"; }
    eventually no_session > /dev/null
done
ok "sessions have met a broken index ($broken of them)" [ "$broken" -gt 0 ]
ok 'and the next have rebuilt it' eventually log_has ' index-rebuilt .*account='

# ---- locked, as by somebody with the account's uid: LMDB would wait for ever ----
python3 -c '
import fcntl, sys, time
file = open(sys.argv[1], "r+b")
fcntl.lockf(file, fcntl.LOCK_EX)
print("locked", flush=True)
time.sleep(300)' "$(dirname "$index")/lock.mdb" > "$work/locker" &
locker=$!
ok 'the index is locked' eventually grep -q locked "$work/locker"
for protocol in imap pop3; do
    session $protocol > "$work/said" &
    ok "a session by $protocol begins" eventually pgrep -P "$(pid_of ${protocol}d)"
done
both_ended() { [ "$(grep -c ' session-ended .*reason="signal ALRM"' "$box/log")" = 2 ]; }
ok 'which end when they have waited long enough' eventually both_ended
kill $locker
wait
is 'and the next has all messages' "$(session imap | grep -c '^\* [0-9]* FETCH')" 40

is 'no connection is taken for one that crashed' "$(grep -c ' connection-crashed ' "$box/log")" 0
finish
