# lib.sh: what the breach tests share, on top of tests/system/lib.sh.

breach=$(cd "$(dirname "$0")" && pwd)
# shellcheck disable=SC1091
. "$breach/../system/lib.sh"
intruder=$build/tests/breach/intruder

account_id() { # USER
    tool account show "$1" --json | perl -MJSON::PP -0777 -ne 'print decode_json($_)->{id}'
}
setting() { "$build/tools/mr-conf" show "$CONFIG" | awk -v key="$1" '$1 == key { print $2 }'; }

# What the intruder is told of the system around a process.
start_breach_sandbox() {
    start_sandbox "$@"
    message victim > "$work/m"
    send a@client.test "$USER2@$DOMAIN" "$work/m"
    eventually nothing_pending
    accounts=$(setting uid-base.accounts)
    surroundings=(
        "file=/etc/passwd" "file=$CONFIG" "file=$box/tls/key.pem" "file=/proc/1/environ"
        "directory=/etc" "directory=$box/state/policyd" "directory=$box/state/authd" "directory=$box/spool/queue"
        "directory=$box/spool/mail/$(account_id "$USER2")/new"
        "message=$(cd "$box/spool/mail" && ls -d "$(account_id "$USER2")"/new/*)"
        "account=$(account_id "$USER2")" "account-uid=$((accounts + $(account_id "$USER2")))"
        "daemon-uid=$(($(setting uid-base.daemons) + 2))" "supervisor=$PID")
}
intrude() { # PLACE PID
    [ -n "$2" ] || { missed "$1 is there"; return; }
    report_of timeout 60 "$intruder" "$1" "$2" "${surroundings[@]}"
}

connect_to() { # PORT DESCRIPTOR: a connection that has been greeted
    eval "exec $2<> /dev/tcp/127.0.0.1/$1" && read -r -t "$patience" _ <&"$2"
}
child_of() { # NAME: its newest child
    pgrep -n -P "$(pid_of "$1")"
}

# Logs in over TLS and stays, in the background until the test ends.
hold_session() { # PORT COMMAND...
    local held=$work/held.$RANDOM
    perl -MIO::Socket::SSL -e '
        my ($port, $ca, @commands) = @ARGV;
        my $s = IO::Socket::SSL->new(PeerAddr => "127.0.0.1:$port", SSL_ca_file => $ca, SSL_verifycn_name => "localhost",
                                     SSL_verifycn_scheme => "imap") or die; alarm 600; $| = 1; print scalar <$s>;
        for (@commands) { print $s "$_\r\n"; while (<$s>) { print; last unless /^\*/ } }
        print "held\n"; <$s>' "$1" "$CAFILE" "${@:2}" > "$held" 9>&- &
    holders="${holders:-} $!"
    eventually grep -q held "$held" || bail_out "no session: $(cat "$held")"
}
# shellcheck disable=SC2086
release_sessions() { kill $holders 2> /dev/null; wait $holders 2> /dev/null; holders=; }
session_of() { # LISTENER USER: the process of its newest session
    sed -n "s/.* $1\[[0-9]*\] session-started .*account=$2 .*child=\([0-9]*\).*/\1/p" "$box/log" | tail -n 1
}
