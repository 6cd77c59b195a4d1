#!/bin/bash
# A5: logins with a TLS client certificate (SASL EXTERNAL, RFC 4422 appendix A) by IMAP, POP3 and SMTP, with clients of others; and
# what is no proof.
. "$(dirname "$0")/lib.sh"
. "$here/authority.sh"
. "$here/certificates.sh"
need_program curl openssl msmtp

# ---- an authority, its certificates and what it has revoked ----
make_authority
client_certificate alice email:alice@sandbox.test
client_certificate revoked email:alice@sandbox.test
client_certificate both email:alice@sandbox.test,email:bob@sandbox.test
client_certificate nobody email:nobody@sandbox.test
client_certificate elsewhere email:alice@elsewhere.test
client_certificate unnamed ''
USAGE=serverAuth client_certificate server email:alice@sandbox.test
KEY='-newkey rsa:2048' client_certificate rsa email:alice@sandbox.test
KEY='-newkey rsa:1024' client_certificate short email:alice@sandbox.test
KEY='-newkey ec -pkeyopt ec_paramgen_curve:P-384' client_certificate p384 email:alice@sandbox.test
KEY='-newkey ec -pkeyopt ec_paramgen_curve:P-521' client_certificate p521 email:alice@sandbox.test
KEY='-newkey ed25519' client_certificate ed25519 email:alice@sandbox.test
client_certificate exact ''
keep_revocations
ca -revoke "$work/ca/revoked.pem"
ca -gencrl -out "$work/ca/crl.pem"
ca -batch -in "$work/ca/alice.csr" -out "$work/ca/expired.pem" -startdate 20200101000000Z -enddate 20200201000000Z \
    -extfile <(printf 'subjectAltName=email:alice@sandbox.test\n')
cp "$work/ca/alice.key" "$work/ca/expired.key"
mkdir "$work/other"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/other/key.pem" -out "$work/other/ca.pem" \
    -days 2 -subj '/CN=Test authority' 2> /dev/null # of the same name
CA=$work/other/ca.pem CA_KEY=$work/other/key.pem client_certificate stranger email:alice@sandbox.test
openssl req -x509 -key "$work/ca/alice.key" -out "$work/ca/self.pem" -days 2 -subj /CN=alice -addext subjectAltName=email:alice@sandbox.test 2> /dev/null
cp "$work/ca/alice.key" "$work/ca/self.key"
fingerprint=$(openssl x509 -in "$work/ca/exact.pem" -noout -fingerprint -sha256 | sed 's/.*=//')

start_sandbox --client-certificates --set 'authd.failure-delay 0s' --set 'authd.address-failures 1000' --set 'authd.account-failures 900' \
    --set "client-certificate.authorities $work/ca/ca.pem" --set "client-certificate.revocations $work/ca/crl.pem" \
    --set "client-certificate.account fingerprint $fingerprint bob"

# ---- clients of others ----
message 1 > "$work/m"
sed -i "s/^From: .*/From: $USER1@$DOMAIN\r/" "$work/m"
ok 'SMTP (curl)' by_certificate alice "$USER1" "smtps://$HOST:$SMTPS_PORT/c.test" \
    --mail-from "$USER1@$DOMAIN" --mail-rcpt "$USER1@$DOMAIN" -T "$work/m"
ok 'SMTP after STARTTLS (curl)' by_certificate alice "$USER1" "smtp://$HOST:$SUBMISSION_PORT/c.test" --ssl-reqd \
    --mail-from "$USER1@$DOMAIN" --mail-rcpt "$USER1@$DOMAIN" -T "$work/m"
ok 'SMTP (msmtp, GnuTLS)' msmtp --host="$HOST" --port="$SUBMISSION_PORT" --tls=on --tls-trust-file="$CAFILE" --auth=external --user="$USER1" \
    --tls-cert-file="$work/ca/alice.pem" --tls-key-file="$work/ca/alice.key" --from="$USER1@$DOMAIN" "$USER1@$DOMAIN" < "$work/m"
ok 'IMAP (curl)' by_certificate alice "$USER1" "imaps://$HOST:$IMAPS_PORT/INBOX" -X 'STATUS INBOX (MESSAGES)'
ok 'IMAP after STARTTLS (curl)' by_certificate alice "$USER1" "imap://$HOST:$IMAP_PORT/INBOX" --ssl-reqd -X NOOP
has_messages() { [ "$(by_certificate alice "$USER1" "pop3s://$HOST:$POP3S_PORT/" | grep -c '^[0-9]')" = 3 ]; }
ok 'POP3 (curl), and the messages are there' eventually has_messages
ok 'POP3 after STLS (curl)' by_certificate alice "$USER1" "pop3://$HOST:$POP3_PORT/" --ssl-reqd
is 'each login says by what' "$(grep -oE 'login-succeeded .* mechanism=[A-Z0-9-]+' "$box/log" | sed 's/.*mechanism=//' | sort -u)" EXTERNAL

# ---- the keys, hashes and ways of a handshake ----
in="^a OK "
for key in rsa p384 p521 ed25519; do like "a key of $key" "$(imap_login $key '')" "$in"; done
for suite in TLS_AES_128_GCM_SHA256 TLS_AES_256_GCM_SHA384 TLS_CHACHA20_POLY1305_SHA256; do
    like "with $suite" "$(imap_login alice '' -ciphersuites $suite)" "$in"
done
like 'after a HelloRetryRequest' "$(imap_login alice '' -groups P-521:P-256)" "$in"
like 'and that with SHA-384' "$(imap_login alice '' -groups P-521:P-384 -ciphersuites TLS_AES_256_GCM_SHA384)" "$in"
like 'by its fingerprint, which has no name' "$(imap_login exact "$USER2")" "$in"

# ---- whom it may be ----
like 'its own account' "$(imap_login alice "$USER1")" "$in"
like 'by the address' "$(imap_login alice "$USER1@$DOMAIN")" "$in"
refused='^a NO \[AUTHENTICATIONFAILED\]'
like 'nobody acts as somebody else' "$(imap_login alice "$USER2")" "$refused"
like 'nor as nobody at all' "$(imap_login alice '../x y')" "$refused"
like 'of two accounts none is chosen' "$(imap_login both '')" "$refused"
like 'but by the client' "$(imap_login both "$USER2")" "$in"
like 'a NUL is no name' "$(printf 'a AUTHENTICATE EXTERNAL AGFsaWNl\nb LOGOUT\n' | talk "$IMAPS_PORT" alice | grep '^a ')" '^a (BAD|NO)'

# ---- what proves nothing ----
why() { grep ' certificate-refused ' "$box/log" | tail -n 1; }
refuses() { # WHAT NAME REASON
    like "$1" "$(imap_login "$2" '' -cipher DEFAULT@SECLEVEL=0)" "$refused"
    like "$1: the log says why" "$(why)" "$3"
}
like "a certificate of nobody's account" "$(imap_login nobody "")" "$refused"
refuses 'of another domain' elsewhere 'no client-certificate.account for [0-9a-f]{64}'
refuses 'without a name' unnamed 'no client-certificate.account for [0-9a-f]{64}'
refuses 'of another authority of the same name' stranger 'certificate: '
refuses 'signed by itself' self 'certificate: self-signed'
refuses 'that has expired' expired 'certificate: certificate has expired'
refuses 'that is for servers' server 'certificate: unsuitable certificate purpose'
refuses 'that was revoked' revoked 'certificate: certificate revoked'
refuses 'with a short key' short 'certificate: EE certificate key too weak'

chain_of() { local i; for ((i = 0; i < $1; ++i)); do cat "$work/ca/ca.pem"; done > "$work/chain.pem"; }
chain_of 7
like 'a chain of 8 certificates, its own among them' "$(imap_login alice '' -cert_chain "$work/chain.pem")" "$in"
chain_of 8
like 'of 9' "$(imap_login alice '' -cert_chain "$work/chain.pem")" "$refused"
chain_of 45
is 'of more than 16 KiB: the handshake fails' "$(printf 'a LOGOUT\n' | talk "$IMAPS_PORT" alice -cert_chain "$work/chain.pem")" ''
like 'and says so' "$(grep ' tls-failed ' "$box/log" | tail -n 1)" 'excessive message size'

# ---- where it is offered ----
capabilities() { printf 'a CAPABILITY\nb LOGOUT\n' | talk "$IMAPS_PORT" "$@"; }
like 'offered to who has shown a certificate' "$(capabilities alice)" 'CAPABILITY .*AUTH=EXTERNAL'
unlike 'not without' "$(capabilities '')" 'EXTERNAL'
unlike 'not with TLS 1.2' "$(capabilities alice -tls1_2)" 'EXTERNAL'
asks() { printf '%s\n' "$1" | talk "$2" alice -msg "${@:3}" | grep -c 'CertificateRequest'; }
is 'the server asks for a certificate' "$(asks 'a LOGOUT' "$IMAPS_PORT")" 1
is 'not with TLS 1.2' "$(asks 'a LOGOUT' "$IMAPS_PORT" -tls1_2)" 0
is 'and nobody who only brings mail' "$(asks QUIT "$SMTP_PORT" -starttls smtp)" 0
like 'nor taken without' "$(imap_login '' '')" '^a NO '
like 'nor with TLS 1.2' "$(imap_login alice '' -tls1_2)" '^a NO '
offers() { # PROTOCOL PORT NAME
    case $1 in
        smtp) printf 'EHLO c.test\nQUIT\n' ;;
        pop3) printf 'CAPA\nQUIT\n' ;;
    esac | talk "$2" "$3"
}
like 'by POP3' "$(offers pop3 "$POP3S_PORT" alice)" '^SASL .*EXTERNAL'
unlike 'not without' "$(offers pop3 "$POP3S_PORT" '')" 'EXTERNAL'
like 'nor taken' "$(printf 'AUTH EXTERNAL =\nQUIT\n' | talk "$POP3S_PORT" '' | sed -n 2p)" '^-ERR'
like 'by SMTP' "$(offers smtp "$SMTPS_PORT" alice)" '^250.AUTH .*EXTERNAL'
unlike 'not without' "$(offers smtp "$SMTPS_PORT" '')" 'EXTERNAL'
like 'nor taken' "$(printf 'EHLO c\nAUTH EXTERNAL =\nQUIT\n' | talk "$SMTPS_PORT" '')" '^504 5\.5\.4'
like 'with its challenge, where the client says nothing at first' \
    "$(printf 'AUTH EXTERNAL\n\nQUIT\n' | talk "$POP3S_PORT" alice | sed -n 2,3p | paste -sd' ')" '^\+  *\+OK '
like 'with none a password is as good' "$(printf 'a LOGIN %s %s\nb LOGOUT\n' "$USER1" "$PASS1" | talk "$IMAPS_PORT" '')" '^a OK '
like 'and with a certificate that is no good' "$(printf 'a LOGIN %s %s\nb LOGOUT\n' "$USER1" "$PASS1" | talk "$IMAPS_PORT" stranger)" '^a OK '
printf 'a LOGOUT\n' | talk "$IMAPS_PORT" alice -sess_out "$work/session" > /dev/null
fails 'no session can be resumed without it' test -s "$work/session"

# ---- the account decides ----
tool account services "$USER1" pop
like 'an account without the service' "$(imap_login alice '')" '^a NO \[(AUTHORIZATIONFAILED|NOPERM|CONTACTADMIN)\]'
tool account services "$USER1" pop,imap,submission
tool account disable "$USER1"
like 'one that is switched off' "$(imap_login alice '')" "$refused"
tool account enable "$USER1"
like 'and on again' "$(imap_login alice '')" "$in"

# ---- reload and restart ----
exec 7> >(exec openssl s_client -quiet -connect "127.0.0.1:$IMAPS_PORT" -servername "$HOST" -CAfile "$CAFILE" -cert "$work/ca/alice.pem" \
    -key "$work/ca/alice.key" > "$work/waiting" 2> /dev/null)
ok 'a client that waits' eventually grep -q '^\* OK' "$work/waiting"
ca -revoke "$work/ca/rsa.pem"
ca -gencrl -out "$work/ca/crl.pem"
echo "client-certificate.account fingerprint $(openssl x509 -in "$work/ca/unnamed.pem" -noout -fingerprint -sha256 | sed 's/.*=//') $USER1" \
    >> "$CONFIG"
kill -HUP "$PID"
ok 'a reload' eventually log_has 'reload-done'
revoked_now() { imap_login rsa '' | grep -q "$refused"; }
ok 'what was revoked meanwhile is refused' eventually revoked_now
like 'the others are not' "$(imap_login alice '')" "$in"
like 'a new rule counts' "$(imap_login unnamed "$USER1")" "$in"
printf 'a AUTHENTICATE EXTERNAL =\r\nb LOGOUT\r\n' >&7
ok 'who was connected before logs in, by the keyd of that time' eventually grep -q '^a OK' "$work/waiting"
exec 7>&-
kill -KILL "$(pgrep -n -P "$PID" -f '^certd')" # not the one that was replaced
ok 'certd dies' eventually log_has 'process-died process=certd'
like 'a password is taken without certd' "$(printf 'a LOGIN %s %s\nb LOGOUT\n' "$USER1" "$PASS1" | talk "$IMAPS_PORT" '')" '^a OK '
back() { imap_login alice '' | grep -q "$in"; }
ok 'certd comes back' eventually back
finish
