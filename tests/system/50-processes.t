#!/bin/bash
# Each process runs as the table says: read from /proc and compared with `mailroomd --table`.
. "$(dirname "$0")/lib.sh"
need_root

status_of() { awk -v key="$2:" '$1 == key { $1 = ""; sub(/^[ \t]+/, ""); print }' "/proc/$1/status" | tr '\t' ' '; } # PID KEY
children_of() { pgrep -P "$1"; }
opened_files() { # PID: descriptors that name a place in the file system
    for fd in "/proc/$1/fd"/*; do readlink "$fd"; done | grep '^/' | grep -v -e '^/dev/null$' -e '^/memfd:'
}

walls() { # NAME PID: what every process but mailroomd has
    is "$1: no new privileges" "$(status_of "$2" NoNewPrivs)" 1
    is "$1: system-call filter" "$(status_of "$2" Seccomp)" 2
    is "$1: not dumpable" "$(stat -c %u:%g "/proc/$2/environ")" 0:0
    is "$1: no supplementary groups" "$(status_of "$2" Groups | tr -d ' ')" ''
    is "$1: no inheritable capabilities" "$(status_of "$2" CapInh)" 0000000000000000
    is "$1: no ambient capabilities" "$(status_of "$2" CapAmb)" 0000000000000000
}
identity() { # NAME PID UID CAPABILITIES ROOT
    is "$1: uid" "$(status_of "$2" Uid)" "$3 $3 $3 $3"
    is "$1: gid" "$(status_of "$2" Gid)" "$3 $3 $3 $3"
    is "$1: effective capabilities" "$(status_of "$2" CapEff)" "$4"
    is "$1: permitted capabilities" "$(status_of "$2" CapPrm)" "$4"
    is "$1: root directory" "$(readlink "/proc/$2/root")" "$5"
}

# With everything that can run, by somebody who has more open than he should.
need_program krb5kdc
exec 6< /dev/null
start_sandbox --kerberos --client-certificates
exec 6<&-
table=$("$box/libexec/mailroomd" --config "$CONFIG" --table)

# ---- the servers and listeners ----
while IFS=$'\t' read -r kind name _ uid path capabilities _; do
    [ "$kind" = process ] && [ "$name" != name ] && [ "$name" != mailroomd ] || continue
    pid=$(pid_of "$name") || { missed "$name runs"; continue; }
    identity "$name" "$pid" "$uid" "$(printf '%016x' "0x$capabilities")" "$(readlink -f "$path")"
    is "$name: bounding capabilities" "$(status_of "$pid" CapBnd)" "$(printf '%016x' "0x$capabilities")"
    walls "$name" "$pid"
done <<< "$table"
is 'no process beside them' "$(children_of "$PID" | wc -l)" "$(($(grep -c ^process <<< "$table") - 2))"

# ---- the file tree ----
while IFS=$'\t' read -r kind path owner mode _; do
    [ "$kind" = file ] || continue
    is "${path#"$box/"}: owner and mode" "$(stat -c '%u:%g %a' "$path")" "$owner:$owner $mode"
done <<< "$table"

# ---- a connection before login: a pool uid of its own, an empty root, nothing of the file system ----
key() { "$build/tools/mr-conf" show "$CONFIG" | awk -v key="$1" '$1 == key { print $2 }'; }
pool=$(key uid-base.login)
pool_end=$((pool + $(key uid-count.login)))
empty=$(readlink -f "$(awk -F '\t' '$2 == "keyd" { print $5 }' <<< "$table")")
exec 3<> "/dev/tcp/127.0.0.1/$SMTP_PORT" 4<> "/dev/tcp/127.0.0.1/$SMTP_PORT" 5<> "/dev/tcp/127.0.0.1/$IMAP_PORT"
read -r _ <&3; read -r _ <&4; read -r _ <&5
mapfile -t smtp_children < <(children_of "$(pid_of smtpd-mx)")
imap_child=$(children_of "$(pid_of imapd)")
is 'two connections are two processes' "${#smtp_children[@]}" 2
for pid in "${smtp_children[@]}" "$imap_child"; do
    uid=$(status_of "$pid" Uid | cut -d' ' -f 1)
    name="connection of $(process_name "$pid")"
    ok "$name: a uid of the pool" [ "$uid" -ge "$pool" -a "$uid" -lt "$pool_end" ]
    identity "$name" "$pid" "$uid" 0000000000000000 "$empty"
    walls "$name" "$pid"
    is "$name: no files" "$(opened_files "$pid")" ''
done
uids=$(for pid in "${smtp_children[@]}"; do status_of "$pid" Uid; done | sort -u | wc -l)
is 'and have two uids' "$uids" 2
exec 3>&- 4>&- 5>&-

# ---- a session: the account's uid in the account's directory ----
hold_session() { # ADDRESS PORT CAFILE COMMAND...: logs in over TLS, from that address, and stays
    perl -MIO::Socket::SSL -e '
        my ($address, $port, $ca, @commands) = @ARGV;
        my $s = IO::Socket::SSL->new(PeerAddr => "127.0.0.1:$port", LocalAddr => $address, SSL_ca_file => $ca, SSL_verifycn_name => "localhost",
                                     SSL_verifycn_scheme => "imap") or die; alarm 120; $| = 1; print scalar <$s>;
        for (@commands) { print $s "$_\r\n"; while (<$s>) { print; last unless /^\*/ } }
        print "held\n"; <$s>' "$@"
}
account_id=$(tool account show "$USER1" --json | perl -MJSON::PP -0777 -ne 'print decode_json($_)->{id}')
account_uid=$(($(key uid-base.accounts) + account_id))
account_root=$(readlink -f "$box/spool/mail/$account_id")
hold_session 127.0.2.1 "$IMAPS_PORT" "$CAFILE" "a LOGIN $USER1 $PASS1" 'b SELECT INBOX' > "$work/imap" &
imap_client=$!
hold_session 127.0.2.2 "$POP3S_PORT" "$CAFILE" "USER $USER2" "PASS $PASS2" > "$work/pop3" &
pop3_client=$!
ok 'an IMAP session' eventually grep -q held "$work/imap"
ok 'a POP3 session' eventually grep -q held "$work/pop3"
session=$(for pid in $(children_of "$(pid_of imapd)"); do status_of "$pid" Uid | grep -q "^$account_uid " && echo "$pid"; done)
ok 'the session runs as its account' [ -n "$session" ]
if [ -n "$session" ]; then
    identity 'session' "$session" "$account_uid" 0000000000000000 "$account_root"
    walls 'session' "$session"
    is 'session: no files beyond its directory' "$(opened_files "$session" | grep -v "^$account_root")" ''
fi
relay=$(for pid in $(children_of "$(pid_of imapd)"); do [ "$pid" = "$session" ] || echo "$pid"; done)
for pid in $relay; do
    is 'the TLS relay stays in the empty root' "$(readlink "/proc/$pid/root")" "$empty"
    is 'and holds no files' "$(opened_files "$pid")" ''
done

# ---- all that each has open, with two connections at each kind of listener, in the clear and within TLS, and two sessions ----
hold() { # ADDRESS:PORT...: connects from there, and stays
    exec perl -MIO::Socket::INET -e '
        $| = 1; alarm 120;
        for (@ARGV) {
            my ($address, $port) = split /:/;
            push @held, IO::Socket::INET->new(LocalAddr => $address, PeerAddr => "127.0.0.1:$port") // die "$_: $!";
            my $socket = $held[-1]; <$socket> }
        print "held\n"; sleep' "$@"
}
hold "127.0.1.1:$SMTP_PORT" "127.0.1.2:$SMTP_PORT" "127.0.1.3:$IMAP_PORT" "127.0.1.4:$IMAP_PORT" "127.0.1.5:$POP3_PORT" \
    "127.0.1.6:$POP3_PORT" > "$work/connections" &
clients=("$!" $imap_client $pop3_client)
for number in 7 8; do
    hold_session "127.0.1.$number" "$IMAPS_PORT" "$CAFILE" > "$work/imaps.$number" &
    clients+=("$!")
    ok "a connection within TLS from 127.0.1.$number" eventually grep -q held "$work/imaps.$number"
done
ok 'connections' eventually grep -q held "$work/connections"
all_expected() { # who starts or ends somebody has more open for a moment
    MAILROOM_ENV=$box/env "$here/descriptors.py" | sed "s|DIR/spool/mail/[0-9]\+|DIR/spool/mail/ACCOUNT|g" > "$work/descriptors"
    diff -q <(sort "$work/descriptors") <(grep -v '^#' "$here/descriptors.expected" | sort) > /dev/null
}
eventually all_expected
while read -r name expected; do
    [ "${name:0:1}" != '#' ] || continue
    is "$name: what it has open" "$(sed -n "s|^$name ||p" "$work/descriptors")" "$expected"
done < "$here/descriptors.expected"
is 'and nobody else is there' "$(cut -d' ' -f 1 "$work/descriptors" | sort | xargs)" \
    "$(grep -v '^#' "$here/descriptors.expected" | cut -d' ' -f 1 | sort | xargs)"
kill "${clients[@]}" 2> /dev/null
wait 2> /dev/null

# ---- private keys are with keyd alone, passwords with authd ----
for pid in "$PID" $(children_of "$PID"); do
    name=$(process_name "$pid")
    [ "$pid" != "$PID" ] || name=mailroomd
    files=$(opened_files "$pid")
    unlike "$name holds no key file" "$files" 'key\.pem'
done
finish
