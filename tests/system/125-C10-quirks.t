#!/bin/bash
# C10, A14: what one listener forgives old clients, and no other does; what a handshake lacked is said in words.
. "$(dirname "$0")/lib.sh"
. "$here/outgoing.sh"
need_program swaks openssl perl

mkdir -p "$work/rsa"
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$work/rsa/key.pem" -out "$work/rsa/cert.pem" -subj /CN=localhost -days 2 \
    -addext subjectAltName=DNS:localhost 2> /dev/null
chmod 600 "$work/rsa/key.pem"
chmod 755 "$work/rsa"
free_port() { perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(LocalAddr => "127.0.0.1", Listen => 1)->sockport'; }
port=$(free_port)
mx_port=$(free_port)
start_sandbox --set "listen smtp mx 127.0.0.1:$mx_port starttls add-fields" \
    --set "certificate localhost $work/rsa/cert.pem $work/rsa/key.pem" \
    --set "listen smtp relay 127.0.0.1:$port starttls tls-min=1.0 old-ciphers bare-lf any-helo detect-tls"

handshake() { # PORT OPTION...: what was agreed on
    local at=$1; shift
    openssl s_client -connect "127.0.0.1:$at" -starttls smtp "$@" < /dev/null 2>&1 | grep -E '^ +(Protocol|Cipher) +:|alert' | xargs
}
old=(-tls1 -cipher 'DHE-RSA-AES128-SHA:@SECLEVEL=0')
like 'TLS 1.0 with Diffie-Hellman, as a copier of 2008 has it' "$(handshake "$port" "${old[@]}")" 'Protocol : TLSv1 Cipher : DHE-RSA-AES128-SHA'
like 'TLS 1.1 with ECDHE' "$(handshake "$port" -tls1_1 -cipher 'ECDHE-RSA-AES128-SHA:@SECLEVEL=0')" 'Protocol : TLSv1.1 Cipher : ECDHE-RSA-AES128-SHA'
like 'TLS 1.2 with CBC' "$(handshake "$port" -tls1_2 -cipher 'DHE-RSA-AES128-SHA')" 'Cipher : DHE-RSA-AES128-SHA'
like 'TLS 1.2 as everywhere' "$(handshake "$port" -tls1_2)" 'Cipher : ECDHE-(RSA|ECDSA)-AES'
unlike 'but not without forward secrecy' "$(handshake "$port" -tls1 -cipher 'AES128-SHA:@SECLEVEL=0')" 'Cipher : AES128-SHA'
unlike 'the other listeners know nothing of it' "$(handshake "$RELAY_PORT" "${old[@]}")" 'Cipher : DHE'
ok 'and the log says what that client lacked' \
    eventually log_has 'tls-failed .*client offers at most TLS 1\.0, needed is TLS 1\.2; its suites: TLS_DHE_RSA_WITH_AES_128_CBC_SHA'
handshake "$RELAY_PORT" -tls1_2 -cipher AES128-SHA > /dev/null
ok 'versions and ciphers both' eventually log_has 'tls-failed .*no common cipher suite or key type, client offers TLS 1\.2 with TLS_RSA_WITH_AES_128_CBC_SHA'

# ---- TLS at once on a port with STARTTLS ----
like 'a client set to SSL on the port with STARTTLS' \
    "$(swaks --server "127.0.0.1:$port" --tls-on-connect --helo c.test --from s@c.test --to "$USER1@$DOMAIN" 2>&1)" '^<~  250 2\.0\.0 '
like 'one that waits for the greeting' \
    "$(swaks --server "127.0.0.1:$port" --helo c.test --from s@c.test --to "$USER1@$DOMAIN" 2>&1)" '^<-  250 2\.0\.0 '
unlike 'and elsewhere not' "$(swaks --server "127.0.0.1:$RELAY_PORT" --tls-on-connect --timeout 5 --from s@c.test --to "$USER1@$DOMAIN" 2>&1)" '250 2\.0\.0'

# ---- bare LF and HELO ----
speak() { # PORT TEXT: all at once after the greeting, with pauses where DATA needs them
    perl -MIO::Socket::INET -e '
        my ($port, @parts) = @ARGV;
        my $s = IO::Socket::INET->new("127.0.0.1:$port"); alarm 30; <$s>;
        for my $part (@parts) { $part =~ s/\\r/\r/g; $part =~ s/\\n/\n/g; print $s $part; my $l; do { $l = <$s> // last; print $l } while $l =~ /^\d{3}-/ }' "$@"
}
bare=('EHLO c.test\r\n' 'MAIL FROM:<s@c.test>\r\n' "RCPT TO:<$USER2@$DOMAIN>\\r\\n" 'DATA\r\n'
    'Subject: bare\n\nfirst\n.\nMAIL FROM:<x@evil.org>\nlast\r\n.\r\n' 'QUIT\r\n')
like 'lone LFs are taken' "$(speak "$port" "${bare[@]}")" '^250 2\.0\.0 .*accepted'
ok 'and the message arrives' eventually delivered "$USER2" "$PASS2" 1
unlike 'without one of them' "$(pop3 "$USER2" "$PASS2" 1 | perl -0777 -ne 'print "bare\n" if /(?<!\r)\n/')" bare
like 'in one piece: LF . LF is no end of data' "$(pop3 "$USER2" "$PASS2" 1)" 'MAIL FROM:<x@evil'
like 'elsewhere they are refused' "$(speak "$RELAY_PORT" "${bare[@]}")" '^550 5\.5\.2 '
like 'HELO without a name' "$(printf 'HELO\nQUIT\n' | converse "$port")" '^250 '
like 'with a wrong one' "$(printf 'EHLO (none) !\nQUIT\n' | converse "$port")" '^250 '
like 'elsewhere refused' "$(printf 'HELO\nQUIT\n' | converse "$RELAY_PORT")" '^501 '

# ---- Date and Message-ID ----
# The names of the fields that a message has there when it has arrived, but for the trace.
fields_at() { # PORT FIELD...: as the only fields that it is sent with
    local at=$1 arrivals; shift
    arrivals=$(($(pop3 "$USER1" "$PASS1" '' | grep -c '^[0-9]') + 1))
    { printf '%s\r\n' "$@"; printf '\r\nthe text\r\n'; } > "$work/bare.eml"
    curl_mail --url "smtp://127.0.0.1:$at/c.test" --mail-from s@c.test --mail-rcpt "$USER1@$DOMAIN" -T "$work/bare.eml"
    eventually delivered "$USER1" "$PASS1" "$arrivals"
    pop3 "$USER1" "$PASS1" "$arrivals" | without_trace > "$work/arrived.eml"
    sed -n '/^\r*$/q; s/^\([A-Za-z-]*\):.*/\1/p' "$work/arrived.eml" | sort | xargs
}
own_id="Message-ID: <[0-9A-Za-z]+@mail\.$DOMAIN>"
now="Date: [A-Z][a-z]{2}, [ 0-9]?[0-9] [A-Z][a-z]{2} $(date -u +%Y) [0-9:]{8} [+-][0-9]{4}"
is 'an mx adds no fields' "$(fields_at "$SMTP_PORT" 'From: s@c.test' 'Subject: bare')" 'From Subject'
is 'one with add-fields adds Date and Message-ID' "$(fields_at "$mx_port" 'From: s@c.test' 'Subject: bare')" 'Date From Message-ID Subject'
like 'of the day that it is' "$(cat "$work/arrived.eml")" "$now"
like 'and its own' "$(cat "$work/arrived.eml")" "$own_id"
is 'which arrives with the rest as it was' "$(grep -vE "^(Date|Message-ID): " "$work/arrived.eml")" "$(cat "$work/bare.eml")"
is 'a relay does so always' "$(fields_at "$RELAY_PORT" 'From: s@c.test' 'Subject: bare')" 'Date From Message-ID Subject'
for at in "$mx_port" "$RELAY_PORT"; do
    is 'only what is missing is added' "$(fields_at "$at" 'From: s@c.test' 'date: Mon, 14 Sep 2026 08:30:00 -0400')" 'From Message-ID date'
    is 'and nothing where nothing is' \
        "$(fields_at "$at" 'From: s@c.test' 'Date: Mon, 14 Sep 2026 08:30:00 -0400' 'Message-Id: <1@c.test>')" 'Date From Message-Id'
    is 'so the message stays as it was' "$(cat "$work/arrived.eml")" "$(cat "$work/bare.eml")"
done
finish
