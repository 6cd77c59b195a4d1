#!/bin/bash
# A stranger's mail goes in by SMTP and comes out byte for byte; what must not go in is refused with the reason.
. "$(dirname "$0")/lib.sh"
need_program curl swaks

start_sandbox --set 'smtpd.max-message-size 1M' --set 'smtpd.max-recipients 100'
to=$USER1@$DOMAIN

smtp() { swaks --server 127.0.0.1 --port "$SMTP_PORT" --helo client.test --timeout "$patience" "$@" 2>&1; }
stored() { # N: the newest message of USER1 without trace
    pop3 "$USER1" "$PASS1" "$1" | without_trace
}

# ---- in ----
for file in "$messages"/*.eml; do
    name=$(basename "$file" .eml)
    sed 's/\r*$/\r/' "$file" > "$work/$name"
    ok "$name is accepted" send sender@client.test "$to" "$work/$name"
done
n=$(find "$messages" -name "*.eml" | wc -l)
ok 'all arrive' eventually delivered "$USER1" "$PASS1" "$n"
# Deliveries may overtake each other: each message is looked for among all.
for i in $(seq "$n"); do stored "$i" | sha256sum; done | sort > "$work/got"
for file in "$messages"/*.eml; do sha256sum < "$work/$(basename "$file" .eml)"; done | sort > "$work/sent"
ok 'byte for byte' cmp "$work/got" "$work/sent"

top=$(pop3 "$USER1" "$PASS1" 1 | head -n 8)
like 'Return-Path is the envelope sender' "$top" '^Return-Path: <sender@client\.test>'
like 'Delivered-To is the recipient' "$top" "^Delivered-To: $to"
like 'Received names client and address' "$top" '^Received: from client\.test .*127\.0\.0\.1'
like 'Received says ESMTPS' "$(tr -d '\r\n' <<< "$top")" 'with ESMTPS'

# ---- the greeting and its answer ----
ehlo=$(printf 'EHLO client.test\nQUIT\n' | converse "$SMTP_PORT")
for word in PIPELINING 'SIZE 1048576' 8BITMIME SMTPUTF8 CHUNKING DSN ENHANCEDSTATUSCODES STARTTLS HELP; do
    like "EHLO offers $word" "$ehlo" "^250[- ]$word"
done
unlike 'AUTH is not offered on mx' "$ehlo" 'AUTH'

# ---- refusals: each with code, enhanced code and a text ----
like 'a stranger cannot relay' "$(smtp --to someone@elsewhere.test)" '^<\*\* 550 5\.7\.1 '
like 'an unknown recipient' "$(smtp --to nobody@"$DOMAIN")" '^<\*\* 550 5\.1\.1 '
like 'percent hack' "$(smtp --to "someone%elsewhere.test@$DOMAIN")" '^<\*\* 5[0-9][0-9] 5\.'
like 'declared too large' "$(printf 'EHLO c.test\nMAIL FROM:<a@c.test> SIZE=99999999\nQUIT\n' | converse "$SMTP_PORT")" '^552 5\.3\.4 '
{ message big; perl -e 'print "x" x 70, "\r\n" for 1 .. 20000'; } > "$work/big"
fails 'too large without saying so' send a@client.test "$to" "$work/big"
bare_lf() {
    perl -MIO::Socket::INET -e '
        my $s = IO::Socket::INET->new("127.0.0.1:$ARGV[0]"); alarm 30; <$s>;
        print $s "EHLO c.test\r\n"; while (<$s>) { last if /^250 / }
        print $s "MAIL FROM:<a\@c.test>\r\nRCPT TO:<$ARGV[1]>\r\nDATA\r\n"; while (<$s>) { last if /^354/ }
        print $s "Subject: x\r\n\r\nbody\n.\nMAIL FROM:<evil\@c.test>\r\n.\r\nQUIT\r\n"; print while <$s>' "$SMTP_PORT" "$to"
}
bare=$(bare_lf)
like 'bare LF ends no line' "$bare" '^5[0-9][0-9] 5\.[0-9]\.[0-9]+ .*LF'
unlike 'and what follows it is no command' "$bare" '^250'
like 'out of order' "$(printf 'EHLO c.test\nDATA\nQUIT\n' | converse "$SMTP_PORT")" '^503 5\.5\.1 '
like 'unknown command' "$(printf 'FROBNICATE\nQUIT\n' | converse "$SMTP_PORT")" '^500 5\.5\.'
like 'VRFY tells nothing' "$(printf 'EHLO c.test\nVRFY alice\nQUIT\n' | converse "$SMTP_PORT")" '^252 '
like 'HELP helps' "$(printf 'HELP\nQUIT\n' | converse "$SMTP_PORT")" '^214'

# ---- injection (SECURITY.md V4): one event is one line ----
printf 'EHLO x\x1b]0;pwn\x07\nMAIL FROM:<a@b> AUTH=a+0D+0AX-Evil:1\nRCPT TO:<u@local> ORCPT=rfc822;a+0Aroot+00\nQUIT\n' |
    converse "$SMTP_PORT" > "$work/injection"
ok 'every line of the log is printable ASCII' sh -c "! LC_ALL=C grep -q '[^ -~]' '$box/log'"
ok 'the log has no line without time and process' sh -c \
    "! grep -vqE '^[0-9T:.-]+Z [a-z0-9-]+(\\[[0-9]+\\])? [a-z-]+( |\$)' '$box/log'"

# ---- a detail of the address, the postmaster, several recipients ----
message detail > "$work/m"
sandbox reset > /dev/null; read_env
ok 'user+detail' send a@client.test "$USER1+lists@$DOMAIN" "$work/m"
ok 'postmaster' send a@client.test "postmaster@$DOMAIN" "$work/m"
ok 'two recipients at once' send a@client.test "$to" "$work/m" --mail-rcpt "$USER2@$DOMAIN"
ok 'the null sender' send '<>' "$to" "$work/m"
ok 'all arrive' eventually delivered "$USER1" "$PASS1" 4
ok 'and the other' eventually delivered "$USER2" "$PASS2" 1
ok 'nothing is left in the queue' eventually nothing_pending
finish
