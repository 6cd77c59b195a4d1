#!/bin/bash
# POP3 with clients that were not written for us: curl, mpop, fetchmail.
. "$(dirname "$0")/lib.sh"
need_program curl mpop fetchmail

start_sandbox
for i in 1 2 3; do
    message $i > "$work/m$i"
    send sender@client.test "$USER1@$DOMAIN" "$work/m$i"
    eventually delivered "$USER1" "$PASS1" $i # one after the other, so that their order is known
done

# ---- curl: implicit TLS and STLS ----
is 'LIST has three messages' "$(pop3 "$USER1" "$PASS1" '' | wc -l)" 3
for i in 1 2 3; do
    pop3 "$USER1" "$PASS1" $i | without_trace > "$work/got"
    ok "RETR $i is what was sent" cmp "$work/got" "$work/m$i"
done
pop3 "$USER1" "$PASS1" 1 > "$work/whole"
like 'LIST says its size' "$(pop3 "$USER1" "$PASS1" '' | tr -d '\r' | head -n 1)" "^1 $(wc -c < "$work/whole")\$"
ok 'STLS' curl_mail --ssl-reqd --url "pop3://$HOST:$POP3_PORT/1" --user "$USER1:$PASS1"
for mechanism in PLAIN LOGIN; do
    ok "AUTH $mechanism" curl_mail --login-options "AUTH=$mechanism" --url "pop3s://$HOST:$POP3S_PORT/1" --user "$USER1:$PASS1"
done
ok 'TOP 1 1' sh -c "curl -sS --cacert $CAFILE --url pop3s://$HOST:$POP3S_PORT/ -X 'TOP 1 1' --user $USER1:$PASS1 | grep -q 'This is message 1'"
fails 'a wrong password' pop3 "$USER1" wrong ''
fails 'an unknown account' pop3 nobody secret ''

# ---- without TLS ----
capa=$(printf 'CAPA\nUSER alice\nQUIT\n' | perl -MIO::Socket::INET -e '
    my $s = IO::Socket::INET->new("127.0.0.1:$ARGV[0]"); alarm 20; print scalar <$s>;
    print $s "CAPA\r\nUSER alice\r\nQUIT\r\n"; print while <$s>' "$POP3_PORT")
like 'CAPA offers STLS' "$capa" '^STLS'
unlike 'and no login' "$capa" '^(USER|SASL)'
like 'USER is refused, with what to do' "$capa" '^-ERR .*TLS'

# ---- UIDLs stay ----
uidl() { pop3 "$USER1" "$PASS1" '' -X UIDL | tr -d '\r'; }
before=$(uidl)
is 'three UIDLs' "$(sort -uk 2 <<< "$before" | wc -l)" 3
ok 'DELE and QUIT' pop3 "$USER1" "$PASS1" 2 -X DELE -I
ok 'two are left' delivered "$USER1" "$PASS1" 2
is 'their UIDLs are the same' "$(uidl | awk '{ print $2 }')" "$(awk 'NR != 2 { print $2 }' <<< "$before")"

# ---- a session that does not come to QUIT deletes nothing ----
perl -MIO::Socket::SSL -e '
    my $s = IO::Socket::SSL->new(PeerAddr => "127.0.0.1:$ARGV[0]", SSL_ca_file => $ARGV[1], SSL_verifycn_name => "localhost",
                                 SSL_verifycn_scheme => "pop3") or die $IO::Socket::SSL::SSL_ERROR;
    alarm 30; scalar <$s>;
    for my $command ("USER $ARGV[2]", "PASS $ARGV[3]", "DELE 1") { print $s "$command\r\n"; print scalar <$s> }
    ' "$POP3S_PORT" "$CAFILE" "$USER1" "$PASS1" > "$work/interrupted"
like 'DELE was acknowledged' "$(cat "$work/interrupted")" '^\+OK'
ok 'and nothing is deleted' delivered "$USER1" "$PASS1" 2

# ---- mpop ----
cat > "$work/mpoprc" <<END
account default
host $HOST
port $POP3_PORT
user $USER1
password $PASS1
tls on
tls_starttls on
tls_trust_file $CAFILE
delivery mbox $work/mpop.mbox
uidls_file $work/mpop.uidls
keep on
END
chmod 600 "$work/mpoprc"
ok 'mpop fetches by STLS' mpop -C "$work/mpoprc"
is 'two messages' "$(grep -c '^Subject: message' "$work/mpop.mbox")" 2
ok 'mpop again' mpop -C "$work/mpoprc"
is 'nothing twice' "$(grep -c '^Subject: message' "$work/mpop.mbox")" 2

# ---- fetchmail ----
cat > "$work/fetchmailrc" <<END
poll $HOST service $POP3S_PORT protocol POP3
  user "$USER1" password "$PASS1" ssl sslcertck sslcertfile "$CAFILE" sslproto "auto"
  mda "cat >> $work/fetchmail.out" nokeep
END
chmod 600 "$work/fetchmailrc"
ok 'fetchmail takes everything' env FETCHMAILHOME="$work" fetchmail --nodetach --nosyslog -f "$work/fetchmailrc"
is 'both messages' "$(grep -c '^Subject: message' "$work/fetchmail.out")" 2
ok 'the mailbox is empty' delivered "$USER1" "$PASS1" 0
finish
