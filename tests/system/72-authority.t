#!/bin/bash
# The one who asks never carries the answer: a taken-over smtpd or pop3d (tests/authority/hostile_twin.cc in their place)
# tries on each of its channels what it has no right to.  Every attempt is refused, and what no honest program does is
# logged.
. "$(dirname "$0")/lib.sh"
need_root
need_program nc

start_sandbox
sed "s/\r*$/\r/" "$messages/plain.eml" > "$work/plain.eml"
send stranger@elsewhere.test "$USER2@$DOMAIN" "$work/plain.eml"
ok 'mail is delivered before' eventually delivered "$USER2" "$PASS2" 1
ln -sfn "$build/tests/authority/hostile_smtpd" "$box/libexec/smtpd"
ln -sfn "$build/tests/authority/hostile_pop3d" "$box/libexec/pop3d"
kill -HUP "$PID"
ok 'the configuration is read' eventually log_has 'reload-done'

attempt() { # PORT NAME
    printf '%s\n' "$2" | timeout 120 nc -N 127.0.0.1 "$1"
}
until [ "$(attempt "$SMTP_PORT" hello)" = 'no such attempt' ] && [ "$(attempt "$POP3_PORT" hello)" = 'no such attempt' ]; do
    sleep 0.2
done

smtpd() { # NAME EXPECTED: as regular expression
    like "smtpd: $1" "$(attempt "$SMTP_PORT" "$1")" "^($2)\$"
}
pop3d() { like "pop3d: $1" "$(attempt "$POP3_PORT" "$1")" "^($2)\$"; }
logged() { # DESCRIPTION REGEX
    ok "logged: $1" eventually log_has "$2"
}

# ---- envelopes
smtpd content-without-envelope '[45][0-9][0-9]|channel closed'
logged 'content without an envelope' 'envelope-refused|peer-misbehaved .*queued'
smtpd content-for-another-transaction '250 then ([45][0-9][0-9]|channel closed)'
smtpd content-twice '250 then 250 then ([45][0-9][0-9]|channel closed)'
smtpd content-after-reset '250 then ([45][0-9][0-9]|channel closed)'
smtpd relay '550'
like 'a submission without login is no envelope' "$(attempt "$SUBMISSION_PORT" content-without-envelope)" '^([45][0-9][0-9]|channel closed)$'
like 'nor is a recipient without login' "$(attempt "$SUBMISSION_PORT" relay)" '^5[0-9][0-9]$'

# ---- malformed, and descriptors nobody asked for: that channel ends, the server does not
before=$(pid_of policyd),$(pid_of queued),$(pid_of authd),$(pid_of keyd)
smtpd junk-to-policyd 'channel closed'
smtpd junk-to-queued 'channel closed'
smtpd descriptor-to-policyd 'channel closed'
smtpd descriptor-to-queued 'channel closed'
logged 'malformed' 'policyd\[[0-9]+\] (peer-misbehaved|channel-closed) .*malformed'
pop3d answer-to-no-challenge 'refused|channel closed'
logged 'out of turn' 'authd\[[0-9]+\] peer-misbehaved .*no challenge'
smtpd sign-a-contract 'refused|channel closed'
logged 'a signature that is no handshake' 'keyd\[[0-9]+\] (signature-refused|peer-misbehaved)'
is 'the servers are the same processes as before' "$(pid_of policyd),$(pid_of queued),$(pid_of authd),$(pid_of keyd)" "$before"

# ---- sessions
pop3d hand-over 'refused|channel closed'
logged 'a hand-over without a verdict' 'session-refused .*no verdict'
smtpd hand-over 'refused|channel closed'
pop3d hand-over-another-socket 'logged in then (refused|channel closed)'
logged 'a hand-over of another socket' "session-refused .*not this connection's socket"
pop3d hand-over-twice 'logged in then session then (refused|channel closed)'
pop3d hand-over-an-old-verdict 'logged in then (refused|channel closed)'

# ---- the kernel
pop3d open-a-file 'Operation not permitted'
pop3d fork 'Operation not permitted'

is 'what was not authorised is not in the queue' "$(pending)" 0
is "only what was authorised was delivered" "$(imap "$USER1" "$PASS1" 'INBOX?SUBJECT%20forged' | tr -d '\r')" '* SEARCH 1'
finish
