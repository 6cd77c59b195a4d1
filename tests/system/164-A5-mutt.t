#!/bin/bash
# A5: mutt reads by IMAP and sends by SMTP: with a Kerberos ticket, by SCRAM, and with a password.
. "$(dirname "$0")/lib.sh"
need_program krb5kdc kadmin.local kinit mutt python3
start_sandbox --kerberos --set 'authd.failure-delay 0s' --set 'authd.address-failures 1000'
export KRB5_CONFIG KRB5CCNAME=FILE:$work/tickets HOME=$work TERM=xterm
cat > "$work/muttrc" <<END
set ssl_ca_certificates_file="$CAFILE"
set ssl_verify_host=yes ssl_force_tls=yes
set from="$USER1@$DOMAIN" realname=Alice imap_user="$USER1"
set smtp_url="smtps://$USER1@$HOST:$SMTPS_PORT/"
set copy=no confirmappend=no confirmcreate=no delete=no quit=yes wait_key=no
END
mail() { # MECHANISM PASSWORD RECIPIENT
    mutt -n -F "$work/muttrc" -e "set smtp_authenticators='$1' smtp_pass='$2'" -s "by $1" -- "$3" <<< 'a message'
}
read_all() { # MECHANISM PASSWORD: into $work/mbox
    rm -f "$work/mbox"
    "$here/at_terminal.py" unused mutt -n -F "$work/muttrc" -e "set imap_authenticators='$1' imap_pass='$2'" \
        -f "imaps://$USER1@$HOST:$IMAPS_PORT/INBOX" \
        -e "push '<tag-pattern>~A<enter><tag-prefix><copy-message>$work/mbox<enter><quit>'"
    grep -q '^Subject: ' "$work/mbox"
}
kinit "$USER1" <<< "$PASS1" > /dev/null
arrived() { delivered "$USER1" "$PASS1" "$1"; }
number=0
for mechanism in gssapi scram-sha-256 plain; do
    password=$PASS1
    [ $mechanism != gssapi ] || password=not-needed
    ok "SMTP by $mechanism" mail $mechanism "$password" "$USER1@$DOMAIN"
    ok 'it arrives' eventually arrived $((++number))
    ok "IMAP by $mechanism" read_all $mechanism "$password"
    is 'mutt has all messages' "$(grep -c '^Subject: by ' "$work/mbox")" $number
done
is 'the ticket, and SCRAM, were used by each protocol' "$(grep -oE 'login-succeeded .* mechanism=[A-Z0-9-]+' "$box/log" | sed 's/.*mechanism=//' |
    grep -v PLAIN | sort | uniq -c | xargs)" '2 GSSAPI 2 SCRAM-SHA-256'
for mechanism in scram-sha-256 plain; do
    fails "SMTP by $mechanism with a wrong password" mail $mechanism wrong "$USER1@$DOMAIN"
    fails 'nor IMAP' read_all $mechanism wrong
done
kdestroy -q
fails 'SMTP without a ticket' mail gssapi not-needed "$USER1@$DOMAIN"
fails 'nor IMAP' read_all gssapi not-needed
finish
