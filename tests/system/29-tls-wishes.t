#!/bin/bash
# RFC 8689 and RFC 8460 over the private zone: messages that require TLS, messages that do without, and the report that a domain
# gets on what came of TLS to its hosts.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/authority.sh"
need_root
need_program nsd ldns-signzone python3 openssl

patience=30
make_authority
for each in able unable; do certificate $each mx.$each.test; done
certificate web reports.counted.test mta-sts.beyond.test mta-sts.trial.test
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
options=(--zone --set "relayd.ca-file $work/ca/ca.pem" --set "stsd.port $port" --set 'queued.retry-schedule 1h' --set 'queued.relay-idle 0s')
start_sandbox "${options[@]}"
net=$ZONE_NET
tlsa() { # CERTIFICATE
    echo "3 1 1 $(openssl x509 -in "$1" -noout -pubkey | openssl pkey -pubin -outform DER | openssl dgst -sha256 -r | cut -c 1-64)"
}
mx() { printf '%s. MX %s %s.\n%s. A %s.%s\n' "$1" "$3" "$2" "$2" "$net" "$4"; } # DOMAIN HOST PREFERENCE ADDRESS
{
    mx able.test mx.able.test 10 31
    mx unable.test mx.unable.test 10 32
    mx bare.test mx.bare.test 10 33
    mx strip.test mx.strip.test 10 33
    printf '_25._tcp.mx.strip.test. TLSA 3 1 1 %064d\n' 0
    mx counted.test one.counted.test 10 34
    mx counted.test two.counted.test 20 4
    printf '_25._tcp.one.counted.test. TLSA 3 1 1 %064d\n' 0
    echo "_25._tcp.two.counted.test. TLSA $(tlsa "$box/zone/dane-cert.pem")"
    echo '_smtp._tls.counted.test. TXT "v=TLSRPTv1; rua=https://reports.counted.test/v1,mailto:tls@collector.test"'
    mx collector.test mx.collector.test 10 35
    echo "reports.counted.test. A $net.36"
    mx beyond.test mx.beyond.test 10 32
    mx trial.test mx.trial.test 10 32
    mx gatherer.test mx.gatherer.test 10 37
    for domain in beyond trial; do
        printf '_mta-sts.%s.test. TXT "v=STSv1; id=1;"\nmta-sts.%s.test. A %s.36\n' $domain $domain "$net"
        echo "_smtp._tls.$domain.test. TXT \"v=TLSRPTv1; rua=mailto:$domain@gatherer.test\""
    done
    # of its hosts one has TLSA records whose signatures are wrong, and the other, mx1.good.test, none
    echo '_smtp._tls.danefailed.test. TXT "v=TLSRPTv1; rua=mailto:danefailed@gatherer.test"'
} > "$work/records"
ok 'the zone has the domains of this test' zone_add < "$work/records"

echo '{"tls_extensions": ["PIPELINING", "REQUIRETLS"]}' > "$work/requiretls.script"
start_sink able --listen "$net.31:25" --certificate "$work/ca/able.pem" --key "$work/ca/able.key" --script "$work/requiretls.script"
start_sink unable --listen "$net.32:25" --certificate "$work/ca/unable.pem" --key "$work/ca/unable.key"
start_sink bare --listen "$net.33:25"
start_sink one --listen "$net.34:25" --certificate "$work/ca/able.pem" --key "$work/ca/able.key"
start_sink two --listen "$net.4:25" --certificate "$box/zone/dane-cert.pem" --key "$box/zone/dane-key.pem"
start_sink good --listen "$net.1:25" --certificate "$work/ca/unable.pem" --key "$work/ca/unable.key"
start_sink collector --listen "$net.35:25"
start_sink gatherer --listen "$net.37:25"
mkdir "$work/web"
printf 'version: STSv1\nmode: enforce\nmx: elsewhere.test\nmax_age: 86400\n' > "$work/web/beyond.test"
printf 'version: STSv1\nmode: testing\nmx: mx.trial.test\nmax_age: 86400\n' > "$work/web/trial.test"
"$here/sts_server.py" "$net.36" "$port" "$work/ca/web.pem" "$work/ca/web.key" "$work/web" 2> "$work/web.err" &
sinks+=($!)
# mx.unsigned.test of the sandbox's zone, whose MX record nobody has signed
start_sink unsigned --listen "$net.6:25" --certificate "$work/ca/able.pem" --key "$work/ca/able.key" --script "$work/requiretls.script"

set -a; read_env; set +a
mail_to() { python3 "$here/outbound_mail.py" submit "$@"; } # TO [OPTION...]
at() { find "$work/sink-$1" -name '*.eml' | wc -l; }         # SINK: messages that it has
came() { [ "$(at "$1")" -ge "${2:-1}" ]; }                   # SINK [COUNT]
fact() { tr -d ' \n' < "$work/sink-$1/000001.json"; }        # SINK
number=0
next_report() { # the next message of the first user: sets report
    number=$((number + 1))
    eventually has_message "$number"
    report=$(pop3 "$USER1" "$PASS1" "$number" | python3 "$here/reports.py" show)
}
has_message() { pop3 "$USER1" "$PASS1" "$1" > /dev/null; }

# ---- REQUIRETLS (RFC 8689 2, 4.2.1)
ok 'a message that requires TLS is taken' mail_to a@able.test --mail REQUIRETLS
ok 'and goes to a host that is proved, and supports it' eventually came able
like 'over TLS, and with the wish' "$(fact able)" '"tls":\{.*"sender_parameters":\[[^]]*"REQUIRETLS"'
ok 'to a host that does not support it' mail_to a@unable.test --mail REQUIRETLS
next_report
like 'the sender hears so at once' "$report" '^Status: 5\.7\.30'
like 'for whom' "$report" '^Final-Recipient: rfc822; a@unable\.test'
like 'in words' "$report" '^Words: .*protected connections only'
like 'with the header alone' "$report" '^Third: text/rfc822-headers'
ok 'to a host without TLS' mail_to a@bare.test --mail REQUIRETLS
next_report
like 'the same, as no protection' "$report" '^Status: 5\.7\.10'
ok 'to a domain whose hosts nothing proves' mail_to a@unsigned.test --mail REQUIRETLS
next_report
like 'the same' "$report" '^Status: 5\.7\.10'
is 'and none of these got it' "$(at unable) $(at bare) $(at unsigned)" '0 0 0'
ok 'without the wish they would have' mail_to b@bare.test
ok 'as it is' eventually came bare

# ---- TLS-Required: No (RFC 8689 3, 4.2.2)
ok 'mail for a host with TLSA records that offers no TLS' mail_to a@strip.test
waits() { tool queue destinations | grep -qE '^strip\.test +waiting'; }
ok 'waits' eventually waits
ok 'a message that does without TLS' mail_to b@strip.test --field 'TLS-Required: No'
ok 'goes' eventually came bare 2
like 'with its field' "$(cat "$work/sink-bare/000002.eml")" '^TLS-Required: No'
like 'as a destination of its own' "$(tool queue --tls-optional route b@strip.test)" 'strip\.test\+tls-optional'
ok 'a field that stands twice is none' mail_to c@strip.test --field 'TLS-Required: No' --field 'TLS-Required: No'
ok 'REQUIRETLS outdoes the field' mail_to d@strip.test --mail REQUIRETLS --field 'TLS-Required: No'
next_report
like 'and is reported' "$report" '^Status: 5\.7\.10'
is 'nothing of that went in plaintext' "$(at bare)" 2
waiting_for() { tool queue destinations | grep -qE "^strip\.test +waiting +$1 messages"; }
ok 'it waits with the first' eventually waiting_for 2

# ---- the report on TLS (RFC 8460)
for n in 1 2; do
    mail_to "$n@counted.test"
    eventually came two "$n" > /dev/null
done
is 'two messages reach the second host of a domain' "$(at one) $(at two)" '0 2'
counted() { log_has "relay-connected .*host=two\.counted\.test"; }
ok 'over connections that are logged' eventually counted
mail_to a@beyond.test
ok 'a host that the MTA-STS policy of its domain does not name gets nothing' eventually log_has 'not among the hosts of the MTA-STS policy'
mail_to a@trial.test
ok 'one whose policy is in testing gets it, with a wrong certificate' eventually came unable
mail_to a@danefailed.test
ok 'of two hosts that gets it whose TLSA records are not bogus' eventually came good
ok 'the system stops, and keeps what came of TLS a moment ago' sandbox stop
ok 'the day passes' "$build/tests/state/tls_yesterday" "$box/state/policyd"
ok 'and it starts again' sandbox start "${options[@]}"
read_env
ok 'the domain gets its report by mail' eventually came collector
tlsrpt=$(python3 "$here/outbound_mail.py" tlsrpt "$work/sink-collector/000001.eml" 2>&1)
yesterday=$(date -u -d yesterday +%F)
like 'of the type of RFC 8460' "$tlsrpt" '^Type: multipart/report tlsrpt'
like 'at the address that it names' "$tlsrpt" '^To: .*tls@collector\.test'
like 'about itself' "$tlsrpt" '^TLS-Report-Domain: counted\.test'
like 'by this system' "$tlsrpt" "^TLS-Report-Submitter: mail\.$DOMAIN"
like 'as compressed JSON' "$tlsrpt" '^Parts: text/plain application/tlsrpt\+gzip'
like 'of the day' "$tlsrpt" "^/date-range/start-datetime: ${yesterday}T00:00:00Z"
like 'by the policy that was found' "$tlsrpt" '^/policies/0/policy/policy-type: tlsa'
like 'with both sessions that were protected' "$tlsrpt" '^/policies/0/summary/total-successful-session-count: 2'
like 'and both that failed' "$tlsrpt" '^/policies/0/summary/total-failure-session-count: 2'
like 'why' "$tlsrpt" '^/policies/0/failure-details/0/result-type: certificate-not-trusted'
like 'and at which host' "$tlsrpt" '^/policies/0/failure-details/0/receiving-mx-hostname: one\.counted\.test'
ok 'the mail is logged' eventually log_has 'tls-report domain=counted.test recipient=mailto:tls@collector.test sent=yes'
ok 'the web server gets it too' eventually test -e "$work/web/posted"
like 'posted to its place' "$(head -n 1 "$work/web/posted.header")" '^POST /v1 HTTP/1\.1'
like 'with its type' "$(cat "$work/web/posted.header")" '^Content-Type: application/tlsrpt\+gzip'
like 'by its name' "$(cat "$work/web/posted.header")" "^Host: reports\.counted\.test:$port"
is 'the same report' "$(python3 "$here/outbound_mail.py" posted "$work/web/posted")" "$(grep '^/' <<< "$tlsrpt")"
ok 'which is logged' eventually log_has 'tls-report domain=counted.test recipient=https://reports.counted.test/v1 sent=yes'

# ---- policies that were not kept
gathered() { [ "$(at gatherer)" -ge 3 ]; }
ok 'these domains get their reports' eventually gathered
for file in "$work"/sink-gatherer/*.eml; do python3 "$here/outbound_mail.py" tlsrpt "$file" > "$file.txt" 2>&1; done
on() { cat "$(grep -l "^TLS-Report-Domain: $1" "$work"/sink-gatherer/*.txt)"; } # DOMAIN
for each in 'beyond.test validation-failure' 'trial.test certificate-host-mismatch'; do
    like "${each% *}: by the policy" "$(on "${each% *}")" '^/policies/0/policy/policy-type: sts'
    like 'a failure' "$(on "${each% *}")" '^/policies/0/summary/total-failure-session-count: 1'
    like 'and no success' "$(on "${each% *}")" '^/policies/0/summary/total-successful-session-count: 0'
    like 'why' "$(on "${each% *}")" "^/policies/0/failure-details/0/result-type: ${each#* }"
    like 'and of which host' "$(on "${each% *}")" "^/policies/0/failure-details/0/receiving-mx-hostname: mx\.${each% *}"
done
like 'danefailed.test: bogus TLSA records are a failure' "$(on danefailed.test)" 'result-type: dnssec-invalid'
like 'of their host' "$(on danefailed.test)" 'receiving-mx-hostname: mx\.danefailed\.test'
is 'and one session is a success' "$(on danefailed.test | grep -o 'total-successful-session-count: [1-9]')" 'total-successful-session-count: 1'
finish
