#!/bin/bash
# SECURITY.md V19: what a hostile or broken server can say to relayd.  Each misbehaves once and is then as any other: its message
# must come again, once and whole, as nothing that it said before meant that it had been taken, or was refused for good.  (Cuts at
# each octet: 47-cuts.t; an endless reply, a greeting octet by octet, octets behind STARTTLS, logins: 26-relayd.t.)
. "$(dirname "$0")/lib.sh"
need_program curl openssl

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/key.pem" -out "$work/cert.pem" -days 2 \
    -subj /CN=sink.test 2> /dev/null
names=() routes=()
# One reply of a step is another; EXTENSIONS are those of a server that needs all steps.
server() { # NAME STEP SAYS [SINK-OPTION...]
    local extensions='"extensions": ["PIPELINING", "STARTTLS"],'
    echo "{ $extensions \"rules\": [{\"at\": \"$2\", \"times\": 1, $3}] }" > "$work/$1.script"
    start_sink "$1" --script "$work/$1.script" "${@:4}"
    names+=("$1")
    routes+=(--set "route $1.test smtp 127.0.0.1:$SINK_PORT")
}
raw() { server "$1" "$2" "\"raw\": \"$3\"" "${@:4}"; }
closing='"reply": "421 4.3.2 Going down", "close": true'
tls=(--certificate "$work/cert.pem" --key "$work/key.pem")

server line ehlo '"raw": "250-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "repeat": 100000'
server keywords ehlo '"raw": "250-KEYWORD\r\n", "repeat": 10000'
raw unended ehlo '250-one\r\n'
raw mixed ehlo '250-one\r\n550 two\r\n'
raw barelf mail '250 o\nk\r\n'
raw nul mail '2\u00000 ok\r\n'
raw nocode mail 'HTTP/1.1 200 OK\r\n'
raw early data '354 Go on\r\n250 2.0.0 Taken\r\n'
raw goes data '250 2.0.0 Taken\r\n'
raw twice rcpt '250 Ok\r\n250 Ok\r\n'
raw fewer rcpt ''
raw more content '250 Taken\r\n250 Taken\r\n250 Taken\r\n'
raw odd content '354 Go on\r\n'
raw plaintext handshake '250-mx.example\r\n250 CHUNKING\r\n' "${tls[@]}"
server stalls handshake '"silent": true' "${tls[@]}"
for step in connect ehlo starttls mail rcpt data content; do server "closes$step" $step "$closing"; done
echo '{"extensions": ["SIZE -1", "SIZE 99999999999999999999999"]}' > "$work/size.script"
start_sink size --script "$work/size.script"
names+=(size) routes+=(--set "route size.test smtp 127.0.0.1:$SINK_PORT")

start_sandbox "${routes[@]}" --set 'queued.retry-schedule 1s' --set 'relayd.command-timeout 2s' --set 'relayd.data-timeout 2s' \
    --set 'relayd.greeting-timeout 2s' --set 'tls-timeout 2s'
me=$USER1@$DOMAIN
message 1 | sed "s/^From: .*/From: $me\r\nDate: Sun, 22 Nov 2026 01:02:03 +0000\r/" > "$work/m"
count() { find "$work/sink-$1" -name '*.eml' | wc -l; }
whole() { for each in "$work/sink-$1"/*.eml; do cmp <(without_trace < "$each") "$work/m" || return 1; done; } # NAME
recipients() { tr -d ' \n' < "$work/sink-$1/$2.json" | grep -o '"recipients":\[[^]]*\]'; }                     # NAME NUMBER

sent=0
for name in "${names[@]}"; do
    submit "$USER1" "$PASS1" "$me" "a@$name.test" "$work/m" --mail-rcpt "b@$name.test" || continue
    sent=$((sent + 1))
done
is 'a message for each is taken' "$sent" "${#names[@]}"
ok 'and no queue keeps any' eventually nothing_pending
# Those that had the content and did not say that they took it have it twice, and no others.
for name in "${names[@]}"; do
    case $name in more|odd|closescontent) copies=2 ;; *) copies=1 ;; esac
    is "$name has it" "$(count "$name")" $copies
    ok 'whole' whole "$name"
    is 'for both' "$(recipients "$name" "$(printf '%06d' $copies)")" "\"recipients\":[\"a@$name.test\",\"b@$name.test\"]"
done
is 'none is reported as refused' "$(grep -cE ' (message-refused-by-host|report-queued) ' "$box/log")" 0
for reason in 'endless line' 'too many lines' 'different codes' 'bare LF' 'without a code' 'more replies than commands' 'no reply in time'; do
    ok "the log says why: $reason" eventually log_has "(relay-failed|message-deferred) .*$reason"
done
ok 'what is no handshake is followed by plaintext, where nobody asks for more' eventually log_has 'relay-failed .*failure=tls-failed'
fails 'no process has crashed' log_has 'connection-crashed|peer-misbehaved|relay-cut|fatal'
finish
