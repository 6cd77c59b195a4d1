#!/bin/bash
# B6, C1: mail for elsewhere reaches other people's mail servers: found by MX in a signed zone, over the safest transport they
# offer, stored while they are away, once.  Postfix, OpenSMTPD and smtp-sink at the far end.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/foreign.sh"
need_root
have_postfix || skip_all "needs Postfix"

relay_port=$(perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(LocalAddr => "127.0.0.1", Listen => 1)->sockport')
start_sandbox --zone --set 'queued.retry-schedule 1s' --set "listen smtp relay 127.0.0.1:$relay_port starttls" \
    --set 'relay-domain campus.test' --set 'route campus.test smtp mx1.good.test'
net=$ZONE_NET
dane=$box/zone
patience=20
submit_to() { # RECIPIENT
    sed -i "s/^From: .*/From: <$USER1@$DOMAIN>\r/" "$work/m"
    submit "$USER1" "$PASS1" "$USER1@$DOMAIN" "$1" "$work/m"
}
one_has() { grep -lF -- "$2" $(mail_at "$1") 2> /dev/null | wc -l; }        # NAME TEXT: how many messages hold it

# ---- stored while nobody answers, forwarded once somebody does
message waiting > "$work/m"
ok 'B6: mail for a domain whose host does not answer is taken' submit_to first@good.test
is 'and kept' "$(pending)" 1
start_postfix postfix good.test two.test campus.test dane.test daneother.test danefailed.test -- "$net.1" "$net.4=$dane/dane-cert.pem,$dane/dane-key.pem"
ok 'once Postfix is there, it has it' eventually has_mail_at postfix 1
ok 'and it is done' eventually nothing_pending
like 'the content is what was sent' "$(mail_at postfix | xargs cat | tr -d '\r')" 'This is message waiting'

# ---- STARTTLS, where it is offered
like 'it came over TLS 1.3' "$(mail_at postfix | xargs cat | grep -A3 'using TLS')" 'TLSv1\.3'

# ---- DANE (RFC 7672): the certificate is that of the TLSA record, or nothing is sent
message dane > "$work/m"
ok 'B6: mail for a host with DANE' submit_to user@dane.test
ok 'arrives' eventually has_mail_at postfix 2
like 'over TLS' "$(grep -lF 'message dane' $(mail_at postfix) | xargs grep -h 'using TLS')" 'TLSv1\.[23]'
message other > "$work/m"
ok 'mail for a host whose certificate is another' submit_to user@daneother.test
message failed > "$work/m"
ok 'mail for a domain of which one host has bogus TLSA records' submit_to user@danefailed.test
ok 'goes to its other host' eventually has_mail_at postfix 3
like 'which is not the first' "$(grep -lF 'message failed' $(mail_at postfix) | wc -l)" '^1$'
sleep 2
is 'the other stays in the queue' "$(pending)" 1
is 'and reaches nobody' "$(one_has postfix 'message other')" 0
tool queue remove --all > /dev/null 2>&1

# ---- C1: anybody may send to the listed domains, each with its route, and nowhere else
message device > "$work/m"
relay() { curl_mail --url "smtp://127.0.0.1:$relay_port/copier.test" --mail-from copier@campus.test --mail-rcpt "$1" -T "$work/m"; }
ok 'C1: a client without login sends to a listed domain' relay staff@campus.test
ok 'over its route' eventually has_mail_at postfix 4
fails 'and to no other' relay user@good.test

# ---- put off by the far side, as by greylisting
message later > "$work/m"
ok 'B6: mail that Postfix puts off' submit_to later-user@good.test
ok 'waits' eventually log_has 'message-deferred .*450 4\.7\.1 .*Come again'
ok 'until Postfix would take it' postfix_puts_off_nobody postfix
ok 'and arrives' eventually has_mail_at postfix 5
is 'once' "$(one_has postfix 'message later')" 1

# ---- the second of two hosts takes at once what the first cannot
start_sink shut --listen "$net.7:25" --script <(echo '{"rules":[{"at":"mail","reply":"452 4.3.1 No space"}]}')
ok 'a domain has a host without space before Postfix' zone_add << END
two.test. MX 10 shut.two.test.
two.test. MX 20 mx1.good.test.
shut.two.test. A $net.7
END
message second > "$work/m"
ok 'B6: mail for it' submit_to user@two.test
ok 'arrives' eventually has_mail_at postfix 6
is 'in its first attempt' "$(grep -c 'message-deferred .*No space' "$box/log")" 0

# ---- refused by the far side: the sender gets a report (RFC 3464)
message refused > "$work/m"
ok 'mail that Postfix refuses' submit_to no-body@good.test
ok 'comes back to its sender as a report' eventually delivered "$USER1" "$PASS1" 1
report=$(pop3 "$USER1" "$PASS1" 1)
like 'of the kind of RFC 6522' "$report" 'multipart/report'
like 'with what the far side said' "$report" '550'
like 'and for whom' "$report" 'no-body@good\.test'

# ---- domains that can never get mail
message null > "$work/m"
submit_to user@null.test > /dev/null 2>&1
submit_to user@absent.test > /dev/null 2>&1
ok 'B6: a domain with the null MX and one that is not there: two reports' eventually delivered "$USER1" "$PASS1" 3
ok 'and nothing is left in the queue' eventually nothing_pending

# ---- OpenSMTPD, without TLS, as an implicit MX
if have_opensmtpd && start_opensmtpd opensmtpd implicit.test -- "$net.3"; then
    message plain > "$work/m"
    ok 'B6: mail for a domain without MX, at OpenSMTPD' submit_to user@implicit.test
    ok 'arrives' eventually has_mail_at opensmtpd 1
    like 'with its content' "$(mail_at opensmtpd | xargs cat)" 'This is message plain'
else
    skip 'mail to OpenSMTPD' 'its package cannot be had'
fi

# ---- many, once each
start_smtp_sink sink "$net.2"
echo "sink.test. MX 10 mx2.good.test." | zone_add
for i in $(seq 40); do message "many-$i" > "$work/m"; submit_to "user$i@sink.test"; done
ok '40 messages leave the queue' eventually nothing_pending
cat "$foreign/sink/"* > "$work/sunk"
is 'and the sink has each once' "$(grep -c '^Subject: message many-' "$work/sunk") $(grep '^Subject: message many-' "$work/sunk" | sort -u | wc -l)" '40 40'
finish
