#!/bin/bash
# mr-conf: a wrong configuration is refused with file, line and reason, all of it at once; what is shown means the same.
. "$(dirname "$0")/lib.sh"

conf() { "$build/tools/mr-conf" "$@"; }
file=$work/mailroom.conf
cat > "$file" <<'END'
# a small one
hostname  mail.example.test
domain    example.test
listen    smtp mx 127.0.0.1:2525 none
END
is 'a good one: no word' "$(conf check "$file" 2>&1)" ''
ok 'and status 0' conf check "$file"

conf show "$file" > "$work/shown.conf"
like 'defaults are shown' "$(cat "$work/shown.conf")" '^smtpd.command-timeout 5m$'
ok 'what is shown is a configuration' conf check "$work/shown.conf"
is 'that means the same' "$(conf show "$work/shown.conf")" "$(cat "$work/shown.conf")"
is 'as JSON' "$(conf show --json "$file" | perl -MJSON::PP -0777 -ne 'my $c = decode_json($_); print "@{$c->{domain}} $c->{hostname}"')" \
    'example.test mail.example.test'

cat >> "$file" <<'END'
smtpd.comand-timeout 5m
smtpd.max-errors lots
hostname again.example.test
listen smtp mx example.test:25 starttls
queued.lifetime 5
END
conf check "$file" > "$work/errors" 2>&1
is 'a wrong one: status 1' $? 1
is 'five errors' "$(wc -l < "$work/errors")" 5
errors=$(cat "$work/errors")
like 'a key that is not known, and what was meant' "$errors" "^$file:5: unknown key smtpd.comand-timeout; did you mean smtpd.command-timeout\?$"
like 'not a number' "$errors" "^$file:6: smtpd.max-errors: \"lots\" is not a number$"
like 'given twice' "$errors" "^$file:7: hostname: already given in line 2$"
like 'not an address' "$errors" "^$file:8: listen: \"example.test:25\" is not ADDRESS:PORT$"
like 'no unit' "$errors" "^$file:9: queued.lifetime: .*ms, s, m, h or d"

fails 'a file that is not there' conf check "$work/none"

# ---- the example of a campus: networks, 45 domains with routes ----
mkdir "$work/tls"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/tls/key.pem" -out "$work/tls/cert.pem" \
    -subj /CN=mail.campus.example -days 2 2> /dev/null
chmod 600 "$work/tls/key.pem"
sed "s|/etc/mailroom/[a-z-]*chain.pem|$work/tls/cert.pem|; s|/etc/mailroom/[a-z-]*key.pem|$work/tls/key.pem|" "$root/contrib/campus.conf" > "$work/campus.conf"
is 'contrib/campus.conf is accepted' "$(conf check "$work/campus.conf" 2>&1)" ''
is 'with its 45 domains and their routes' "$(conf show "$work/campus.conf" | grep -c '^\(relay-domain\|route\) ')" 90
conf > /dev/null 2>&1
is 'called wrongly: status 2' $? 2
fails 'mailroomd does not start with it' "$build/daemons/mailroomd/mailroomd" --config "$file" --unprivileged
finish
