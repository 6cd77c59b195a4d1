#!/bin/bash
# An attacker inside each kind of process (system calls made in the running release programs by ptrace) can do what
# daemons/process_walls.h says, and nothing else.  Each of these things works in a process without walls, but those that
# tests/breach/intruder.cc names with a reason: what is refused is refused by a wall.
. "$(dirname "$0")/lib.sh"
need_root

free=$work/free
mkdir -p "$free/own" "$free/outside" "$free/account/cur"
touch "$free/file" "$free/account/message"
chmod -R a+rwX "$free"
report_of timeout 60 "$intruder" --control "$free/own" file="$free/file" directory="$free/outside" account=../../account \
    message=../../account/message account-uid=65533 daemon-uid=65532 supervisor=1

start_sink slow --script <(echo '{"rules": [{"at": "content", "delay": 600}]}')
kerberos=() servers='supervisor logd keyd policyd authd certd deliverd queued dnsd stsd' listeners='pop3d imapd'
if command -v krb5kdc > /dev/null && command -v kadmin.local > /dev/null; then
    kerberos=(--kerberos) servers="$servers krbd kdcd" listeners="$listeners kpopd"
fi
start_breach_sandbox --client-certificates "${kerberos[@]}" --route slow.test=127.0.0.1:"$SINK_PORT"
for name in $servers; do intrude "$name" "$(pid_of "$name")"; done
for name in smtpd-mx smtpd-submission smtpd-outgoing smtpd-relay; do intrude smtp-listener "$(pid_of "$name")"; done
for name in $listeners; do intrude listener "$(pid_of "$name")"; done
intrude relayd "$(pid_of relayd)"

connect_to "$SMTP_PORT" 3
connect_to "$POP3_PORT" 4
connect_to "$IMAP_PORT" 5
intrude smtp-connection "$(child_of smtpd-mx)"
for name in pop3d imapd; do intrude connection "$(child_of "$name")"; done
exec 3>&- 4>&- 5>&-

hold_session "$IMAPS_PORT" "a LOGIN $USER1 $PASS1" 'b SELECT INBOX'
intrude session "$(session_of imapd "$USER1")"
hold_session "$POP3S_PORT" "USER $USER1" "PASS $PASS1"
intrude session "$(session_of pop3d "$USER1")"

message out 400000 | sed "s/^From: .*/From: $USER1@$DOMAIN\r/" > "$work/out.eml"
submit "$USER1" "$PASS1" "$USER1@$DOMAIN" somebody@slow.test "$work/out.eml"
at_the_sink() { [ -e "$SINK_DIR/000001.eml" ]; }
eventually at_the_sink > /dev/null
intrude relay-connection "$(child_of relayd)"

# What was done in them has not harmed them.
release_sessions
is 'the processes are those that were started' "$(grep -c ' process-died ' "$box/log")" 0
message after > "$work/m"
ok 'mail still goes in' send a@client.test "$USER1@$DOMAIN" "$work/m"
ok 'and is delivered' eventually delivered "$USER1" "$PASS1" 1
read -r primitives places refused < <("$intruder" --count)
diag <<< "$primitives primitives in $places kinds of processes: $refused combinations are refused"
finish
