#!/bin/bash
# V16: a message that comes back to where it has been delivered is not delivered again: here a mailbox whose mail goes on to an
# address elsewhere, and that address leads back.
. "$(dirname "$0")/lib.sh"
need_root
need_program python3

start_sink far
far=$SINK_DIR
start_sandbox --route client.test=127.0.0.1:"$SINK_PORT"  # where reports go
me=$USER1@$DOMAIN
printf 'From: <anna@client.test>\r\nSubject: around\r\nMessage-ID: <1@client.test>\r\n\r\nHello\r\n' > "$work/mail"

# A program that sends on what is in the mailbox, as it is; and the far side's alias, which leads back here.
in_mailbox() { pop3 "$USER1" "$PASS1" '' | grep -c '^[0-9]'; }
arrived() { [ "$(in_mailbox)" = "$1" ]; } # COUNT
goes_on() { # N: the Nth message of the mailbox, to the far side
    pop3 "$USER1" "$PASS1" "$1" > "$work/on.$1"
    curl -sS --max-time "$patience" --url "smtp://127.0.0.1:$SINK_PORT/reader.test" --mail-from anna@client.test --mail-rcpt away@far.test -T "$work/on.$1"
}
comes_back() { # N: the Nth message at the far side, to the mailbox
    send anna@client.test "$me" "$far/$(printf %06d "$1").eml"
}

ok 'a message arrives' send anna@client.test "$me" "$work/mail"
ok 'in the mailbox' eventually arrived 1
like 'with the address on top' "$(pop3 "$USER1" "$PASS1" 1)" "^Delivered-To: $me"
rounds=0
while [ $rounds -lt 5 ]; do
    rounds=$((rounds + 1))
    goes_on "$rounds" || break
    comes_back "$rounds" 2> "$work/refused" || break
    eventually arrived $((rounds + 1)) > /dev/null
done
is 'it goes around once' "$rounds" 1
ok 'and is refused for what it is' eventually log_has ' message-refused .* reply=554 reason=loop'
ok 'nothing is in the queue' nothing_pending
is 'the mailbox has it once' "$(in_mailbox)" 1

# ---- what the far side is told
back() { # RECIPIENT...: in one transaction
    python3 -c '
import smtplib, sys
with smtplib.SMTP(sys.argv[1], int(sys.argv[2])) as client:
    client.ehlo("far.test")
    client.mail("anna@client.test")
    for recipient in sys.argv[4:]:
        client.rcpt(recipient)
    code, text = client.data(open(sys.argv[3], "rb").read())
    print(code, text.decode())
' "$HOST" "$SMTP_PORT" "$far/000001.eml" "$@"
}
like 'the reply says that it is a loop' "$(back "$me")" '^554 5\.4\.6 .*delivered to this address before'
like 'whatever the case of its letters' "$(back "${me^^}")" '^554 5\.4\.6 '
like 'another detail of the address is another address' "$(back "$USER1+x@$DOMAIN")" '^250 2\.0\.0 '
ok 'and gets it' eventually arrived 2

# ---- one of two
like 'with somebody else it is taken' "$(back "$me" "$USER2@$DOMAIN")" '^250 2\.0\.0 '
other_has_it() { delivered "$USER2" "$PASS2" 1; }
ok 'who gets it' eventually other_has_it
ok 'and the loop ends there too' eventually log_has " message-refused-by-host .* recipient=$me .*554 5\.4\.6"
reported() { grep -l '^Status: 5\.4\.6' "$far"/*.eml | grep -q .; }
ok 'of which the sender hears' eventually reported
ok 'nothing is left' eventually nothing_pending
is 'the mailbox has no more than before' "$(in_mailbox)" 2
finish
