#!/bin/bash
# What a client may depends on where it came in, from where, and what it has proved.  A taken-over smtpd of each kind
# (tests/authority/hostile_twin.cc in its place) asks for what another of them may have, and gets none of it; what its own
# client may have it gets, so that the refusals are not for another reason.
. "$(dirname "$0")/lib.sh"
. "$here/outgoing.sh"
. "$here/devices.sh"
need_root
need_program nc curl nsd ldns-signzone python3

start_relay --set 'limit address messages hour 0 0'
COPIER=$ZONE_NET.10 PRINTER=$ZONE_NET.11 # client10.test, client11.test
CAMPUS=127.0.2.5 NAT=127.0.3.5 READER=127.0.5.5 ELSEWHERE=127.0.5.6
me=$USER1@$DOMAIN you=$USER2@$DOMAIN
ok 'a device' register copier --dns-name client10.test --principal smtp-relay/copier --from "$office"
ok 'another' register printer --dns-name client11.test --principal smtp-relay/printer --from prints@devices.test
ok 'with a password' set_password copier smtp-relay/copier
ok 'an account that may not send' tool account add carol --password-stdin <<< carol-secret
tool account services carol pop
ok 'one that has read its mail' read_mail "$READER" "$USER1" "$PASS1"
ok 'and behind NAT' read_mail "$NAT" "$USER1" "$PASS1"
ln -sfn "$build/tests/authority/hostile_smtpd" "$box/libexec/smtpd"
kill -HUP "$PID"
ok 'the configuration is read' eventually log_has 'reload-done'

# The answers to the attempts on standard input, one a line, in one: 'ANSWER then ANSWER'.
take_over() { # PORT IP
    timeout 120 nc -N -s "$2" 127.0.0.1 "$1" | paste -sd'|' | sed 's/|/ then /g'
}
is_twin() { [ "$(echo hello | take_over "$1" 127.0.0.1)" = 'no such attempt' ]; }
for port in "$SMTP_PORT" "$SUBMISSION_PORT" "$OUTGOING_PORT" "$RELAY_PORT"; do
    eventually is_twin "$port" || missed "a hostile twin at port $port"
done

try() { # DESCRIPTION PORT IP EXPECTED ATTEMPT...: EXPECTED as regular expression
    local description=$1 port=$2 ip=$3 expected=$4; shift 4
    like "$description" "$(printf '%s\n' "$@" | take_over "$port" "$ip")" "^($expected)\$"
}
no='5[0-9][0-9]' none='[45][0-9][0-9]|channel closed|no channel'
log_in="log-in $USER1 $PASS1" as_device="log-in smtp-relay/copier $SECRET"

# ---- each kind has what is its own
try 'mx: mail for us' "$SMTP_PORT" "$ELSEWHERE" '250' "recipient 1 any@elsewhere.test $me"
try 'submission: an account, as itself' "$SUBMISSION_PORT" "$ELSEWHERE" 'logged in then 250 then 250' \
    "$log_in" "recipient 1 $me $FAR" "content 1 $me"
try 'outgoing: campus' "$OUTGOING_PORT" "$CAMPUS" '250 then 250' "recipient 1 any@campus.test $FAR" 'content 1 any@campus.test'
try 'outgoing: who has read mail, as itself' "$OUTGOING_PORT" "$READER" '250 then 250' "recipient 1 $me $FAR" "content 1 $me"
try 'relay: a device by its name' "$RELAY_PORT" "$COPIER" '250 then 250' "recipient 1 $office $FAR" "content 1 $office"
try 'relay: a device by its principal' "$RELAY_PORT" "$NAT" 'logged in then 250 then 250' \
    "$as_device" "recipient 1 $office $FAR" "content 1 $office"
authorised=5

# ---- mx: nobody sends to others there, wherever from
for ip in "$CAMPUS" "$READER" "$COPIER"; do
    try "mx: not from $ip" "$SMTP_PORT" "$ip" "$no then $no" "recipient 1 $me $FAR" "recipient 2 $office $FAR"
done
try 'mx: no login' "$SMTP_PORT" "$ELSEWHERE" "no channel then $no" "$log_in" "recipient 1 $me $FAR"

# ---- submission: nothing without a login, and nobody but who has logged in
for ip in "$CAMPUS" "$READER" "$COPIER"; do
    try "submission: not from $ip without a login" "$SUBMISSION_PORT" "$ip" "$no then $no then $no" \
        "recipient 1 $me $you" "recipient 2 $me $FAR" "recipient 3 $office $FAR"
done
try 'submission: not as another' "$SUBMISSION_PORT" "$ELSEWHERE" "logged in then $no then $no" \
    "$log_in" "recipient 1 $you $FAR" "recipient 2 any@elsewhere.test $FAR"
try 'submission: not in From' "$SUBMISSION_PORT" "$ELSEWHERE" "logged in then 250 then $no" \
    "$log_in" "recipient 1 $me $FAR" "content 1 $you"
try 'submission: not as who could log in next' "$SUBMISSION_PORT" "$ELSEWHERE" 'logged in then channel closed' \
    "$log_in" "log-in $USER2 $PASS2"
try 'submission: not by a wrong password' "$SUBMISSION_PORT" "$ELSEWHERE" "refused then $no" \
    "log-in $USER1 wrong" "recipient 1 $me $FAR"
try 'submission: not by an account without the service' "$SUBMISSION_PORT" "$ELSEWHERE" "refused then $no" \
    'log-in carol carol-secret' "recipient 1 carol@$DOMAIN $FAR"
try 'submission: not by a device' "$SUBMISSION_PORT" "$COPIER" "refused then $no" "$as_device" "recipient 1 $office $FAR"
try 'submission: no session' "$SUBMISSION_PORT" "$ELSEWHERE" 'logged in then (refused|channel closed)' "$log_in" hand-over

# ---- outgoing
try 'outgoing: not from elsewhere' "$OUTGOING_PORT" "$ELSEWHERE" "$no then $no" "recipient 1 $me $FAR" "recipient 2 any@campus.test $FAR"
try 'outgoing: not as another than who has read mail' "$OUTGOING_PORT" "$READER" "$no then $no" \
    "recipient 1 $you $FAR" "recipient 2 any@campus.test $FAR"
try 'outgoing: nor in From' "$OUTGOING_PORT" "$READER" "250 then $no" "recipient 1 $me $FAR" "content 1 $you"
try 'outgoing: nor from nobody' "$OUTGOING_PORT" "$READER" "250 then $no" "from-nobody 1 $FAR" "content 1 $you"
try 'outgoing: not behind NAT, mail read or not' "$OUTGOING_PORT" "$NAT" "$no" "recipient 1 $me $FAR"
try 'outgoing: not by a name that a device has' "$OUTGOING_PORT" "$COPIER" "$no" "recipient 1 $office $FAR"
try "outgoing: not by a device's principal" "$OUTGOING_PORT" "$NAT" "refused then $no" "$as_device" "recipient 1 $office $FAR"
try 'outgoing: a login takes what campus may' "$OUTGOING_PORT" "$CAMPUS" "logged in then $no" "$log_in" "recipient 1 any@campus.test $FAR"
try 'outgoing: not another sender in the same transaction' "$OUTGOING_PORT" "$READER" '250 then channel closed then ('"$none"')' \
    "recipient 1 $me $FAR" "recipient 1 $you $FAR" "content 1 $you"

# ---- relay
try 'relay: not from campus' "$RELAY_PORT" "$CAMPUS" "$no" "recipient 1 any@campus.test $FAR"
try 'relay: not by having read mail' "$RELAY_PORT" "$READER" "$no" "recipient 1 $me $FAR"
try 'relay: not by an account' "$RELAY_PORT" "$ELSEWHERE" "refused then $no" "$log_in" "recipient 1 $me $FAR"
try 'relay: another device, as itself' "$RELAY_PORT" "$PRINTER" '250' "recipient 1 prints@devices.test $FAR"
try 'relay: not as another device' "$RELAY_PORT" "$PRINTER" "$no" "recipient 1 $office $FAR"
try 'relay: nor by the principal of the one and the address of the other' "$RELAY_PORT" "$PRINTER" "logged in then $no" \
    "$as_device" "recipient 1 prints@devices.test $FAR"
try 'relay: nor in From' "$RELAY_PORT" "$COPIER" "250 then $no" "recipient 1 $office $FAR" 'content 1 prints@devices.test'
try 'relay: not as a person' "$RELAY_PORT" "$COPIER" "$no" "recipient 1 $me $FAR"
try 'relay: not from nobody' "$RELAY_PORT" "$COPIER" "$no" "from-nobody 1 $FAR"
try 'relay: not behind NAT by a name' "$RELAY_PORT" "$NAT" "$no" "recipient 1 $office $FAR"

# ---- what has been allowed is for this connection, and as long as it is allowed
envelopes() { grep -c ' recipient-accepted ' "$box/log"; }
more_envelopes() { [ "$(envelopes)" -gt "$1" ]; } # THAN
between() { # ENVELOPE CONTENT COMMAND...: both as attempts; the command runs when the envelope has been authorised
    local envelope=$1 content=$2 before; shift 2
    before=$(envelopes)
    echo "$envelope"
    eventually more_envelopes "$before"
    "$@"
    echo "$content"
}
others_try() {
    local port
    for port in "$SMTP_PORT" "$SUBMISSION_PORT" "$OUTGOING_PORT" "$RELAY_PORT"; do
        echo 'content 1 any@campus.test' | take_over "$port" "$ELSEWHERE"
    done > "$work/others"
}
is "an envelope is one connection's" \
    "$(between "recipient 1 any@campus.test $FAR" 'content 1 any@campus.test' others_try | take_over "$OUTGOING_PORT" "$CAMPUS")" '250 then 250'
is 'no other submits content for it' "$(grep -cE "^($none)\$" "$work/others")" 4
meanwhile() { # DESCRIPTION PORT IP SENDER COMMAND...
    local description=$1 port=$2 ip=$3 sender=$4; shift 4
    like "$description" "$(between "recipient 1 $sender $FAR" "content 1 $sender" "$@" | take_over "$port" "$ip")" \
        "^250 then ($none)\$"
}
revoke() { tool access revoke --network "$READER" > /dev/null; }
suspend() { device suspend copier --why 'it floods' > /dev/null; }
meanwhile 'outgoing: no content once the grant is revoked' "$OUTGOING_PORT" "$READER" "$me" revoke
meanwhile 'relay: no content once the device is suspended' "$RELAY_PORT" "$COPIER" "$office" suspend
try 'relay: nor by its principal' "$RELAY_PORT" "$NAT" "(logged in|refused) then $no" "$as_device" "recipient 1 $office $FAR"

ok 'what was authorised arrives' eventually arrived $((authorised + 1))
is 'nothing else was taken' "$(grep -c ' message-queued ' "$box/log")" $((authorised + 1))
finish
