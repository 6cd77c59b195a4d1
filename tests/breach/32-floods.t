#!/bin/bash
# Taken-over connections (tests/authority/hostile_twin.cc) flood policyd and queued with messages that they may send, as fast as
# they are taken.  Logins and mail of others, through listeners that are honest, go on beside it.
. "$(dirname "$0")/lib.sh"
need_root
need_program curl

# What they may take: SECURITY.md V20 has 100 ms for a channel; a login and a transaction are connections, dozens of messages and
# a sync, and the floods leave them what two processors have left.  On a machine that is slow without a flood: so many times that.
most_ms=1000 times=10
rounds=7

start_sandbox
message in > "$work/m"
now_ms() { echo $(($(date +%s%N) / 1000000)); }
login() { pop3 "$USER2" "$PASS2" ''; }
mail_in() { send a@client.test "$USER2@$DOMAIN" "$work/m"; }
median_of() { # COMMAND: in ms; a command that fails has taken for ever
    local i begin
    for ((i = 0; i < rounds; ++i)); do
        begin=$(now_ms)
        if "$1" > "$work/out" 2>&1; then echo $(($(now_ms) - begin)); else echo 999999; fi
    done | sort -n | sed -n "$(((rounds + 1) / 2))p"
}
ok 'mail goes in' mail_in
usual_login=$(median_of login) usual_mail=$(median_of mail_in)

# ---- the twins' connections stay with their listener when honest ones take its place
reload() { # PROGRAM
    local before
    before=$(grep -c ' reload-done' "$box/log")
    ln -sfn "$1" "$box/libexec/smtpd"
    kill -HUP "$PID"
    eventually more_reloads "$before"
}
more_reloads() { [ "$(grep -c ' reload-done' "$box/log")" -gt "$1" ]; }
greeted_as() { # TWIN|HONEST
    local line=
    exec 7<> "/dev/tcp/127.0.0.1/$SMTP_PORT" || return
    [ "$1" = honest ] || echo hello >&7
    read -r -t 5 line <&7
    exec 7>&-
    [[ $line == 220* ]] && [ "$1" = honest ] || { [[ $line == 'no such attempt'* ]] && [ "$1" = twin ]; }
}
honest=$(readlink "$box/libexec/smtpd")
reload "$build/tests/authority/hostile_smtpd"
ok 'twins of smtpd run' eventually greeted_as twin
exec 5<> "/dev/tcp/127.0.0.1/$SMTP_PORT" 6<> "/dev/tcp/127.0.0.1/$SMTP_PORT"
for twin in 5 6; do
    echo hello >&$twin
    read -r -t "$patience" line <&$twin
    like "a twin's connection" "$line" '^no such attempt'
done
reload "$honest"
ok 'the honest smtpd is back' eventually greeted_as honest
servers() { pid_of policyd; pid_of queued; pid_of authd; }
before=$(servers)
descriptors() { find "/proc/$(pid_of policyd)/fd" "/proc/$(pid_of queued)/fd" -mindepth 1 2> /dev/null | wc -l; }
open_before=$(descriptors)

# ---- beside the floods
echo flood-policyd >&5
echo flood-queued >&6
login_ms=$(median_of login) mail_ms=$(median_of mail_in)
holds() { # MS USUAL
    [ "$1" -le $((most_ms > times * $2 ? most_ms : times * $2)) ]
}
ok "a login takes $login_ms ms beside them, $usual_login ms without" holds "$login_ms" "$usual_login"
ok "a transaction takes $mail_ms ms beside them, $usual_mail ms without" holds "$mail_ms" "$usual_mail"
for twin in 5 6; do
    echo enough >&$twin
    read -r -t "$patience" flooded <&$twin
    ok "a flood went on meanwhile ($flooded)" [ "$flooded" -ge 1000 ]
done
exec 5>&- 6>&-
is 'the servers are the same processes' "$(servers)" "$before"
fewer() { [ "$(descriptors)" -le "$open_before" ]; }
ok 'they have no more descriptors than before' eventually fewer
ok 'nothing of it was delivered' eventually nothing_pending
finish
