#!/bin/bash
# Mail to other hosts, by relayd: to servers with much and with little to offer, by LMTP, under TLS with a login; to servers that
# misbehave; and the walls around the process of a connection.
. "$(dirname "$0")/lib.sh"
need_program curl openssl

script() { echo "$2" > "$work/$1.script"; start_sink "$1" --script "$work/$1.script" "${@:3}"; } # NAME JSON [OPTION...]
routes=()
route() { routes+=(--set "route $1.test ${2:-smtp} 127.0.0.1:$SINK_PORT ${*:3}"); } # NAME [PROTOCOL [OPTION...]]

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/key.pem" -out "$work/cert.pem" -days 2 \
    -subj /CN=sink.test 2> /dev/null
tls=(--certificate "$work/cert.pem" --key "$work/key.pem")

script bdat '{}'; route bdat
script data '{"extensions": ["PIPELINING", "8BITMIME"]}'; route data
script steps '{"extensions": ["SIZE 1000000"]}'; route steps
script helo '{"rules": [{"at": "ehlo", "reply": "502 5.5.1 What?"}]}'; route helo
script lmtp '{"rules": [{"at": "content", "match": "full@", "reply": "552 5.2.2 Full"}]}' --lmtp; route lmtp lmtp
script tls '{}' "${tls[@]}"; route tls
script login '{"users": {"campus": "sesame"}, "tls_extensions": ["PIPELINING", "AUTH PLAIN"],
    "rules": [{"at": "mail", "auth": false, "reply": "530 5.7.0 Authentication required"}]}' "${tls[@]}"
route login smtp tls=encrypt auth
script tempting '{"users": {"campus": "sesame"}, "tls_extensions": ["AUTH PLAIN LOGIN"]}' "${tls[@]}"
route tempting smtp tls=encrypt
script stranger '{"users": {"campus": "sesame"}, "tls_extensions": ["AUTH PLAIN LOGIN"]}' "${tls[@]}"
route stranger smtp tls=encrypt auth
script smtps '{"users": {"campus": "sesame"}, "extensions": ["AUTH LOGIN"]}' --implicit-tls "${tls[@]}"
route smtps smtps tls=encrypt auth
script plain '{}'; route plain smtp tls=encrypt
script inject '{"rules": [{"at": "starttls", "raw": "220 go\r\n250-evil\r\n250 CHUNKING\r\n"}]}' "${tls[@]}"; route inject
script refuse '{"rules": [{"at": "rcpt", "match": "nobody@", "reply": ["550-5.1.1 There is", "550 5.1.1 no such user"]}]}'; route refuse
script extra '{"rules": [{"at": "rcpt", "reply": ["250 Ok", "250 Ok"], "times": 1, "raw": "250 Ok\r\n250 Ok\r\n"}]}'; route extra
script endless '{"rules": [{"at": "ehlo", "raw": "250-x\r\n", "repeat": 100000}]}'; route endless
script cut '{"cut": {"sent": 190, "connection": 1}}'; route cut
script last '{"extensions": [], "rules": [{"at": "content", "raw": "25", "close": true, "connection": 1}]}'; route last
script drip '{"rules": [{"at": "connect", "drip": 0.5, "times": 1}]}'; route drip
script slow '{"rules": [{"at": "content", "delay": 4}]}'; route slow
routes+=(--set 'route socket.test lmtp unix:inbox')

start_sandbox "${routes[@]}" --set 'queued.retry-schedule 2s' --set 'relayd.greeting-timeout 3s' --set 'log-level debug'
start_sink socket --lmtp --unix "$box/run/relay/inbox"
me=$USER1@$DOMAIN
message 1 | sed "s/^From: .*/From: $me\r\nDate: Sun, 22 Nov 2026 01:02:03 +0000\r/" > "$work/m"
printf '.\r\n..two dots\r\n.\r\n' >> "$work/m"
for each in login.test smtps.test; do tool credential set $each campus --password-stdin <<< sesame > /dev/null; done
post() { submit "$USER1" "$PASS1" "$me" "$1@$2.test" "${3:-$work/m}" "${@:4}"; } # USER NAME [FILE [CURL-OPTION...]]
got() { [ "$(find "$work/sink-$1" -name '*.eml' | wc -l)" -ge "${2:-1}" ] && ! grep -ql '"replies": null' "$work/sink-$1"/*.json; } # NAME [N]
fact() { perl -MJSON::PP -e 'local $/; open my $f, "<", $ARGV[0]; my $v = decode_json(<$f>)->{$ARGV[1]}; print ref $v ? JSON::PP->new->canonical->encode($v) : $v // "null"' "$work/sink-$1/${3:-000001}.json" "$2"; } # NAME KEY [NUMBER]
whole() { cmp <(without_trace < "$work/sink-$1/${2:-000001}.eml") "$work/m"; } # NAME [NUMBER]

# ---- servers with much and with little to offer ----
for each in bdat data steps helo tls lmtp socket; do ok "to $each" post bob $each; done
for each in bdat data steps helo tls lmtp socket; do
    ok "$each has it" eventually got $each
    ok "$each: byte for byte" whole $each
done
is 'CHUNKING is used where it is offered' "$(fact bdat way)" BDAT
is 'and not where it is not' "$(fact data way)" DATA
is 'the envelope' "$(fact bdat sender) $(fact bdat recipients)" "$me [\"bob@bdat.test\"]"
is 'who we say we are' "$(fact bdat helo)" "mail.$DOMAIN"
is 'TLS where it is offered, whatever the certificate' "$(fact tls tls | grep -o TLSv1.3)" TLSv1.3
large=$work/large
{ cat "$work/m"; perl -e 'print ".line of a large message\r\n" x 20000'; } > "$large"
for each in bdat data steps; do
    ok "a large message to $each" post bob $each "$large"
    ok 'arrives' eventually got $each 2
    ok 'byte for byte' cmp <(without_trace < "$work/sink-$each/000002.eml") "$large"
done

# ---- logins ----
ok 'to a route with a login' post bob login
ok 'arrives' eventually got login
is 'after AUTH PLAIN' "$(fact login auth)" campus
ok 'by implicit TLS' post bob smtps
ok 'arrives' eventually got smtps
is 'after AUTH LOGIN' "$(fact smtps auth)" campus
ok 'to a host that offers AUTH, and is on a route without a login' post bob tempting
ok 'arrives' eventually got tempting
is 'without' "$(fact tempting auth)" null
ok 'to a route with a login for which no credentials are kept' post bob stranger
ok 'waits' eventually log_has 'relay-failed .*failure=authentication reason="no credentials are kept for this route"'
ok 'until they are' tool credential set stranger.test campus --password-stdin <<< wrong
ok 'and are right' eventually log_has 'relay-failed .*failure=authentication reason="the far side refuses the login"'
tool credential set stranger.test campus --password-stdin <<< sesame
ok 'and then arrives' eventually got stranger
is 'after a login' "$(fact stranger auth)" campus
like 'which is listed without its password' "$(tool credential list)" '^stranger\.test +smtp:127\.0\.0\.1:[0-9]+ +campus'
unlike 'nowhere' "$(tool credential --json list; cat "$box/log")" sesame
ok 'credentials can be removed' tool credential remove login.test
ok 'the next message on that route' post bob login
waits() { log_has 'destination-waits destination=smtp:127.0.0.1:[0-9]*:encrypt:auth-login.test'; }
ok 'waits for an operator' eventually waits
is 'and has not been sent' "$(find "$work/sink-login" -name '*.eml' | wc -l)" 1
for each in "$work"/sink-*/connection-*.in; do case $each in *login*|*smtps*|*stranger*) continue ;; esac; cat "$each"; done > "$work/others"
unlike 'nobody else was told' "$(cat "$work/others")" 'AUTH|c2VzYW1l|Y2FtcHVz'

# ---- replies and recipients ----
ok 'two recipients, one of them nobody' post bob refuse "$work/m" --mail-rcpt nobody@refuse.test
ok 'the other one gets it' eventually got refuse
is 'alone' "$(fact refuse recipients)" '["bob@refuse.test"]'
ok 'LMTP: a refusal after the content is for one' post ann lmtp "$work/m" --mail-rcpt full@lmtp.test
ok 'arrives' eventually got lmtp 2
is 'for both, and one was refused' "$(fact lmtp replies 000002)" '["250","552"]'

# ---- servers that misbehave ----
ok 'more replies than commands' post bob extra
ok 'are a reason to try again' eventually got extra
ok 'an endless reply' post bob endless
ok 'is cut off' eventually log_has 'relay-failed .*host=127.0.0.1 .*reason="a reply with too many lines"'
ok 'a greeting octet by octet' post bob drip
ok 'has its time as a whole' eventually log_has 'relay-failed .*reason="no reply in time"'
ok 'and the message goes later' eventually got drip
ok 'octets behind the reply to STARTTLS' post bob inject
ok 'end the connection' eventually log_has 'relay-failed .*reason="octets behind the reply to STARTTLS"'
fails 'and are not taken for more' got inject
ok 'a server without the TLS that is required' post bob plain
ok 'is not given the message' eventually log_has 'relay-failed .*failure=tls-unavailable'
fails 'in plaintext' grep -q MAIL "$work"/sink-plain/connection-*.in
ok 'a connection that is cut' post bob cut
ok 'is made again' eventually got cut
ok 'a final reply that is cut' post bob last
ok 'makes the message come again, whole' eventually whole last 000002

# ---- the process of a connection ----
if [ "$(id -u)" = 0 ]; then
    ok 'to a slow server' post bob slow
    relays() { pgrep -P "$(pid_of relayd)"; }
    slow_one() { [ -e "$work/sink-slow/000001.eml" ]; }
    ok 'the content is there' eventually slow_one
    mapfile -t children < <(relays)
    ok 'each connection has its process' [ ${#children[@]} -ge 1 ]
    uids=$(for pid in "${children[@]}"; do awk '$1 == "Uid:" { print $2 }' "/proc/$pid/status"; done)
    is 'under a uid of its own' "$(sort -u <<< "$uids" | wc -l)" "${#children[@]}"
    pool=$("$build/tools/mr-conf" show "$CONFIG" | awk '$1 == "uid-base.login" { print $2 }')
    ok 'of the pool' [ "$(sort -n <<< "$uids" | head -n 1)" -ge "$pool" ]
    pid=${children[0]}
    is 'without capabilities' "$(awk '/^Cap(Eff|Prm|Bnd)/ { print $2 }' "/proc/$pid/status" | sort -u)" \
        "$(printf '0000000000000000\n%s' "$(awk '/^CapBnd/ { print $2 }' "/proc/$pid/status")" | sort -u)"
    is 'behind a filter' "$(awk '/^Seccomp:/ { print $2 }' "/proc/$pid/status")" 2
    is 'below its own root directory' "$(readlink "/proc/$pid/root")" "$(readlink -f "$box/run/relay")"
    is 'with no file open' "$(for fd in "/proc/$pid/fd"/*; do readlink "$fd"; done | grep '^/' | grep -v -e ^/dev/null -e '^/memfd:')" ''
    sockets=$(for fd in "/proc/$pid/fd"/*; do readlink "$fd"; done | grep -c socket:)
    is 'a connection and a channel' "$sockets" 2
fi
ok 'and the slow server has it' eventually got slow
fails 'no process has crashed' log_has 'connection-crashed|peer-misbehaved|fatal'
finish
