#!/bin/bash
# B2: after reading mail an address may relay for a while, as the account that read; visible, revocable, and gone in time.
. "$(dirname "$0")/lib.sh"
. "$here/outgoing.sh"
need_program swaks curl mpop python3

start_sandbox --set 'policyd.pop-before-smtp 8s'
HOME_IP=127.0.5.5 OTHER=127.0.5.6 NAT=127.0.3.7
me=$USER1@$DOMAIN
relay_as_me() { as_client "$1" --from "$me" --h-From "$me" --to someone@elsewhere.test; }
grants() { tool access grants; }

relay_as_me "$HOME_IP"
like 'before reading mail: refused, and told what to do' "$reply" '550 5\.7\.1 .*check your mail first, or turn on authentication'
fails 'a failed login' read_mail "$HOME_IP" "$USER1" wrong
relay_as_me "$HOME_IP"
like 'earns nothing' "$reply" '^550 5\.7\.1 '
ok 'reading mail by POP' read_mail "$HOME_IP" "$USER1" "$PASS1"
relay_as_me "$HOME_IP"
like 'then the address relays' "$reply" "^$taken"
like 'by its rule' "$(last_rule)" 'rule=grant-to-anybody'
relay_as_me "$OTHER"
like 'another address does not' "$reply" '^550 5\.7\.1 '
as_client "$HOME_IP" --from "$USER2@$DOMAIN" --to someone@elsewhere.test
like 'nor does another sender' "$reply" '^550 5\.7\.1 .*account that checked its mail'
as_client "$HOME_IP" --from "$me" --h-From "$USER2@$DOMAIN" --to someone@elsewhere.test
like 'nor one in From' "$reply" '^550 5\.7\.1 .*From'
like 'the grant is visible' "$(grants)" "127\.0\.5\.5/32 +$USER1 +[0-9TZ:-]+ until"
is 'in JSON too' "$(tool access --json grants | python3 -c 'import json,sys; print(json.load(sys.stdin)[0]["account"])')" "$USER1"
ok 'it is revoked' tool access revoke --network "$HOME_IP"
is 'and gone' "$(grants)" ''
relay_as_me "$HOME_IP"
like 'at once' "$reply" '^550 5\.7\.1 '

# ---- a mail program of its own, on POP with STLS ----
mkdir "$work/mail"
printf 'account default\nhost %s\nport %s\ntls on\ntls_starttls on\ntls_trust_file %s\nuser %s\npassword %s\ndelivery mbox %s\nuidls_file %s\n' \
    "$HOST" "$POP3_PORT" "$CAFILE" "$USER1" "$PASS1" "$work/mail/box" "$work/mail/uidls" > "$work/mpoprc"
chmod 600 "$work/mpoprc"
ok 'mpop reads mail' mpop -C "$work/mpoprc"
relay_as_me 127.0.0.1
like 'and its address relays' "$reply" "^$taken"

# ---- IMAP counts too; a restart of policyd forgets nothing ----
ok 'reading mail by IMAP' curl_mail --insecure --interface "$OTHER" --url "imaps://127.0.0.1:$IMAPS_PORT/INBOX" --user "$USER1:$PASS1" -X NOOP
policyd=$(pid_of policyd)
kill -KILL "$policyd"
ok 'policyd is killed' eventually gone "$policyd"
ok 'policyd is started again' eventually pid_of policyd
ok 'and answers' eventually tool access grants
like 'its grants are there again' "$(grants)" "127\.0\.5\.6/32 +$USER1"
ok 'mail is read' eventually read_mail 127.0.5.7 "$USER2" "$PASS2"
relay_as_me "$OTHER"
like 'and good' "$reply" "^$taken"
sleep 9
relay_as_me "$OTHER"
like 'after the window it is over' "$reply" '^550 5\.7\.1 .*check your mail first'
is 'and not listed' "$(grants)" ''

# ---- behind NAT, and for who does not want it ----
ok 'reading mail behind NAT' read_mail "$NAT" "$USER1" "$PASS1"
relay_as_me "$NAT"
like 'lets nobody relay' "$reply" '^550 5\.7\.1 .*others share your address'
ok 'an account opts out' tool account grants "$USER1" no
ok 'and reads mail' read_mail "$HOME_IP" "$USER1" "$PASS1"
relay_as_me "$HOME_IP"
like 'which lets nobody relay' "$reply" '^550 5\.7\.1 '
ok 'it opts in' tool account grants "$USER1" yes
ok 'and reads mail' read_mail "$HOME_IP" "$USER1" "$PASS1"
relay_as_me "$HOME_IP"
like 'and relays' "$reply" "^$taken"
ok 'its password is changed' sh -c "echo another-secret | '$build/tools/mr-account' --config '$CONFIG' passwd $USER1 --password-stdin"
relay_as_me "$HOME_IP"
like 'which ends what the old one earned' "$reply" '^550 5\.7\.1 '
finish
