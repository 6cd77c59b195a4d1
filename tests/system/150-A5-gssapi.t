#!/bin/bash
# A5: logins with a Kerberos ticket (SASL GSSAPI, RFC 4752) for IMAP, POP3 and SMTP, by clients of others.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/mbsync.sh"
need_program krb5kdc kadmin.local kinit curl fetchmail mbsync msmtp
start_sandbox --kerberos --set 'authd.failure-delay 0s' --set 'authd.address-failures 1000'
export KRB5_CONFIG
kdc_admin() { KRB5_KDC_PROFILE=$box/kdc/kdc.conf kadmin.local -r "$REALM" "$@"; }

ticket_of() { # USER PASSWORD
    kdestroy -q 2> /dev/null
    kinit "$1" <<< "$2" > /dev/null
}
by_ticket() { # PRINCIPAL URL [CURL-OPTION...]
    local who=$1 url=$2; shift 2
    curl_mail --login-options AUTH=GSSAPI --user "$who:" --url "$url" "$@"
}

ok 'a ticket' ticket_of "$USER1" "$PASS1"
message 1 > "$work/m"
sed -i "s/^From: .*/From: $USER1@$DOMAIN\r/" "$work/m"
ok 'SMTP with it (curl)' by_ticket "$USER1@$REALM" "smtps://$HOST:$SMTPS_PORT/c.test" \
    --mail-from "$USER1@$DOMAIN" --mail-rcpt "$USER1@$DOMAIN" -T "$work/m"
ok 'SMTP with it (msmtp)' msmtp --host="$HOST" --port="$SUBMISSION_PORT" --tls=on --tls-trust-file="$CAFILE" --auth=gssapi --user="$USER1" \
    --from="$USER1@$DOMAIN" "$USER2@$DOMAIN" < "$work/m"
ok 'and it arrives' eventually delivered "$USER2" "$PASS2" 1
ok 'IMAP with it (curl)' by_ticket "$USER1@$REALM" "imaps://$HOST:$IMAPS_PORT/INBOX" -X 'STATUS INBOX (MESSAGES)'
has_message() { [ "$(by_ticket "$USER1@$REALM" "pop3s://$HOST:$POP3S_PORT/" | grep -c '^[0-9]')" = 1 ]; }
ok 'POP3 with it (curl), and the message is there' eventually has_message

ok 'IMAP with it (mbsync)' fetch_with_mbsync "$USER1" unused GSSAPI
is 'mbsync has the message' "$(fetched_by_mbsync)" 1

for protocol in IMAP POP3; do
    rm -f "$work/got"
    ok "$protocol with it (fetchmail)" env FETCHMAILHOME="$work" fetchmail -f /dev/null --pidfile "$work/fetchmail.pid" \
        --proto $protocol --service "$([ $protocol = IMAP ] && echo "$IMAPS_PORT" || echo "$POP3S_PORT")" --ssl --sslcertck \
        --sslcertfile "$CAFILE" --auth gssapi --username "$USER1" --keep --fetchall --mda "cat >> $work/got" "$HOST"
    ok 'and the message' grep -q 'This is message 1' "$work/got"
done

# ---- a ticket that is larger than a command line ----
# One that says from which 380 addresses it may be used.
mkdir "$work/large"
{
    echo '[libdefaults]'
    echo '  noaddresses = false'
    echo '  extra_addresses = 127.0.0.1'
    for net in 0 1 2 3; do echo "  extra_addresses = $(seq -s, -f "10.0.$net.%g" 1 95)"; done
    grep -v '^\[libdefaults\]' "$KRB5_CONFIG"
} > "$work/large/krb5.conf"
large() { KRB5_CONFIG=$work/large/krb5.conf KRB5CCNAME=FILE:$work/large/tickets "$@"; }
ok 'such a ticket' large kinit -a "$USER1" <<< "$PASS1"
ok 'for our services' large kvno -q "imap/$HOST" "pop/$HOST" "smtp/$HOST"
ok 'IMAP with it' large by_ticket "$USER1@$REALM" "imaps://$HOST:$IMAPS_PORT/INBOX" -v
like 'it is a long line' "$(grep -a '^> ' "$work/out" | awk '{ if (length > longest) longest = length } END { print (longest > 7000) }')" 1
ok 'POP3 with it' large by_ticket "$USER1@$REALM" "pop3s://$HOST:$POP3S_PORT/"
ok 'SMTP with it' large by_ticket "$USER1@$REALM" "smtps://$HOST:$SMTPS_PORT/c.test" \
    --mail-from "$USER1@$DOMAIN" --mail-rcpt "$USER1@$DOMAIN" -T "$work/m"

# ---- another identity ----
like 'nobody acts as somebody else' "$(python=$(command -v /usr/bin/python3); "$python" - "$HOST" "$IMAPS_PORT" "$CAFILE" "$USER2" <<'END'
import imaplib, ssl, sys
import gssapi
host, port, ca, other = sys.argv[1:]
box = imaplib.IMAP4_SSL(host, int(port), ssl_context=ssl.create_default_context(cafile=ca))
context = gssapi.SecurityContext(name=gssapi.Name("imap@" + host, gssapi.NameType.hostbased_service), usage="initiate")
def answer(challenge):
    if not context.complete:
        return context.step(challenge or None) or b""
    context.unwrap(challenge)
    return context.wrap(b"\x01\x00\x00\x00" + other.encode(), False).message
try:
    print(box.authenticate("GSSAPI", answer))
except imaplib.IMAP4.error as error:
    print(error)
END
)" 'AUTHENTICATIONFAILED'

# ---- bound to the TLS connection (RFC 5929), and the other name of the host ----
kdc_admin addprinc -randkey imap/other.sandbox.test > /dev/null 2>&1
kdc_admin ktadd -k "$box/kdc/keytab" imap/other.sandbox.test > /dev/null 2>&1
kill -HUP "$PID"
ok 'a keytab with two names of the host' eventually log_has 'reload-done'
python_login() { # SERVICE-HOST BINDINGS: none, right, of-another-server, of-another-kind
    /usr/bin/python3 - "$HOST" "$IMAPS_PORT" "$CAFILE" "$@" <<'END'
import hashlib, imaplib, ssl, sys
import gssapi
host, port, ca, name, bindings = sys.argv[1:]
box = imaplib.IMAP4_SSL(host, int(port), ssl_context=ssl.create_default_context(cafile=ca))
certificate = box.sock.getpeercert(binary_form=True)
data = {
    "none": None,
    "right": b"tls-server-end-point:" + hashlib.sha256(certificate).digest(),
    "of-another-server": b"tls-server-end-point:" + hashlib.sha256(certificate + b"x").digest(),
    "of-another-kind": b"tls-unique:" + hashlib.sha256(certificate).digest(),
}[bindings]
bound = {} if data is None else {"channel_bindings": gssapi.raw.ChannelBindings(application_data=data)}
target = gssapi.Name("imap@" + name, gssapi.NameType.hostbased_service)
context = gssapi.SecurityContext(name=target, usage="initiate", **bound)
def answer(challenge):
    if not context.complete:
        return context.step(challenge or None) or b""
    context.unwrap(challenge)
    return context.wrap(b"\x01\x00\x00\x00", False).message
try:
    print(box.authenticate("GSSAPI", answer)[0])
except imaplib.IMAP4.error as error:
    print(error)
END
}
other_name_works() { [ "$(python_login other.sandbox.test none)" = OK ]; } # by the krbd that has read the keytab
ok 'a ticket for the other name' eventually other_name_works
is 'and for this one' "$(python_login "$HOST" none)" OK
is 'bound to this connection' "$(python_login "$HOST" right)" OK
is 'by the other name too' "$(python_login other.sandbox.test right)" OK
before=$(grep -c ' ticket-refused ' "$box/log")
like "bound to another server's" "$(python_login "$HOST" of-another-server)" AUTHENTICATIONFAILED
like 'bound in another way' "$(python_login "$HOST" of-another-kind)" AUTHENTICATIONFAILED
is 'the log says why' "$(grep ' ticket-refused ' "$box/log" | tail -n "+$((before + 1))" | grep -c "bound to another channel")" 2

# ---- whose it is ----
kdc_admin addprinc -pw x "nobody-here" > /dev/null 2>&1
ok 'a ticket of a principal without an account' ticket_of nobody-here x
fails 'is nobody' by_ticket "nobody-here@$REALM" "imaps://$HOST:$IMAPS_PORT/INBOX"
kdc_admin addprinc -pw x "$USER1/admin" > /dev/null 2>&1
ok 'an instance that no rule names' ticket_of "$USER1/admin" x
fails 'is nobody' by_ticket "$USER1/admin@$REALM" "imaps://$HOST:$IMAPS_PORT/INBOX"
ok 'the log says why' eventually log_has "ticket-refused .*no kerberos.principal for $USER1/admin@$REALM"

# ---- keys that change ----
ticket_of "$USER1" "$PASS1"
ok 'a ticket for the old key' kvno -q "imap/$HOST"
kdc_admin ktadd -k "$box/kdc/keytab" "imap/$HOST" > /dev/null 2>&1
kill -HUP "$PID"
reloads() { [ "$(grep -c ' reload-done ' "$box/log")" = 2 ]; }
ok 'the new keytab is read' eventually reloads
ok 'a ticket is taken' eventually by_ticket "$USER1@$REALM" "imaps://$HOST:$IMAPS_PORT/INBOX"
ok 'the old ticket is still good' by_ticket "$USER1@$REALM" "imaps://$HOST:$IMAPS_PORT/INBOX"
ticket_of "$USER1" "$PASS1"
ok 'and a new one' by_ticket "$USER1@$REALM" "imaps://$HOST:$IMAPS_PORT/INBOX"

cp "$box/kdc/keytab" "$work/keytab"
head -c 40 "$work/keytab" > "$box/kdc/keytab"
kill -HUP "$PID"
ok 'a keytab that was cut off is refused' eventually log_has ' reload-refused .*krbd#'
ok 'and tickets are taken as before' by_ticket "$USER1@$REALM" "imaps://$HOST:$IMAPS_PORT/INBOX"
fails 'no process has died' log_has ' process-died '
cp "$work/keytab" "$box/kdc/keytab"

# ---- not for this service, expired, bad ----
kdc_admin addprinc -randkey "ldap/$HOST" > /dev/null 2>&1
kdc_admin ktadd -k "$box/kdc/keytab" "ldap/$HOST" > /dev/null 2>&1
is 'what is no ticket, or one cut short' "$(/usr/bin/python3 - "$HOST" "$IMAPS_PORT" "$CAFILE" <<'END'
import imaplib, ssl, sys
import gssapi
host, port, ca = sys.argv[1:]
def attempt(token):
    box = imaplib.IMAP4_SSL(host, int(port), ssl_context=ssl.create_default_context(cafile=ca))
    try:
        box.authenticate("GSSAPI", lambda _: token)
        return "in"
    except imaplib.IMAP4.error:
        return "refused"
    finally:
        box.shutdown()
def token_for(service):
    name = gssapi.Name(service + "@" + host, gssapi.NameType.hostbased_service)
    return gssapi.SecurityContext(name=name, usage="initiate").step()
good = token_for("imap")
tries = [b"", b"\xff" * 64, b"\x60\x82\xff\xff" + good[4:], token_for("pop"), token_for("smtp"), good + good]
tries += [good[:n] for n in range(1, len(good), 97)]
print(sorted(set(map(attempt, tries))))
END
)" "['refused']"
ok 'and the system is well' by_ticket "$USER1@$REALM" "imaps://$HOST:$IMAPS_PORT/INBOX"
like 'without TLS no ticket is taken' "$(printf 'AUTH GSSAPI\nQUIT\n' | converse "$POP3_PORT")" '^-ERR .*TLS'

# ---- krbd away ----
# The one that was replaced with the keytab lives a little longer.
krbd=$(pgrep -n -P "$PID" -f '^krbd')
kill -KILL "$krbd"
ok 'krbd dies' eventually log_has 'process-died process=krbd'
ok 'a password is taken without krbd' imap "$USER1" "$PASS1" INBOX
ok 'krbd comes back' eventually by_ticket "$USER1@$REALM" "imaps://$HOST:$IMAPS_PORT/INBOX"
finish
