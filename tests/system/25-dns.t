#!/bin/bash
# dnsd against the private zone of mr-sandbox --zone: answers, mail hosts, DANE and the states of validation.
. "$(dirname "$0")/lib.sh"
need_program nsd ldns-signzone drill

start_sandbox --zone --set 'dnsd.timeout 5s'
dns_ask=$build/tests/dns/dns_ask
ask() { printf '%s\n' "$@" | "$dns_ask" "$CONFIG" 2> "$work/ask.err" || { echo "dns_ask failed"; cat "$work/ask.err"; }; }
net=$ZONE_NET

# ---- single lookups, with the state of validation
is 'MX, secure, by preference' "$(ask 'mx Good.TEST')" 'answer secure canonical=good.test [10 mx1.good.test, 20 mx2.good.test]'
is 'an address' "$(ask 'a mx1.good.test')" "answer secure canonical=mx1.good.test [$net.1]"
is 'an IPv6 address' "$(ask 'aaaa mx.both.test')" 'answer secure canonical=mx.both.test [2001:db8::25]'
is 'an alias' "$(ask 'mx alias.test')" 'answer secure canonical=good.test [10 mx1.good.test, 20 mx2.good.test]'
is 'no data' "$(ask 'mx nodata.test')" 'no data secure canonical=nodata.test []'
is 'no domain' "$(ask 'mx absent.test')" 'no such domain secure canonical=absent.test []'
is 'the null MX' "$(ask 'mx null.test')" 'answer secure canonical=null.test [0 .]'
is 'texts' "$(ask 'txt _mta-sts.good.test' | grep -o '"[^"]*"' | sort | xargs -d '\n')" \
    '"something else" "v=STSv1; id=20261122;"'
is 'a text of 3000 octets, over TCP' "$(ask 'txt long.test' | tr -cd 0 | wc -c)" 2986
is 'an unsigned zone is insecure' "$(ask 'mx unsigned.test')" 'answer insecure canonical=unsigned.test [10 mx.unsigned.test]'
like 'a record that was changed is bogus' "$(ask 'mx bogus.test')" '^lookup failed insecure .*bogus: .*signature'
like 'an expired signature is bogus' "$(ask 'mx expired.test')" '^lookup failed insecure .*bogus: .*expired'
like 'no server answers' "$(ask 'mx broken.test')" '^lookup failed .*(no answer in time|no usable answer)'
like 'a circle of aliases' "$(ask 'a one.circle.test')" '^lookup failed'
is 'of 300 MX the best 100 are taken' "$(ask 'mx many.test' | grep -o 'host[0-9]*\.many' | wc -l)" 100
is 'what is not a name' "$(ask 'a a..b' 'mx -x_.!')" 'no such domain insecure canonical= [] not a domain name
no such domain insecure canonical= [] not a domain name'

# ---- names of clients
is 'the name of an address' "$(ask "names $net.10")" "answer secure canonical=$(awk -F. '{ print "10." $3 "." $2 "." $1 }' <<< "$net").in-addr.arpa [client10.test]"
is 'two names' "$(ask "names $net.11" | grep -oE '(client|other)11' | sort | xargs)" 'client11 other11'
like 'an alias in the reverse zone' "$(ask "names $net.13")" 'canonical=13\.clients\..* \[client13\.test\]'
like 'no name' "$(ask "names $net.99")" '^no such domain secure'
like 'a name with an LF in it is no name' "$(ask "names $net.15")" '^lookup failed .*no record with a host name'
like 'no name of an IPv6 address' "$(ask 'names 2001:db8::1')" '^no such domain'

# ---- mail hosts: RFC 5321 5.1, RFC 7505
hosts() { ask "hosts $1"; }
is 'hosts of a domain' "$(hosts good.test | sed 's/ sts=answer.*//')" "answer secure
  10 mx1.good.test answer secure canonical=mx1.good.test [$net.1] tlsa=no data base= []
  20 mx2.good.test answer secure canonical=mx2.good.test [$net.2] tlsa=no data base= []"
like 'with the label of MTA-STS' "$(hosts good.test)" 'sts=answer \[.*v=STSv1; id=20261122;'
is 'a domain that takes no mail' "$(hosts null.test)" 'answer secure null-mx sts=no such domain []'
like 'the null MX beside another' "$(hosts nullmixed.test | tail -n 1)" '^  10 mx1.good.test answer'
is 'no MX' "$(hosts implicit.test)" "answer secure implicit sts=no such domain []
  0 implicit.test answer secure canonical=implicit.test [$net.3] tlsa=no data base= []"
like 'no MX, alias' "$(hosts implicitalias.test | tail -n 1)" "canonical=implicit.test \[$net.3\]"
like 'neither MX nor address' "$(hosts nodata.test)" '^no data secure implicit'
is 'no such domain' "$(hosts absent.test)" 'no such domain secure sts=no such domain []'
like 'a host without address' "$(hosts noaddress.test | tail -n 1)" '10 host.noaddress.test no data'
like 'a host that is not there' "$(hosts nohost.test | tail -n 1)" '10 absent.nohost.test no such domain'
like 'a bogus host beside a good one' "$(hosts bogushost.test)" '10 mx.bogushost.test lookup failed .*bogus'
like 'and the good one' "$(hosts bogushost.test)" '20 mx1.good.test answer secure'
like 'bogus MX: try again later' "$(hosts bogus.test)" '^lookup failed insecure .*bogus'
is 'of 300 hosts the best 20' "$(hosts many.test | grep -c '^  ')" 20
is 'of 60 addresses 20' "$(ask 'fixed manyaddresses.test 25' | grep -o '192\.0\.2\.' | wc -l)" 20

# ---- DANE: RFC 7672 2.2
tlsa=$(sed -n 's/^_25._tcp.mx.dane.test. *TLSA *//p' "$box/zone/base")
like 'TLSA of a host' "$(hosts dane.test | tail -n 1)" "tlsa=answer base=mx.dane.test \[$tlsa\]"
like 'unusable ones are shown too' "$(hosts daneunusable.test | tail -n 1)" 'tlsa=answer base=mx.daneunusable.test \[0 0 1 0+\]'
like 'of a secure alias: behind it' "$(hosts danealias.test | tail -n 1)" "mx.danealias.test answer secure canonical=mx.dane.test .* base=mx.dane.test \[$tlsa\]"
like 'of a secure alias without TLSA behind it: its own' "$(hosts daneown.test | tail -n 1)" "base=mx.daneown.test \[$tlsa\]"
like 'of a secure alias to an insecure host: its own' "$(hosts daneout.test | tail -n 1)" "insecure canonical=mx.unsigned.test .* base=mx.daneout.test \[$tlsa\]"
like 'of an insecure host: none, though it has one' "$(hosts unsigned.test | tail -n 1)" 'insecure .* tlsa=no data base= \[\]'
like 'bogus TLSA: the host is not to be used' "$(hosts danefailed.test)" '10 mx.danefailed.test answer secure .* tlsa=lookup failed .*bogus'
like 'the next host is' "$(hosts danefailed.test | tail -n 1)" '20 mx1.good.test answer secure .* tlsa=no data'
like 'at another port' "$(ask 'fixed mx.dane.test 587')" 'tlsa=no data'

# ---- many questions at once, answered each
many=$(for i in $(seq 300); do echo "hosts good.test"; echo "a h$i.absent.test"; done)
is '600 questions at once' "$(ask "$many" | grep -cE '^(answer|no such domain)')" 600

# ---- what a test adds
ok 'records are added' zone_add <<< 'added.test. MX 5 mx1.good.test.'
is 'and found' "$(ask 'mx added.test')" 'answer secure canonical=added.test [5 mx1.good.test]'
fails 'what is no record is refused' zone_add <<< 'garbage ('
is 'and the zone stays' "$(ask 'mx added.test')" 'answer secure canonical=added.test [5 mx1.good.test]'

# ---- the system's own dnsd
old=$(pid_of dnsd)
ok 'dnsd runs' alive "$old"
kill -KILL "$old"
ok 'killed, it is started afresh' eventually sh -c "! kill -0 $old && pgrep -P $PID -x dnsd"
message 1 > "$work/m"
ok 'mail goes in meanwhile' send a@client.test "$USER1@$DOMAIN" "$work/m"

# ---- without a zone nothing is asked of the Internet
sandbox stop
is 'the name server has gone' "$(pgrep -f "$box/zone/nsd.conf")" ''
start_sandbox --set 'dnsd.timeout 5s'
like 'without a zone lookups fail' "$(ask 'mx example.org')" '^lookup failed'
finish
