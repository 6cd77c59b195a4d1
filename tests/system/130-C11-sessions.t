#!/bin/bash
# C11: "why is my copier refused?"  What mr-access explain says of HELO, TLS and login is what the server answers to that client.
. "$(dirname "$0")/lib.sh"
. "$here/outgoing.sh"
. "$here/devices.sh"
need_program swaks nsd ldns-signzone python3 openssl
export OPENSSL_CONF=/dev/null # a client of 2008 has no distribution's rules

mkdir -p "$work/rsa"; chmod 755 "$work/rsa"
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$work/rsa/key.pem" -out "$work/rsa/cert.pem" -subj /CN=localhost -days 2 \
    -addext subjectAltName=DNS:localhost 2> /dev/null
chmod 600 "$work/rsa/key.pem"
lenient=$(perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(LocalAddr => "127.0.0.1", Listen => 1)->sockport')
start_relay --set "certificate localhost $work/rsa/cert.pem $work/rsa/key.pem" --set 'policyd.device-old-tls yes' \
    --set "listen smtp relay 127.0.0.1:$lenient starttls tls-min=1.0 old-ciphers any-helo" --set 'authd.failure-delay 0s'
STRANGER=$ZONE_NET.16 OLD=$ZONE_NET.10 NEW=$ZONE_NET.11 AWAY=127.0.5.5
P=smtp-relay/lab7.example.edu
register old --dns-name client10.test --from "$office" --quirk any-helo --quirk tls-min=1.0 --quirk old-ciphers
register new --dns-name client11.test --from "$office"
register lab7 --principal "$P" --from "$office"
set_password lab7 "$P"
ok 'an account may not send' tool account services "$USER2" pop,imap

# ---- the server's answer: its first refusal, or that to RCPT; where the handshake fails, what the log says of it ----
answer() { # IP PORT SWAKS-OPTION...
    local ip=$1 port=$2 said; shift 2
    failures=$(grep -c ' tls-failed ' "$box/log")
    said=$(swaks --server "127.0.0.1:$port" --local-interface "$ip" --timeout "$patience" --quit-after RCPT --to "$FAR" --helo client.test "$@" 2>&1)
    if grep -q 'TLS startup failed' <<< "$said"; then
        eventually failed_again
        sed -nE 's/.* tls-failed .*reason="?([^;"]*).*/\1/p' "$box/log" | tail -n 1
    else
        sed -nE 's/^<[-~*]+ *([245][0-9][0-9] .*)/\1/p' <<< "$said" |
            awk '/^221/ { next } /^[45]/ && bad == "" { bad = $0 } { last = $0 } END { print bad != "" ? bad : last }'
    fi
}
failed_again() { [ "$(grep -c ' tls-failed ' "$box/log")" -gt "$failures" ]; }
explained() { # IP CLASS OPTION...
    local ip=$1 class=$2; shift 2
    tool access explain --listener "$class" --client "$ip" --to "$FAR" "$@" > "$work/explanation" 2>&1
    head -n 1 "$work/explanation" | sed -E 's/^(not )?accepted: //; s/; its suites:.*//'
}
same() { # DESCRIPTION IP CLASS PORT EXPECTED SWAKS-OPTION... -- EXPLAIN-OPTION...
    local what=$1 ip=$2 class=$3 port=$4 expected=$5 options=(); shift 5
    while [ "$1" != -- ]; do options+=("$1"); shift; done
    shift
    answered=$(answer "$ip" "$port" "${options[@]}")
    like "$what" "$answered" "$expected"
    is "... as explained" "$(explained "$ip" "$class" --port "$port" "$@")" "$answered"
}
by_tls() { echo --tls --tls-protocol "$1" --tls-cipher ALL:@SECLEVEL=0; } # PROTOCOL

# ---- the name in EHLO ----
new=(--from "$office")
same 'a device that speaks as it should' "$NEW" relay "$RELAY_PORT" '^250 2\.1\.5 ' "${new[@]}" -- "${new[@]}" --helo client.test
same 'one without a name' "$NEW" relay "$RELAY_PORT" '^501 5\.5\.4 ' "${new[@]}" --helo '(none) !' -- "${new[@]}" --helo '(none) !'
like 'is told what it lacks' "$(cat "$work/explanation")" '^ +helo +bad +"\(none\) !": no name, and neither listener nor device has any-helo'
same 'one that is forgiven' "$OLD" relay "$RELAY_PORT" '^250 2\.1\.5 ' "${new[@]}" --helo '(none) !' -- "${new[@]}" --helo '(none) !'
like 'by its registration' "$(cat "$work/explanation")" '^ +helo +good +.*it is forgiven the device \(any-helo\)'
same 'the port that forgives it everybody' "$STRANGER" relay "$lenient" '^550 5\.7\.25 ' "${new[@]}" --helo '(none) !' -- "${new[@]}" --helo '(none) !'
like 'by its listener' "$(cat "$work/explanation")" '^ +helo +good +.*the listener forgives it \(any-helo\)'

# ---- TLS ----
# shellcheck disable=SC2046
for version in tlsv1:1.0 tlsv1_1:1.1 tlsv1_2:1.2 tlsv1_3:1.3; do
    want='^client offers at most TLS 1\.[01], needed is TLS 1\.2'
    case $version in *:1.[23]) want='^250 2\.1\.5 ' ;; esac
    same "a new device with ${version#*:}" "$NEW" relay "$RELAY_PORT" "$want" "${new[@]}" $(by_tls "${version%:*}") -- "${new[@]}" --tls "${version#*:}"
    same "an old device with ${version#*:}" "$OLD" relay "$RELAY_PORT" '^250 2\.1\.5 ' "${new[@]}" $(by_tls "${version%:*}") -- "${new[@]}" --tls "${version#*:}"
    same "anybody with ${version#*:}, where that is forgiven" "$STRANGER" relay "$lenient" '^550 5\.7\.25 ' "${new[@]}" $(by_tls "${version%:*}") -- \
        "${new[@]}" --tls "${version#*:}"
done
explained "$OLD" relay "${new[@]}" --port "$RELAY_PORT" --tls 1.0 > "$work/out"
like 'the facts say who forgives' "$(cat "$work/explanation")" \
    '^ +tls +TLSv1 +client: at most TLS 1\.0; oldest taken here: TLS 1\.0, old ciphers too, by the device'
device suspend old --why test
# shellcheck disable=SC2046
same 'an old device that is suspended' "$OLD" relay "$RELAY_PORT" '^client offers at most TLS 1\.0, needed' "${new[@]}" $(by_tls tlsv1) -- "${new[@]}" --tls 1.0
same 'and without TLS' "$OLD" relay "$RELAY_PORT" '^550 5\.7\.1 This device is suspended' "${new[@]}" -- "${new[@]}" --tls none
me=$USER1@$DOMAIN
# shellcheck disable=SC2046
same 'a port with TLS from the start' "$AWAY" submission "$SMTPS_PORT" '^client offers at most TLS 1\.1' --from "$me" --tls-on-connect \
    $(by_tls tlsv1_1 | sed 's/--tls //') -- --from "$me" --login "$USER1" --tls 1.1

# ---- logins ----
as() { echo --auth PLAIN --auth-user "$1" --auth-password "$2"; }
# shellcheck disable=SC2046
{
same 'a principal' "$STRANGER" relay "$RELAY_PORT" '^250 2\.1\.5 ' "${new[@]}" --tls $(as "$P" "$SECRET") -- "${new[@]}" --login "$P" --tls 1.3
same 'an account' "$AWAY" submission "$SMTPS_PORT" '^250 2\.1\.5 ' --from "$me" --tls-on-connect $(as "$USER1" "$PASS1") -- --from "$me" --login "$USER1" --tls 1.3
same 'an account without submission' "$AWAY" submission "$SMTPS_PORT" '^535 5\.7\.1 ' --from "$me" --tls-on-connect $(as "$USER2" "$PASS2") -- \
    --from "$me" --login "$USER2" --tls 1.3
}
same 'nobody' "$AWAY" submission "$SMTPS_PORT" '^530 5\.7\.0 Log in first' --from "$me" --tls-on-connect -- --from "$me" --tls 1.3
same 'a stranger at the outgoing server' "$AWAY" outgoing "$OUTGOING_PORT" '^550 5\.7\.1 .*check your mail first' --from "$me" --tls -- --from "$me" --tls 1.3
# shellcheck disable=SC2046
{
for to in "$FAR" 'x@' '<x' '@one.test:x@far.test'; do
    same "an account with another's address, to $to" "$AWAY" submission "$SMTPS_PORT" '^550 5\.7\.1 The sender must be' --from "$USER2@$DOMAIN" \
        --to "$to" --tls-on-connect $(as "$USER1" "$PASS1") -- --from "$USER2@$DOMAIN" --to "$to" --login "$USER1" --tls 1.3
done
like 'by the rule that says so' "$(cat "$work/explanation")" '^rule +sender-not-own'
same 'its own, to what is no address' "$AWAY" submission "$SMTPS_PORT" '^501 5\.[15]\.[34] ' --from "$me" --to 'x@' --tls-on-connect \
    $(as "$USER1" "$PASS1") -- --from "$me" --to 'x@' --login "$USER1" --tls 1.3
same 'by way of others' "$AWAY" submission "$SMTPS_PORT" '^250 2\.1\.5 ' --from "$me" --to '@one.test:x@far.test' --tls-on-connect \
    $(as "$USER1" "$PASS1") -- --from "$me" --to '@one.test:x@far.test' --login "$USER1" --tls 1.3
}
unencrypted() { printf 'EHLO c.test\nAUTH PLAIN %s\nQUIT\n' "$(printf '\0%s\0%s' "$P" "$SECRET" | base64 -w0)" | converse "$1" | grep '^5' | tr -d '\r'; }
is 'a principal that knows no TLS' "$(explained "$STRANGER" relay "${new[@]}" --port "$lenient" --login "$P" --tls none)" "$(unencrypted "$lenient")"
like 'is told to begin TLS' "$(cat "$work/explanation")" '530 5\.7\.0 .*STARTTLS'
like 'since logins need it' "$(cat "$work/explanation")" '^ +auth +not offered +only with TLS'
is 'a login at the mx' "$(explained "$AWAY" mx --from "$me" --login "$USER1" --tls 1.3)" "$(unencrypted "$SMTP_PORT")"

# ---- and the rest ----
fails 'two listeners that would answer differently must be told apart' tool access explain --listener relay --client "$NEW" --to "$FAR" "${new[@]}" --tls 1.0
ok 'those that would not need not' tool access explain --listener relay --client "$NEW" --to "$FAR" "${new[@]}" --tls 1.2
is 'as JSON' "$(tool access --json explain --listener relay --client "$NEW" --to "$FAR" "${new[@]}" --port "$RELAY_PORT" --helo '' | python3 -c 'import json,sys
said = json.load(sys.stdin); print(said["code"], said["rule"], said["accepted"], [f["value"] for f in said["facts"] if f["fact"] == "helo"])')" "501 helo False ['bad']"
fails 'a version that is none' tool access explain --listener mx --client "$AWAY" --to "$FAR" "${new[@]}" --tls 2.0
fails 'a port where nobody listens' tool access explain --listener mx --client "$AWAY" --to "$FAR" "${new[@]}" --port 1
finish
