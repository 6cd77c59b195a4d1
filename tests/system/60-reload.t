#!/bin/bash
# SIGHUP: a wrong configuration changes nothing and all its errors are said; a right one is for new connections.
. "$(dirname "$0")/lib.sh"

start_sandbox
cp "$CONFIG" "$work/good.conf"
reload() { kill -HUP "$PID"; }
greeting() { (exec 3<> "/dev/tcp/127.0.0.1/$SMTP_PORT"; timeout "$patience" head -n 1 <&3); }
fingerprint() {
    timeout "$patience" openssl s_client -connect "127.0.0.1:$IMAPS_PORT" < /dev/null 2> /dev/null | openssl x509 -noout -fingerprint -sha256
}
done_count() { grep -c ' reload-done ' "$box/log"; }
reloads() { [ "$(done_count)" -ge "$1" ]; }

# ---- wrong: three errors in three lines ----
{ cat "$work/good.conf"; echo 'smtpd.comand-timeout 5m'; echo 'imapd.idle-timeout 1s'; echo 'listen pop3 nowhere none'; } > "$CONFIG"
lines=$(wc -l < "$CONFIG")
reload
ok 'a wrong configuration is refused' eventually log_has ' reload-refused '
errors=$(grep ' config-error ' "$box/log")
like 'the first error with its line' "$errors" "line=$((lines - 2)) .*did you mean smtpd\.command-timeout"
like 'the second' "$errors" "line=$((lines - 1)) .*imapd\.idle-timeout"
like 'the third' "$errors" "line=$lines .*listen"
is 'nothing else' "$(wc -l <<< "$errors")" 3
is 'and nothing has changed' "$(done_count)" 0
message 1 > "$work/m"
ok 'mail still goes in' send a@client.test "$USER1@$DOMAIN" "$work/m"

# ---- more than a process can be started with ----
refused=$(grep -c ' reload-refused ' "$box/log")
{ cat "$work/good.conf"; for n in $(seq 471); do echo "listen smtp mx 127.0.0.2:$((2000 + n)) none"; done; } > "$CONFIG"
reload
more_refused() { [ "$(grep -c ' reload-refused ' "$box/log")" -gt "$refused" ]; }
ok 'too many listeners are refused' eventually more_refused
ok 'with the reason' eventually log_has 'config-error .*more than 470 listen lines'
ok 'and mail goes in' send a@client.test "$USER1@$DOMAIN" "$work/m"

# ---- what needs a restart is not changed by a reload ----
{ cat "$work/good.conf"; echo 'queued.lifetime 4d'; } > "$CONFIG"
reload
ok 'a change that needs a restart is refused' eventually log_has 'config-error .*queued\.lifetime'

# ---- keys and certificates that are whole and of no use: the old ones stay ----
before=$(fingerprint)
cp "$work/good.conf" "$CONFIG"
cp "$box/tls/cert.pem" "$work/cert.pem"
cp "$box/tls/key.pem" "$work/key.pem"
answers() { grep -cE ' reload-(done|refused) ' "$box/log"; }
reload_is_answered() { # waits for it
    local before
    before=$(answers)
    answered() { [ "$(answers)" -gt "$before" ]; }
    reload
    eventually answered
}
mend() { cp "$work/cert.pem" "$box/tls/cert.pem"; cp "$work/key.pem" "$box/tls/key.pem"; }
keeps_the_old() { # WHAT REASON
    like "$1: mr-conf says so" "$("$build/tools/mr-conf" check "$CONFIG" 2>&1)" "$2"
    ok "$1: a reload is answered" reload_is_answered
    like "$1: it is refused" "$(grep -oE ' reload-(done|refused) .*' "$box/log" | tail -n 1)" '^ reload-refused .*keyd#'
    ok "$1: the log says why" eventually log_has " key-refused .*$2"
    is "$1: the old certificate is shown" "$(fingerprint)" "$before"
    ok "$1: a login works" pop3 "$USER1" "$PASS1" ''
    mend
}
(
    cd "$work" && umask 077
    openssl ecparam -name prime256v1 -genkey -noout -out other.pem
    openssl req -new -key key.pem -subj "/CN=mail.$DOMAIN" -out request.pem
    openssl x509 -req -in request.pem -CA "$box/tls/ca.pem" -CAkey "$box/tls/ca-key.pem" -days 2 -sha1 -out weak.pem
) 2> /dev/null
cp "$work/other.pem" "$box/tls/key.pem"
keeps_the_old 'a key of another certificate' 'the private key is not the certificate.s'
printf -- '-----BEGIN CERTIFICATE-----\nMAMCAQU=\n-----END CERTIFICATE-----\n' > "$box/tls/cert.pem"
keeps_the_old 'a certificate that says nothing' 'not a certificate'
cp "$work/weak.pem" "$box/tls/cert.pem"
keeps_the_old 'a signature with SHA-1' 'a digest that is too weak'
echo nonsense > "$box/tls/key.pem"
keeps_the_old 'a key that is none' 'not an unencrypted private key'
fails 'no process has died' log_has ' process-died '

reload
ok 'mended, it is taken' eventually reloads 1
is 'under the same certificate' "$(fingerprint)" "$before"

# ---- right: another name, another certificate, another listener; old connections finish under the old one ----
exec 3<> "/dev/tcp/127.0.0.1/$SMTP_PORT"
read -r old <&3
like 'the old greeting' "$old" "^220 mail\.$DOMAIN "
before=$(fingerprint)
(
    cd "$box/tls" && umask 077
    openssl req -newkey rsa:2048 -nodes -keyout key2.pem -out request.pem -subj "/CN=mail2.$DOMAIN" 2> /dev/null
    printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\n' > extensions
    openssl x509 -req -in request.pem -CA ca.pem -CAkey ca-key.pem -days 2 -extfile extensions -out cert2.pem 2> /dev/null
)
port=$(perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(LocalAddr => "127.0.0.1", Listen => 1)->sockport')
sed -e "s/^hostname .*/hostname mail2.$DOMAIN/" -e 's/cert\.pem/cert2.pem/; s/key\.pem/key2.pem/' "$work/good.conf" > "$CONFIG"
echo "listen smtp mx 127.0.0.1:$port starttls" >> "$CONFIG"
reload
ok 'a right configuration is taken' eventually reloads 2

like 'names the new host' "$(greeting)" "^220 mail2\.$DOMAIN "
ok 'another certificate' [ "$(fingerprint)" != "$before" ]
ok 'the new listener' curl_mail --url "smtp://$HOST:$port/c.test" --ssl-reqd --mail-from a@c.test --mail-rcpt "$USER1@$DOMAIN" -T "$work/m"
printf 'EHLO client.test\r\n' >&3
read -r -t 20 answer <&3
like 'the old connection goes on under the old name' "$answer" "^250-mail\.$DOMAIN"
printf 'QUIT\r\n' >&3
exec 3>&-
ok 'login works' pop3 "$USER1" "$PASS1" ''
ok 'all mail has arrived' eventually delivered "$USER1" "$PASS1" 3

# ---- and back ----
cp "$work/good.conf" "$CONFIG"
reload
ok 'back again' eventually reloads 3
like 'the old name' "$(greeting)" "^220 mail\.$DOMAIN "
is 'the old certificate' "$(fingerprint)" "$before"
fails "the listener is gone" bash -c "exec 3<> /dev/tcp/127.0.0.1/$port"

# ---- one right after the other: the last counts, whatever became of the others ----
for n in 1 2 3 4 5; do
    sed "s/^hostname .*/hostname mail$n.$DOMAIN/" "$work/good.conf" > "$CONFIG"
    reload
done
named_by_the_last() { greeting | grep -q "^220 mail5\.$DOMAIN "; }
ok 'of five reloads in a row the last counts' eventually named_by_the_last
ok 'and mail goes in' send a@client.test "$USER1@$DOMAIN" "$work/m"
ok 'and out' pop3 "$USER1" "$PASS1" ''
fails 'no process has died' log_has ' process-died '
finish
