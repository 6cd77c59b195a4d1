#!/bin/bash
# No stranger relays, by any of the forms that addresses have had for it (SECURITY.md V17), whoever it says it is.
. "$(dirname "$0")/lib.sh"
need_program perl

start_sandbox
forms=(
    "<v%evil.org@$DOMAIN>" "<@$DOMAIN:v@evil.org>" "<@$DOMAIN,@b:v@evil.org>" "<\"v@evil.org\"@$DOMAIN>"
    "<evil.org!v@$DOMAIN>" "<v@evil.org@$DOMAIN>" '<"v"@evil.org>' '<v@evil.org.>' '<v@[192.0.2.1]>' '<v@[127.0.0.1]>'
    '<v@[IPv6:::1]>' 'v@evil.org' '< v@evil.org>' "<v@$DOMAIN,w@evil.org>" '<postmaster%evil.org>' '<v@xn--e1awd7f.org>'
    "<v@$DOMAIN> <w@evil.org>" '<v@evil.org>'
)
ask() { # FROM TO: the reply to RCPT
    printf 'EHLO client.test\nMAIL FROM:%s\nRCPT TO:%s\nQUIT\n' "$1" "$2" | converse "$SMTP_PORT" | tail -n 2 | head -n 1 | tr -d '\r'
}
for form in "${forms[@]}"; do
    like "a stranger, to $form" "$(ask '<s@client.test>' "$form")" '^(550 5\.7\.1|501|553) '
    like "one that says it is ours, to $form" "$(ask "<$USER1@$DOMAIN>" "$form")" '^(550 5\.7\.1|501|553) '
done
nul=$(printf 'EHLO c.test\nMAIL FROM:<>\nRCPT TO:<v@EVIL.org\\0@%s>\n' "$DOMAIN" |
    perl -MIO::Socket::INET -e 'my $s = IO::Socket::INET->new("127.0.0.1:$ARGV[0]"); alarm 30; $/ = "\n"; <$s>;
        local $/; my $in = <STDIN>; for (split /\n/, $in) { s/\\0/\0/; print $s "$_\r\n"; local $/ = "\n"; my $l; do { $l = <$s> } while ($l =~ /^\d{3}-/); print $l }' \
        "$SMTP_PORT" | tail -n 1)
like 'with NUL' "$nul" '^5'
for to in '|/bin/sh' /etc/passwd :include:/etc/passwd -froot -- 'root+$(id)' '() { :;};id' '`id`'; do
    like "a local part like $to is nobody's" "$(ask '<s@client.test>' "<$to@$DOMAIN>")" '^5[05][013] 5\.1\.[13] |^501|^553'
done
is 'nothing is queued' "$(pending)" 0
is 'nothing was' "$(grep -c 'message-queued\|recipient-accepted' "$box/log")" 0
finish
