#!/bin/bash
# A5, V12, V13: SCRAM-SHA-256 and SCRAM-SHA-1, bound to the TLS connection too, by clients of others.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/mbsync.sh"
need_program gsasl msmtp mbsync python3
start_sandbox --set 'authd.failure-delay 0s' --set 'authd.address-failures 100000' --set 'authd.account-failures 50000'
proved_by() { log_has "login-succeeded .*account=$1 mechanism=$2( |\$)"; }

# ---- what is offered ----
capability() { printf 'a1 CAPABILITY\nQUIT\n' | converse "$1"; }
unlike 'nothing is offered without TLS' "$(capability "$IMAP_PORT")" 'AUTH=SCRAM'
tls_say() { # PORT, lines on standard input
    { sleep 0.5; cat; sleep 0.5; } | openssl s_client -quiet -crlf -CAfile "$CAFILE" -connect "127.0.0.1:$1" "${@:2}" 2> /dev/null
}
like 'IMAP offers it' "$(echo 'a LOGOUT' | tls_say "$IMAPS_PORT")" \
    'AUTH=SCRAM-SHA-256-PLUS AUTH=SCRAM-SHA-1-PLUS AUTH=SCRAM-SHA-256 AUTH=SCRAM-SHA-1 AUTH=PLAIN'
like 'POP3 offers it' "$(printf 'CAPA\nQUIT\n' | tls_say "$POP3S_PORT")" '^SASL SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS SCRAM-SHA-256 SCRAM-SHA-1 PLAIN LOGIN'
like 'SMTP offers it' "$(printf 'EHLO c.test\nQUIT\n' | tls_say "$SMTPS_PORT")" '^250-AUTH SCRAM-SHA-256-PLUS'
like 'with TLS 1.2 without bindings' "$(printf 'EHLO c.test\nQUIT\n' | tls_say "$SMTPS_PORT" -tls1_2)" '^250-AUTH SCRAM-SHA-256 SCRAM-SHA-1 PLAIN'

# ---- GNU SASL: by STARTTLS, bound by tls-exporter ----
gnu() { # PROTOCOL PORT MECHANISM USER PASSWORD
    local binding=--no-cb # with one it would say "y", and be refused as it must
    case $3 in *-PLUS) binding= ;; esac
    gsasl --client $binding "--$1" "--connect=$HOST:$2" "--x509-ca-file=$CAFILE" "--mechanism=$3" "--authentication-id=$4" \
        "--password=$5" --quality-of-protection=qop-auth < /dev/null
}
for mechanism in SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS SCRAM-SHA-256 SCRAM-SHA-1; do
    ok "gsasl: IMAP by $mechanism" gnu imap "$IMAP_PORT" $mechanism "$USER1" "$PASS1"
    ok 'and that it was' eventually proved_by "$USER1" $mechanism
    ok "gsasl: SMTP by $mechanism" gnu smtp "$SUBMISSION_PORT" $mechanism "$USER2" "$PASS2"
    fails "gsasl: a wrong password by $mechanism" gnu imap "$IMAP_PORT" $mechanism "$USER1" "$PASS2"
done

# ---- msmtp (GNU SASL), mbsync (Cyrus SASL) ----
message 1 > "$work/m"
for mechanism in scram-sha-256 scram-sha-1; do
    ok "msmtp: $mechanism" msmtp --file=/dev/null --host="$HOST" --port="$SMTPS_PORT" --tls=on --tls-starttls=off \
        --tls-trust-file="$CAFILE" --auth=$mechanism --user="$USER1" --passwordeval="echo $PASS1" --from="$USER1@$DOMAIN" \
        "$USER1@$DOMAIN" < <(sed "s/^From: .*/From: $USER1@$DOMAIN\r/" "$work/m")
done
ok 'the messages are there' eventually delivered "$USER1" "$PASS1" 2
ok 'mbsync: SCRAM-SHA-256, with the address as name' fetch_with_mbsync "$USER1@$DOMAIN" "$PASS1" SCRAM-SHA-256
is 'mbsync has the messages' "$(fetched_by_mbsync)" 2

# ---- a client of our own, for what no good one does ----
export HOST IMAPS_PORT POP3S_PORT SMTPS_PORT CAFILE
report_of python3 "$here/scram.py" "$USER1" "$PASS1" "$USER2" "$PASS2"

# ---- accounts that came with a hash ----
tool account add carol --hash "$(openssl passwd -6 carol-secret)"
fails 'an account that came with a hash cannot yet' gnu imap "$IMAP_PORT" SCRAM-SHA-256 carol carol-secret
unlike 'mr-account shows it' "$(tool account show carol)" 'SCRAM'
ok 'it logs in by its password' imap carol carol-secret INBOX -X NOOP
ok 'and then it can' gnu imap "$IMAP_PORT" SCRAM-SHA-256-PLUS carol carol-secret
like 'mr-account shows that too' "$(tool account show carol)" '^password +kept here, also by SCRAM$'

# ---- a password of another script, in two spellings ----
tool account passwd carol --password-stdin <<< $'gr\303\274ne W\303\244lder'
ok 'a password with umlauts' gnu imap "$IMAP_PORT" SCRAM-SHA-256 carol $'gr\303\274ne W\303\244lder'
ok 'typed on a machine that writes them otherwise' gnu imap "$IMAP_PORT" SCRAM-SHA-256 carol $'gru\314\210ne Wa\314\210lder'
fails 'and without them' gnu imap "$IMAP_PORT" SCRAM-SHA-256 carol 'grune Walder'

# ---- a changed password ----
tool account passwd carol --password-stdin <<< another-secret
ok 'a changed password is good at once' gnu imap "$IMAP_PORT" SCRAM-SHA-256 carol another-secret
fails 'the old one is not' gnu imap "$IMAP_PORT" SCRAM-SHA-256 carol carol-secret
tool account disable carol
fails 'a disabled account cannot log in' gnu imap "$IMAP_PORT" SCRAM-SHA-256 carol another-secret
finish
