#!/bin/bash
# C3, C11: the examples of mailroom-policy(7), mr-device(8) and mr-access(8), as they stand there, and what they show.
. "$(dirname "$0")/lib.sh"
. "$here/outgoing.sh"
need_program nsd ldns-signzone python3 swaks

start_sandbox --zone --set 'domain campus.example' --set 'limit account messages hour 100 300' --set 'policyd.device-old-tls yes'
examples() { report_of "$here/examples.py" "$root/man/$1" EXAMPLES "${@:2}"; } # PAGE [PATTERN]

# The commands know the sandbox; the log is where journalctl says.
mkdir "$work/bin"
for name in access device; do
    printf '#!/bin/sh\nexec "%s" --config "%s" "$@"\n' "$build/tools/mr-$name" "$CONFIG" > "$work/bin/mr-$name"
done
printf '#!/bin/sh\ncat "%s"\n' "$work/journal" > "$work/bin/journalctl"
chmod 755 "$work/bin"/*
export PATH=$work/bin:$PATH SUDO_USER=anna
cd "$work" || exit
zone_add <<'END'
7.2.0.192.in-addr.arpa. PTR hp1.campus.example.
hp1.campus.example.     A   192.0.2.7
END
for name in anna scans it; do tool account add "$name" --no-password > /dev/null; done
tool account functional scans yes
echo anna-in-the-meadow | tool account passwd anna --password-stdin

# ---- mailroom-policy(7) ----
examples mailroom-policy.7 'mr-access|mr-device'
# Its configurations, each with what every configuration needs.
configuration() { # PATTERN
    python3 - "$root/man/mailroom-policy.7" "$1" <<'PY'
import re, sys
for block in re.findall(r"\.Bd -literal[^\n]*\n(.*?)\.Ed", open(sys.argv[1]).read(), re.S):
    if re.search(sys.argv[2], block): print(block)
PY
}
for pattern in '^relay-domain' '^listen smtp relay'; do
    { grep -E '^(hostname|certificate) ' "$CONFIG"; configuration "(?m)$pattern"; grep -q '^domain' <(configuration "(?m)$pattern") || echo 'domain campus.example'; } > "$work/site.conf"
    is "the configuration with $pattern" "$("$build/tools/mr-conf" check "$work/site.conf" 2>&1)" ''
done

# ---- mr-device(8) ----
sed -n '/^\$ cat devices.csv/,/^# mr-device import/p' "$root/man/mr-device.8" | sed '1d;$d' > devices.csv
echo 'a-password-of-a-device' > secret
at_terminal() (
    set -o pipefail
    "$here/at_terminal.py" "$(cat secret)" "$here/examples.py" "$root/man/mr-device.8" EXAMPLES | tr -d '\r'
)
report_of at_terminal
like 'the device of 2008 has new software' "$(tool device show fax2)" '^from +fax@example\.edu'
unlike 'and nothing is forgiven it' "$(tool device show fax2)" '^(quirk|review) '

# ---- mr-access(8) ----
PORT=$SUBMISSION_PORT as_client 127.0.0.1 --tls --auth PLAIN --auth-user anna --auth-password anna-in-the-meadow --from anna@campus.example \
    --h-From anna@campus.example --to someone@elsewhere.example
like 'somebody has sent something' "$reply" "^$taken"
id=$(sed -nE 's/.* mr-access why ([0-9a-f]+)$/\1/p' "$root/man/mr-access.8")
queue=$(last_rule | sed -E 's/.*queue=([^ ]*).*/\1/')
sed "s/$queue/$id/g" "$box/log" > "$work/journal"
examples mr-access.8
finish
