#!/bin/bash
# C8: a report that cannot be delivered to a device's sender address suspends the device; its contacts are told, its mail is refused
# with the help desk's text, and a person releases it in one step.
. "$(dirname "$0")/lib.sh"
. "$here/outgoing.sh"
. "$here/devices.sh"
need_program swaks nsd ldns-signzone python3 strace

# gone.test takes nothing, so that reports go back to devices.test, which refuses them in its ways.
cat > "$work/back.json" <<'END'
{ "name": "mx.devices.test", "extensions": ["PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES"],
  "rules": [ {"at": "rcpt", "match": "slow@gone", "delay": 4, "reply": "550 5.1.1 no such user"},
             {"at": "rcpt", "match": "@gone", "reply": "550 5.1.1 no such user"},
             {"at": "rcpt", "match": "bad@", "reply": "550 5.1.1 no such mailbox here"},
             {"at": "rcpt", "match": "full@", "reply": "552 5.2.2 mailbox full"},
             {"at": "rcpt", "match": "later@", "reply": "452 4.2.2 mailbox full at present"},
             {"at": "rcpt", "match": "policy@", "reply": "550 5.7.1 we do not like you"},
             {"at": "rcpt", "match": "bare@", "times": 1, "reply": "550 unknown user"} ] }
END
start_sink back --script "$work/back.json"
start_relay --route "gone.test=127.0.0.1:$SINK_PORT" --route "devices.test=127.0.0.1:$SINK_PORT" \
    --set 'policyd.device-suspension dry-run' --set 'policyd.device-refused-reports 2' --set 'policyd.postmaster office' --set 'queued.lifetime 8s'

enrol() { # NAME DNS-NAME FROM...: with two contacts
    local name=$1 host=$2; shift 2
    device request "$name" --dns-name "$host" $(printf ' --from %s' "$@") --contact "$USER1@$DOMAIN" --contact "$USER2@$DOMAIN" \
        --purpose 'Copier of the library' --why 'asked for' && device approve "$name" --why 'looked at'
}
speak() { at_relay "$1" --from "$2" --to "${3:-nobody@gone.test}" --h-From "$2"; } # IP SENDER [RECIPIENT]
configure() { # KEY VALUE: the last one counts
    sed -i "/^$1 /d" "$CONFIG"
    echo "$1 $2" >> "$CONFIG"
    reloads=$(grep -c ' reload-done ' "$box/log")
    kill -HUP "$PID"
    eventually reloaded
}
reloaded() { [ "$(grep -c ' reload-done ' "$box/log")" -gt "$reloads" ]; }
refusals() { grep -cE " device-report-refused device=$1 .*meaning=$2" "$box/log"; } # DEVICE MEANING
refused() { [ "$(refusals "$1" "$2")" = "$3" ]; } # DEVICE MEANING COUNT
state() { device show "$1" | sed -n 's/^state *//p'; }
is_suspended() { [ "$(state "$1")" = suspended ]; }
notices() { # USER PASSWORD: how many messages about a suspension are in the mailbox
    local n found=0
    for n in $(pop3 "$1" "$2" '' | sed -n 's/^\([0-9]*\) .*/\1/p'); do
        pop3 "$1" "$2" "$n" | grep -q '^Subject: The mail of device ' && found=$((found + 1))
    done
    echo "$found"
}
was_told() { [ "$(notices "$1" "$2")" -ge "$3" ]; }

A=$ZONE_NET.10 B=$ZONE_NET.11
senders=(bad full later policy bare)
ok 'a device' enrol scanner1 client10.test "${senders[@]/%/@devices.test}" "$office"
ok 'another one' enrol scanner2 client11.test bad@devices.test

# ---- a dry run ----
for n in 1 2; do speak "$A" bad@devices.test; done
like 'its mail is taken' "$reply" "^$taken"
ok 'dry-run: what would be is in the log' eventually log_has 'device-would-be-suspended device=scanner1 reason="a report to bad@devices\.test was refused: 550 5\.1\.1'
is 'and the device as it was' "$(state scanner1)" active
is 'its contacts hear nothing' "$(notices "$USER1" "$PASS1")" 0

# ---- what does not count ----
configure policyd.device-suspension on
configure policyd.device-refused-reports 1
speak "$A" full@devices.test
ok 'a full mailbox does not count' eventually refused scanner1 mailbox-full 1
speak "$A" policy@devices.test
ok 'nor what the far side has against us' eventually refused scanner1 policy 1
speak "$A" later@devices.test
ok 'nor what is tried again' eventually log_has 'message-deferred .*452 4\.2\.2 mailbox full at present'
is 'the device may send' "$(state scanner1)" active
speak "$A" "$office"
like 'and does' "$reply" "^$taken"
speak "$B" bad@devices.test "nobody@$DOMAIN"
like 'a refusal at once makes no report' "$reply" '^550 5\.1\.1 '

# ---- killed in the middle: nothing is lost, nothing counts twice ----
configure policyd.device-refused-reports 100
expected=$(refusals scanner2 bad-address)
kill_at_sync() { # PROCESS NUMBER: before its sync of that number
    local pid; pid=$(pid_of "$1")
    strace -f -qq -e trace=fdatasync -e inject=fdatasync:signal=KILL:when="$2" -o "$work/strace" -p "$pid" &
    tracer=$!
    attached() { grep -q "^TracerPid:[[:blank:]]*$tracer\$" "/proc/$pid/status"; }
    eventually attached > /dev/null
    speak "$B" bad@devices.test
    case $reply in 250*) expected=$((expected + 1)) ;; esac
    eventually gone "$pid" > /dev/null
    wait "$tracer" 2> /dev/null
    eventually back "$1" "$pid" > /dev/null
}
back() { local pid; pid=$(pid_of "$1") && [ "$pid" != "$2" ]; } # PROCESS FORMER-PID
for when in 2 3; do
    kill_at_sync queued "$when"
    ok "queued killed at sync $when: the report counts" eventually refused scanner2 bad-address "$expected"
done
kill_at_sync policyd 1
ok 'policyd killed before it has noted one: it counts' eventually refused scanner2 bad-address "$expected"
ok 'all has been said' eventually nothing_pending
is 'each once' "$(refusals scanner2 bad-address)" "$expected"
like 'as many as there were' "$(grep ' device-report-refused device=scanner2 ' "$box/log" | tail -n 1)" "reports=$expected\$"

# ---- the one too many ----
configure policyd.device-refused-reports $((expected + 1))
speak "$B" bad@devices.test
ok 'the one too many suspends the device' eventually is_suspended scanner2
ok 'which is logged' eventually log_has 'device-suspended device=scanner2 reason="a report to bad@devices\.test was refused: 550 5\.1\.1 no such mailbox here"'
like 'and in its history, with the reason' "$(device history scanner2)" 'suspend +policyd: a report to bad@devices\.test was refused: 550 5\.1\.1'
speak "$B" bad@devices.test someone@far.test
like 'its mail is refused with the text of the help desk' "$reply" '^550 5\.7\.1 This device is suspended.*the help desk, 555-0100'
speak "$B" bad@devices.test "$USER1@$DOMAIN"
like 'for us too' "$reply" '^550 5\.7\.1 This device is suspended'
ok 'one contact is told' eventually was_told "$USER1" "$PASS1" 1
ok 'the other too' eventually was_told "$USER2" "$PASS2" 1
notice=$(pop3 "$USER1" "$PASS1" "$(pop3 "$USER1" "$PASS1" '' | tail -n 1 | cut -d ' ' -f 1)")
like 'why' "$(tr -d '\r' <<< "$notice" | tr '\n' ' ')" 'a report to bad@devices\.test was refused: 550 5\.1\.1 no such mailbox here'
like 'and whom to ask' "$(tr -d '\r' <<< "$notice" | tr '\n' ' ')" 'ask the help desk, 555-0100 to release'
is 'the other device sends' "$(speak "$A" "$office"; echo "${reply:0:3}")" 250

# ---- released ----
configure policyd.device-refused-reports 2
ok 'released in one step' device resume scanner2 --why 'the address is mended'
speak "$B" bad@devices.test
like 'it sends' "$reply" "^$taken"
expected=$((expected + 2))
ok 'what counted before' eventually refused scanner2 bad-address "$expected"
is 'counts no more' "$(state scanner2)" active
was=$(pid_of policyd)
kill -KILL "$was"
eventually back policyd "$was" > /dev/null
speak "$B" bad@devices.test
ok 'a restart forgets nothing' eventually is_suspended scanner2

# ---- bare replies, and a sender that is gone ----
configure policyd.device-refused-reports 1
speak "$A" bare@devices.test
ok 'an unknown user without an enhanced code counts' eventually is_suspended scanner1
ok 'released' device resume scanner1 --why 'the address is mended'
speak "$A" "$office" slow@gone.test
like 'a message as an address of ours' "$reply" "^$taken"
ok 'that goes before the report' tool account alias remove "$office"
ok 'cannot be reported: that counts' eventually is_suspended scanner1
like 'with its reason' "$(device history scanner1)" "suspend +policyd: a report to $office was refused: 550 5\\.1\\.1 Nobody here has that address"
ok 'what was tried for its whole lifetime is given up' eventually log_has 'message-expired .*452 4\.2\.2'
unlike 'and has not counted' "$(grep ' device-report-refused ' "$box/log")" 'later@'
finish
