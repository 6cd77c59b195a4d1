#!/bin/bash
# A process that breaks the rules on its channels (octets put into the running release process as its own) has them closed by
# its peers.  Both go on, and without an operator they have new ones; a process that does it again and again gets them later
# and later.
. "$(dirname "$0")/lib.sh"
need_root

start_sink far
start_sandbox --route "far.test=127.0.0.1:$SINK_PORT" --set 'queued.retry-schedule 1s 1s 1s 1s 1s 1s 1s 1s'
sent=0
works() { # mail comes in, is read and goes out; TLS, logins, signatures
    sent=$((sent + 1))
    message "in$sent" > "$work/m"
    message "out$sent" | sed "s/^From: .*/From: $USER1@$DOMAIN\r/" > "$work/out"
    eventually send a@client.test "$USER2@$DOMAIN" "$work/m" && eventually pop3 "$USER2" "$PASS2" '' &&
        eventually submit "$USER1" "$PASS1" "$USER1@$DOMAIN" anna@far.test "$work/out" && eventually nothing_pending
}
remade() { grep -cE ' channel-remade ' "$box/log"; }
more_remade() { [ "$(remade)" -gt "$1" ]; }
offend() { "$intruder" --offend "$(pid_of "$1")" > "$work/offend" 2>&1 || { missed "$1 breaks the rules"; diag < "$work/offend"; }; }

ok 'everything works before' works
started=$(pgrep -P "$PID" | sort)
for name in policyd authd queued deliverd dnsd stsd relayd smtpd-mx smtpd-submission pop3d imapd; do
    before=$(remade)
    offend "$name"
    ok "$name: what it has lost is made anew" eventually more_remade "$before"
    ok "$name: and everything works" works
done
offend keyd # to whom listeners and connections listen only for answers
ok 'keyd: what nobody waits for is not heard' works
is 'nobody was restarted for it' "$(pgrep -P "$PID" | sort)" "$started"

# ---- again and again ----
before=$(remade)
for _ in $(seq 50); do "$intruder" --offend "$(pid_of dnsd)" > "$work/offend"; sleep 0.1; done
after=$(remade)
ok "a storm is slowed down ($((after - before)) channels for 50 offences)" [ $((after - before)) -le 16 ]
ok 'and everything works again' works
is 'nor was anybody restarted for that' "$(pgrep -P "$PID" | sort)" "$started"
finish
