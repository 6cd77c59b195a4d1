#!/bin/bash
# B5: no stranger relays at the outgoing server or the relay, by any form of address, whoever it says it is.
. "$(dirname "$0")/lib.sh"
need_program perl nsd ldns-signzone

start_sandbox --zone # where 127.0.0.1 has no name
forms=(
    "<v%evil.org@$DOMAIN>" "<@$DOMAIN:v@evil.org>" "<@$DOMAIN,@b:v@evil.org>" "<\"v@evil.org\"@$DOMAIN>"
    "<evil.org!v@$DOMAIN>" "<v@evil.org@$DOMAIN>" '<"v"@evil.org>' '<v@evil.org.>' '<v@[192.0.2.1]>' '<v@[127.0.0.1]>'
    '<v@[IPv6:::1]>' 'v@evil.org' '< v@evil.org>' "<v@$DOMAIN,w@evil.org>" '<postmaster%evil.org>' '<v@xn--e1awd7f.org>'
    "<v@$DOMAIN> <w@evil.org>" '<v@evil.org>'
)
# Each is refused by its own rule, not only since no other allows it.
detour='Mail is not sent on by way of'
ask() { # PORT FROM TO: the reply to RCPT
    printf 'EHLO client.test\nMAIL FROM:%s\nRCPT TO:%s\nQUIT\n' "$2" "$3" | converse "$1" | tail -n 2 | head -n 1 | tr -d '\r'
}
for form in "${forms[@]}"; do
    like "at the outgoing server, to $form" "$(ask "$OUTGOING_PORT" "<$USER1@$DOMAIN>" "$form")" \
        "^(550 5\.7\.1 (Relaying refused|$detour)|501 |553 )"
    like "at the relay, to $form" "$(ask "$RELAY_PORT" '<s@client.test>' "$form")" "^(550 5\.7\.25 |550 5\.7\.1 $detour|501 |553 )"
done
like 'the relay takes mail for us from anybody' "$(ask "$RELAY_PORT" '<s@client.test>' "<$USER1@$DOMAIN>")" '^250 '
like 'but not as a person' "$(ask "$RELAY_PORT" "<$USER2@$DOMAIN>" "<$USER1@$DOMAIN>")" '^550 5\.7\.1 .*as a person'
like 'nor without a sender' "$(ask "$RELAY_PORT" '<>' "<$USER1@$DOMAIN>")" '^550 5\.7\.1 .*sender address'
is 'nothing is queued' "$(pending)" 0
finish
