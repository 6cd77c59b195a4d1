#!/bin/bash
# V16: what fails after it was accepted from a stranger is told to the sender only if SPF does not say that the stranger
# is not theirs (RFC 7208); the postmaster hears of what is kept back.
. "$(dirname "$0")/lib.sh"
need_root
need_program nsd ldns-signzone python3

cat > "$work/dept.json" <<'JSON'
{ "name": "mx.dept.test", "extensions": ["PIPELINING"],
  "rules": [ {"at": "rcpt", "match": "nobody@", "reply": "550 5.1.1 no such user in this sink"} ] }
JSON
start_sink dept --script "$work/dept.json"
dept=$SINK_PORT
start_sink senders
senders=(fail include redirect limit pass softfail neutral nospf broken mx user)
routes=(--route dept.test=127.0.0.1:"$dept")
for name in "${senders[@]}"; do routes+=(--route "$name.test=127.0.0.1:$SINK_PORT"); done
start_sandbox --zone "${routes[@]}" --set 'relay-domain dept.test' --set 'policyd.postmaster bob' --set 'dnsd.timeout 3s' \
    --set 'queued.retry-schedule 1s'
set -a; read_env; set +a
zone_add <<'RECORDS'
fail.test. TXT "v=spf1 ip4:192.0.2.1 -all"
include.test. TXT "v=spf1 include:fail.test mx:good.test exists:%{ir}.%{l}.include.test -all"
1.0.0.127.anna.include.test. A 127.0.0.2
redirect.test. TXT "v=spf1 redirect=fail.test"
limit.test. TXT "v=spf1 include:limit.test -all"
pass.test. TXT "v=spf1 ip4:127.0.0.0/8 -all"
softfail.test. TXT "v=spf1 ip4:192.0.2.1 ~all"
neutral.test. TXT "v=spf1 ?all"
mx.test. TXT "v=spf1 mx -all"
mx.test. MX 10 host.mx.test.
host.mx.test. A 127.0.0.1
user.test. TXT "v=spf1 exists:%{l}.yes.user.test -all"
anna.yes.user.test. A 127.0.0.2
sandbox.test. TXT "v=spf1 -all"
RECORDS

printf 'From: <anna@campus.test>\r\nSubject: for nobody\r\n\r\nThe words of a stranger\r\n' > "$work/mail"
said() { grep -E " report-suppressed .*recipient=$1 " "$box/log"; } # ADDRESS
reports_to() { cat "$SINK_DIR"/*.json 2> /dev/null | tr -d '\n ' | grep -oF "\"recipients\":[\"$1\"]" | wc -l; } # ADDRESS
postmaster() { pop3 "$USER2" "$PASS2" "$1"; } # NUMBER, or nothing
has_mail() { postmaster "$1" > /dev/null; }

# ---- not theirs: kept back
suppressed=0
for sender in bob@fail.test bob@include.test bob@redirect.test bob@user.test; do
    ok "a message from $sender is taken" send "$sender" nobody@dept.test "$work/mail"
    suppressed=$((suppressed + 1))
    ok 'it fails, and the postmaster hears of that' eventually has_mail "$suppressed"
    ok 'nothing of it is left' eventually nothing_pending
    is 'its sender hears nothing' "$(reports_to "$sender")" 0
    ok 'the log says why' eventually log_has \
        " report-suppressed about=[0-9a-z]+ recipient=$sender action=failed client=127\.0\.0\.1 domain=[a-z.]+ reason=-all"
done
ok 'and whose record has decided' eventually log_has ' report-suppressed .* recipient=bob@redirect\.test .* domain=fail\.test '
copy=$(postmaster 1)
like 'the postmaster is told of the failure' "$copy" 'no such user in this sink'
like 'and of the sender' "$copy" 'anna@campus\.test'
unlike 'and has not the words of the message' "$copy" 'The words of a stranger'

# ---- theirs, or nothing is known: told
for sender in anna@include.test anna@user.test anna@pass.test anna@mx.test anna@softfail.test anna@neutral.test anna@nospf.test \
    anna@limit.test anna@broken.test; do
    ok "a message from $sender is taken" send "$sender" nobody@dept.test "$work/mail"
    told() { [ "$(reports_to "$sender")" = 1 ]; }
    ok 'its sender hears that it failed' eventually told
    is 'and is not kept from it' "$(said "$sender")" ''
done

# ---- delivered: told only to who may ask
success() { # SENDER
    ok 'a report of delivery is asked for' python3 -c '
import smtplib, sys
with smtplib.SMTP(sys.argv[1], int(sys.argv[2])) as client:
    client.sendmail(sys.argv[3], [sys.argv[4]], "Subject: here\r\n\r\nHello\r\n", rcpt_options=["NOTIFY=SUCCESS"])
' "$HOST" "$SMTP_PORT" "$1" "$USER1@$DOMAIN"
}
success bob@fail.test
kept_back() { said bob@fail.test | grep -q ' action=delivered '; }
ok 'of a message that is not theirs nobody hears' eventually kept_back
success anna@pass.test
told_twice() { [ "$(reports_to anna@pass.test)" = 2 ]; }
ok 'of one that is the sender does' eventually told_twice
ok 'nothing is left' eventually nothing_pending
is 'of success the postmaster hears nothing' "$(postmaster '' | grep -c '^[0-9]')" "$suppressed"
is 'and the sender that never was, not either' "$(reports_to bob@fail.test)" 0

# ---- who has proved who he is
ok 'somebody who is logged in writes' submit "$USER1" "$PASS1" "$USER1@$DOMAIN" nobody@dept.test <(printf 'From: <%s>\r\nSubject: x\r\n\r\nHello\r\n' "$USER1@$DOMAIN")
has_report() { pop3 "$USER1" "$PASS1" '' | grep -qc '^3 '; } # after the two that were delivered
ok 'and hears that it failed, whatever SPF says of strangers' eventually has_report
is 'nobody has asked' "$(said "$USER1@$DOMAIN")" ''
ok 'a stranger who says that he is somebody here' send "$USER1@$DOMAIN" nobody@dept.test "$work/mail"
mine() { said "$USER1@$DOMAIN" | grep -q ' domain=sandbox\.test '; }
ok 'is believed as little' eventually mine
suppressed=$((suppressed + 1))
ok 'the postmaster hears of it' eventually has_mail "$suppressed"

# ---- counted
counted() { tool metrics show | sed -n 's/^mailroom_events_total{.*event="report-suppressed".*} //p'; }
is 'all of it is counted' "$(counted)" "$(grep -c ' report-suppressed ' "$box/log")"
is 'as many as there were' "$(counted)" $((suppressed + 1))
# ---- no sender, and more than one recipient: no report
replies=$(python3 - <<SMTP
import smtplib
smtp = smtplib.SMTP("127.0.0.1", $SMTP_PORT, "client.test", timeout=60)
smtp.ehlo()
print(*smtp.mail(""))
print(*smtp.rcpt("$USER1@$DOMAIN"))
print(*smtp.rcpt("$USER2@$DOMAIN"))
SMTP
)
like 'a report has one recipient' "$replies" "^250 b'2\.1\.5 "
like 'and no second one' "$replies" "^550 b'5\.5\.3 "
finish
