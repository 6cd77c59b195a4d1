#!/bin/bash
# Outbound connections that are cut within TLS, by a network between us and the far side: at the end of each TLS record and at four
# places within it, in both directions; with STARTTLS of a fixed route, and with DANE; by close and by reset.  FULL=1 (tests/run
# --long) cuts those with STARTTLS at every octet.  What was accepted arrives, over TLS; it comes twice only where the far side had all
# of the content and its final reply was cut.
. "$(dirname "$0")/lib.sh"
need_root
need_program python3 nsd ldns-signzone openssl

dane_cases=190 # at most, as there are addresses
places=some
[ -z "${FULL:-}" ] || { places=all; patience=900; }
start_sandbox --zone --set 'queued.retry-schedule 1s' --set 'queued.relay-idle 0s'
net=$ZONE_NET
set -a; read_env; set +a
proxy() { python3 "$here/cut_proxy.py" "$@"; }
start_proxy() { # NAME ADDRESS:PORT...: before the sink of that name
    local name=$1; shift
    python3 "$here/cut_proxy.py" listen "127.0.0.1:$SINK_PORT" "$work/proxy-$name" "$@" 9>&- &
    sinks+=($!)
    eventually test -s "$work/proxy-$name/port" > /dev/null
}
start_sink open --certificate "$box/zone/dane-cert.pem" --key "$box/zone/dane-key.pem"
open_dir=$SINK_DIR
start_proxy open 0.0.0.0:0
start_sink dane --certificate "$box/zone/dane-cert.pem" --key "$box/zone/dane-key.pem"
dane_dir=$SINK_DIR
# shellcheck disable=SC2046
start_proxy dane $(seq -f "$net.%g:25" 50 $((50 + dane_cases)))
cuts() { python3 "$here/cuts.py" "$@"; }
routes() { # COUNT
    local n port
    port=$(cat "$work/proxy-open/port")
    for n in $(seq 0 "$1"); do printf 'route c%04d.open.test smtp 127.66.%d.%d:%s tls=encrypt\n' "$n" $((n / 256)) $((n % 256)) "$port"; done
    printf 'route c9999.open.test smtp 127.66.255.254:%s tls=encrypt\n' "$port"
}
tlsa=$(openssl x509 -in "$box/zone/dane-cert.pem" -noout -pubkey | openssl pkey -pubin -outform DER | openssl dgst -sha256 -r | cut -c 1-64)
host() { # NUMBER ADDRESS: of two domains, one for each way to cut
    printf 'c%s.dane.test. MX 10 mx.c%s.dane.test.\nc%s.reset.test. MX 10 mx.c%s.dane.test.\n' "$1" "$1" "$1" "$1"
    printf 'mx.c%s.dane.test. A %s\n_25._tcp.mx.c%s.dane.test. TLSA 3 1 1 %s\n' "$1" "$2" "$1" "$tlsa"
}
{
    host 9999 "$net.50"
    for n in $(seq 0 $((dane_cases - 1))); do host "$(printf %04d "$n")" "$net.$((n + 51))"; done
} > "$work/records"
ok 'the zone has the domains of this test' zone_add < "$work/records"
reload_with() { # COUNT: routes for so many cases
    local before
    before=$(grep -c ' reload-done ' "$box/log")
    sed -i '/^route c/d' "$CONFIG"
    routes "$1" >> "$CONFIG"
    kill -HUP "$PID"
    reloaded() { [ "$(grep -c ' reload-done ' "$box/log")" -gt "$before" ]; }
    eventually reloaded
}

# ---- dialogues that are not cut
ok 'routes' reload_with 0
for each in open dane; do ok "a whole dialogue, $each" cuts submit "$each" 9999 9999; done
has_whole() { grep -qs '"passed": \[\[' "$work/proxy-open"/*.json && grep -qs '"passed": \[\[' "$work/proxy-dane"/*.json; }
ok 'goes through' eventually has_whole
ok 'to its end' eventually nothing_pending
open_cases=$(proxy cases "$work/proxy-open" 127.66 0 $places close reset)
some=$(proxy cases "$work/proxy-dane" "$net" 51 some close)
diag <<< "$open_cases cases with STARTTLS, twice $some with DANE"
ok 'there are records to cut' [ "$open_cases" -ge 100 -a "$open_cases" -le 9999 -a "$some" -ge 50 -a "$some" -le "$dane_cases" ]

# ---- each of them cut
submit() { # CLASS COUNT
    local first last
    for first in $(seq 0 1000 $(($2 - 1))); do
        last=$((first + 999 < $2 ? first + 999 : $2 - 1))
        cuts submit "$1" "$first" "$last" || return
    done
}
whole() { # PROXY SINK-DIRECTORY CLASS
    ok "$3: whole, over TLS, and twice only when the final reply was cut" proxy check "$work/proxy-$1" "$2" "$3"
    diag < "$work/out"
}
ok 'a route for each case' reload_with "$open_cases"
ok 'a message for all cases with STARTTLS' submit open "$open_cases"
ok 'a message for all cases with DANE' submit dane "$some"
ok 'everything is served in the end' eventually nothing_pending
whole open "$open_dir" open
whole dane "$dane_dir" dane
ok 'the same cases with DANE, by reset' [ "$(proxy cases "$work/proxy-dane" "$net" 51 some reset)" = "$some" ]
ok 'a message for all of them' submit reset "$some"
ok 'everything is served again' eventually nothing_pending
whole dane "$dane_dir" reset
fails 'nobody gets a report' log_has 'report-queued'
finish
