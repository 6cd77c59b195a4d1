#!/bin/bash
# The registry in bulk, under kill -9, and old devices one by one: 5,000 devices in two seconds, nothing acknowledged lost.
. "$(dirname "$0")/lib.sh"
. "$here/outgoing.sh"
. "$here/devices.sh"
need_program swaks nsd ldns-signzone python3 openssl

mkdir -p "$work/rsa"; chmod 755 "$work/rsa"
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$work/rsa/key.pem" -out "$work/rsa/cert.pem" -subj /CN=localhost -days 2 \
    -addext subjectAltName=DNS:localhost 2> /dev/null
chmod 600 "$work/rsa/key.pem"
start_relay --set "certificate localhost $work/rsa/cert.pem $work/rsa/key.pem" --set 'policyd.device-old-tls yes'

# ---- import and export ----
python3 - > "$work/devices.csv" <<'PY'
print("name,dns-name,principal,from,contact,purpose,owner,limit,review,state")
for n in range(5000):
    state = ("active", "active", "suspended", "requested")[n % 4]
    print(f'copier{n:04},copier{n:04}.devices.test c{n:04}.devices.test,smtp-relay/copier{n:04}.devices.test,copier@devices.test,'
          f'it{n % 50}@devices.test,"Copier ""{n}"", floor {n % 9}",Library,messages/day={n + 1},2027-01-31,{state}')
PY
begin=$(date +%s%N)
ok 'five thousand devices are imported' device import "$work/devices.csv" --why 'from the old system'
took=$(( ($(date +%s%N) - begin) / 1000000 ))
diag <<< "import: $took ms"
ok 'in two seconds' [ "$took" -lt 2000 ]
is 'all of them' "$(device list | wc -l)" 5000
is 'each in its state' "$(device list --state suspended | wc -l)" 1250
is 'with its history' "$(history_of copier0002)" 'request approve suspend'
device export > "$work/out1.csv"
ok 'once more changes nothing' device import "$work/devices.csv" --why again
is 'in no history' "$(history_of copier0002)" 'request approve suspend'
sed 's/Library/Chapel/' "$work/devices.csv" | head -n 3 > "$work/other.csv"
fails 'another device of the same name is refused' device import "$work/other.csv" --why again
ok 'the example of a campus is imported' device import "$root/contrib/devices.csv" --why example
printf 'name,from\nbad,not-an-address\n,x@y.test\n' > "$work/bad.csv"
device import "$work/bad.csv" --why test 2> "$work/errors"
is 'errors are said with their lines, all of them' "$(grep -c 'bad.csv:[23]: ' "$work/errors")" 2
box1=$box box=$work/box2
start_sandbox
device import "$work/out1.csv" --why 'moved' || missed 'what was exported is imported'
device export > "$work/out2.csv"
ok 'and exported again as it was' cmp "$work/out1.csv" "$work/out2.csv"
sandbox stop > /dev/null
box=$box1; read_env

# ---- kill -9 in the middle of changes ----
# A device goes through all of its life, again and again, while policyd is killed.
restarted() { local pid; pid=$(pid_of policyd) && [ "$pid" != "$1" ] && device list > /dev/null; }
life() { # ROUND
    local n
    for n in $(seq 100); do
        device request victim --dns-name victim.test --from "$office" --contact a@b.test --purpose "$1-$n" --why "$1-$n-request" && echo "$1-$n-request"
        for step in approve suspend resume 'edit --owner me' remove; do
            device ${step%% *} victim $([ "$step" = "${step#* }" ] || echo "${step#* }") --why "$1-$n-${step%% *}" && echo "$1-$n-${step%% *}"
        done
    done
}
for round in 1 2 3 4 5 6; do
    life "$round" > "$work/done$round" 2> /dev/null &
    load=$!
    sleep "0.$((RANDOM % 5 + 2))"
    old=$(pid_of policyd); kill -9 "$old"
    eventually restarted "$old" > /dev/null || missed 'policyd comes back'
    kill $load; wait $load 2> /dev/null
done
ok 'many changes were made' [ "$(cat "$work"/done* | wc -l)" -gt 20 ]
device --json history victim > "$work/history"
cat > "$work/check.py" <<'PY'
import json, sys
steps = json.load(open(sys.argv[1]))
why = [s["why"] for s in steps]
done = [line.strip() for name in sys.argv[2:] for line in open(name)]
after = {"request": "requested", "approve": "active", "suspend": "suspended", "resume": "active", "remove": "removed"}
before = {"request": ("removed",), "approve": ("requested",), "suspend": ("active",), "resume": ("suspended",),
          "edit": ("requested", "active", "suspended"), "remove": ("requested", "active", "suspended")}
state, impossible = "removed", 0
for step in steps:
    impossible += state not in before[step["step"]]
    state = after.get(step["step"], state)
print("lost", len(set(done) - set(why)), "twice", len(why) - len(set(why)), "impossible", impossible,
      "in order", [w for w in why if w in done] == done, "state", state)
PY
state=$(device --json show victim | python3 -c 'import json,sys; print(json.load(sys.stdin)["state"])')
is 'each that was acknowledged is in the history, once, in its order, and the last one made the state' \
    "$(python3 "$work/check.py" "$work/history" "$work"/done?)" "lost 0 twice 0 impossible 0 in order True state $state"

# ---- quirks of one device ----
speak() { # IP TEXT...: each after the answer to the one before
    perl -MIO::Socket::INET -e '
        my ($ip, $port, @parts) = @ARGV;
        my $s = IO::Socket::INET->new(PeerAddr => "127.0.0.1", PeerPort => $port, LocalAddr => $ip); alarm 30; <$s>;
        for my $part (@parts) { $part =~ s/\\r/\r/g; $part =~ s/\\n/\n/g; print $s $part; my $l; do { $l = <$s> // last; print $l } while $l =~ /^\d{3}-/ }' \
        "$1" "$RELAY_PORT" "${@:2}"
}
bare() { speak "$1" 'HELO\r\n' "MAIL FROM:<$office>\\r\\n" "RCPT TO:<$FAR>\\r\\n" 'DATA\r\n' "From: $office\\nSubject: bare\\n\\nfirst\\n.\\nlast\\r\\n.\\r\\n" 'QUIT\r\n'; }
handshake() { # IP
    openssl s_client -connect "127.0.0.1:$RELAY_PORT" -bind "$1:0" -starttls smtp -tls1 -cipher 'DHE-RSA-AES128-SHA:@SECLEVEL=0' ${2:+-servername "$2"} \
        < /dev/null 2>&1 | grep -E '^ +(Protocol|Cipher) +:' | xargs
}
OLD=$ZONE_NET.10 NEW=$ZONE_NET.11
register old --dns-name client10.test --from "$office" --quirk any-helo --quirk bare-lf --quirk tls-min=1.0 --quirk old-ciphers
register new --dns-name client11.test --from "$office"
like 'an old device speaks as it can' "$(bare "$OLD")" '^250 2\.0\.0 .*accepted'
like 'another at the same port not' "$(bare "$NEW")" '^501 '
like 'its TLS is taken' "$(handshake "$OLD")" 'Protocol : TLSv1 Cipher : DHE-RSA-AES128-SHA'
like 'when it names the host as well' "$(handshake "$OLD" "$HOST")" 'Protocol : TLSv1 Cipher : DHE-RSA-AES128-SHA'
unlike 'and from no other device' "$(handshake "$NEW")" 'Cipher : DHE'
device suspend old --why test
unlike 'nor from one that is suspended' "$(handshake "$OLD")" 'Cipher : DHE'
fails 'what belongs to listeners is no quirk of a device' device edit new --quirk detect-tls --why test
finish
