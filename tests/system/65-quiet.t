#!/bin/bash
# Who reloads or stops a system that is well reads nothing in its log that looks like trouble: no event that is a warning or an error.
. "$(dirname "$0")/lib.sh"
need_root

start_sandbox --plaintext-login
reloads() { [ "$(grep -c ' reload-done ' "$box/log")" -ge "$1" ]; }
gone_by_now() { [ "$(grep -cE ' process-ended .*(smtpd|pop3d|imapd|relayd|keyd)' "$box/log")" -ge "$1" ]; }
message 1 > "$work/m"
ok 'mail goes in' send a@client.test "$USER1@$DOMAIN" "$work/m"
ok 'and arrives' eventually delivered "$USER1" "$PASS1" 1
exec 3<> "/dev/tcp/127.0.0.1/$IMAP_PORT" 4<> "/dev/tcp/127.0.0.1/$SMTP_PORT"
printf 'a LOGIN %s %s\r\nb IDLE\r\n' "$USER1" "$PASS1" >&3
ok 'a session' eventually log_has ' session-started '
for n in 1 2; do
    kill -HUP "$PID"
    ok "reload $n" eventually reloads $n
done
ok 'mail goes in after them' send a@client.test "$USER1@$DOMAIN" "$work/m"
ok 'the first listeners have ended but for the session' eventually gone_by_now 6
ok 'the system stops' sandbox stop
exec 3>&- 4>&-
ok 'to the end' eventually log_has ' stopped'

# What mailroom-log(5) calls a warning or an error.
loud=$("$build/tools/mr-conf" doc events | awk '$2 == "Ic" && $4 ~ /warning|error/ { print $3 }')
ok 'there are such events' [ "$(wc -l <<< "$loud")" -gt 20 ]
is 'and none of them was logged' "$(sed -n '/ started /,$p' "$box/log" | grep -E " ($(paste -sd '|' <<< "$loud")) ")" ''
finish
