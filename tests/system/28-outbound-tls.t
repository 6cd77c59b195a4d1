#!/bin/bash
# TLS to other hosts over the private zone: DANE and MTA-STS, good and bad, and never plaintext where a policy forbids it.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/authority.sh"
need_root
need_program nsd ldns-signzone python3 openssl

# ---- certificates of an authority of our own
mkdir "$work/policies"
make_authority
certificate web mta-sts.good.test mta-sts.wrongname.test mta-sts.plain.test mta-sts.testing.test mta-sts.other.test
certificate mx1 mx1.good.test

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
start_sandbox --zone --set "relayd.ca-file $work/ca/ca.pem" --set "stsd.port $port" --set 'dnsd.timeout 5s' \
    --set 'queued.retry-schedule 1h'
net=$ZONE_NET

domain_with_sts() { # DOMAIN MODE HOST: a domain with one host, at $net.N, and a policy that names HOST
    local domain=$1 mode=$2 host=$3 address=$4
    printf '%s. MX 10 mx.%s.\nmx.%s. A %s.%s\n_mta-sts.%s. TXT "v=STSv1; id=1;"\nmta-sts.%s. A %s.9\n' \
        "$domain" "$domain" "$domain" "$net" "$address" "$domain" "$domain" "$net"
    printf 'version: STSv1\r\nmode: %s\r\nmx: %s\r\nmax_age: 86400\r\n' "$mode" "$host" > "$work/policies/$domain"
}
{
    domain_with_sts wrongname.test enforce mx.wrongname.test 21
    domain_with_sts plain.test enforce mx.plain.test 22
    domain_with_sts testing.test testing mx.testing.test 22
    domain_with_sts other.test enforce elsewhere.test 21
    echo "mta-sts.good.test. A $net.9"
    printf 'strip.test. MX 10 mx.strip.test.\nmx.strip.test. A %s.22\n_25._tcp.mx.strip.test. TLSA 3 1 1 %064d\n' "$net" 0
} > "$work/records"
ok 'the zone has the domains of this test' zone_add < "$work/records"
printf 'version: STSv1\nmode: enforce\nmx: mx1.good.test\nmax_age: 86400\n' > "$work/policies/good.test"
"$here/sts_server.py" "$net.9" "$port" "$work/ca/web.pem" "$work/ca/web.key" "$work/policies" 2> "$work/web.err" &
sinks+=($!)

start_sink dane --listen "$net.4:25" --certificate "$box/zone/dane-cert.pem" --key "$box/zone/dane-key.pem"
# mx.daneout.test is an alias of mx.unsigned.test, whose addresses nobody has signed; of the alias there are TLSA records.
start_sink alias --listen "$net.6:25" --certificate "$box/zone/dane-cert.pem" --key "$box/zone/dane-key.pem"
start_sink good --listen "$net.1:25" --certificate "$work/ca/mx1.pem" --key "$work/ca/mx1.key"
start_sink other --listen "$net.21:25" --certificate "$work/ca/mx1.pem" --key "$work/ca/mx1.key"
start_sink plain --listen "$net.22:25"

message 1 | sed "s/sender@client.test/$USER1@$DOMAIN/" > "$work/m"
mail_to() { submit "$USER1" "$PASS1" "$USER1@$DOMAIN" "$1" "$work/m"; }
taken() { # SINK TO: how the message for that recipient came
    grep -lF "\"$2\"" "$work/sink-$1"/*.json 2> /dev/null | head -n 1 | xargs -r python3 -c '
import json, sys
tls = json.load(open(sys.argv[1]))["tls"]
print("tls" if tls else "plaintext")'
}
came() { [ -n "$(taken "$@")" ]; }
said_of() { grep -F "$1" "$box/log"; }

# ---- DANE (RFC 7672)
ok 'mail for a domain with DANE is taken' mail_to a@dane.test
ok 'and arrives' eventually came dane a@dane.test
is 'over TLS' "$(taken dane a@dane.test)" tls
ok 'TLSA of another key' mail_to a@daneother.test
ok 'is a failure' eventually log_has 'mx.daneother.test.*certificate-not-trusted'
ok 'a host with DANE that offers no TLS' mail_to a@strip.test
ok 'is a failure too' eventually log_has 'mx.strip.test'

ok 'TLSA of a secure alias of an insecure host' mail_to a@daneout.test
ok 'count' eventually came alias a@daneout.test
ok 'for the certificate' eventually log_has 'relay-connected .*host=mx\.daneout\.test .*verified=yes'

# ---- MTA-STS (RFC 8461)
ok 'mail for a domain with MTA-STS is taken' mail_to a@good.test
ok 'and arrives' eventually came good a@good.test
is 'over TLS' "$(taken good a@good.test)" tls
ok 'the policy was fetched, and is logged' eventually log_has 'sts-policy.*domain=good.test.*mode=enforce'
ok 'a certificate for another name' mail_to a@wrongname.test
ok 'is a failure' eventually log_has 'mx.wrongname.test.*certificate-host-mismatch'
ok 'a host that offers no TLS' mail_to a@plain.test
ok 'is a failure too' eventually log_has 'mx.plain.test'
ok 'a host that the policy does not name' mail_to a@other.test
ok 'is not used' eventually log_has 'other.test.*not among the hosts of the MTA-STS policy'
ok 'mode testing' mail_to a@testing.test
ok 'keeps no mail back' eventually came plain a@testing.test
is 'which goes in plaintext, as without a policy' "$(taken plain a@testing.test)" plaintext

# ---- what must never have happened
is 'what could not be proved waits' "$(pending)" 5
is 'nothing but that message came in plaintext' "$(find "$work/sink-plain" -name '*.eml' | wc -l)" 1
is 'nothing came to a host with a wrong certificate' "$(find "$work/sink-other" -name '*.eml' | wc -l)" 0
is 'nor for TLSA of another key' "$(find "$work/sink-dane" -name '*.eml' | wc -l)" 1
is 'no envelope was said there' "$(grep -laE 'MAIL FROM' "$work"/sink-plain/connection-*.in | wc -l)" 1

# ---- a policy that is kept counts without web server and DNS record
is 'each policy was fetched once' "$(sort "$work/policies/asked" | uniq -d)" ''
kill "${sinks[0]}"
old=$(pid_of policyd)
kill -KILL "$old"
policyd_is_new() { local pid; pid=$(pid_of policyd) && [ "$pid" != "$old" ]; }
ok 'policyd is started afresh' eventually policyd_is_new
ok 'mail for the domain is taken' eventually mail_to b@good.test
ok 'and arrives' eventually came good b@good.test
is 'over TLS' "$(taken good b@good.test)" tls
finish
