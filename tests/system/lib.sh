# lib.sh: what the system tests share.  A test is a bash script that sources this file, starts a sandbox, makes
# observations with ok, is and like, and ends with finish.  It prints TAP; prove runs it.
#
#   MAILROOM_BUILD   the build directory (default: build)
#   KEEP=1           leaves the sandbox's directory behind
#
# Each test has its own sandbox in its own temporary directory, ended and removed when the script ends, however it ends.

set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
build=$(cd "${MAILROOM_BUILD:-$root/build}" && pwd) || exit 2
messages=$root/tests/messages
# Commands that wait for something wait this long: generous, since a loaded machine is slow and no test measures time.
patience=60

work=$(mktemp -d "${TMPDIR:-/tmp}/mailroom-test.XXXXXX")
chmod 755 "$work"
box=$work/box
count=0
failed=0

sinks=()  # pids

cleanup() {
    local status=$?
    trap - EXIT
    [ ${#sinks[@]} = 0 ] || kill "${sinks[@]}" 2> /dev/null
    [ ! -e "$box/env" ] || "$build/tools/mr-sandbox" stop "$box" > /dev/null 2>&1
    if [ "$failed" -gt 0 ] && [ -s "$box/log" ]; then tail -n 40 "$box/log" | diag; fi
    [ -n "${KEEP:-}" ] || rm -rf "$work"
    exit "$status"
}
trap cleanup EXIT
trap 'exit 130' INT TERM HUP

# ---- TAP ----

diag() { sed 's/^/# /'; }

passed() { count=$((count + 1)); echo "ok $count - $1"; }
missed() { count=$((count + 1)); failed=$((failed + 1)); echo "not ok $count - $1"; }
skip() { count=$((count + 1)); echo "ok $count - $1 # SKIP $2"; } # DESCRIPTION REASON

ok() { # DESCRIPTION COMMAND...: the command succeeds
    local description=$1; shift
    if "$@" > "$work/out" 2>&1; then passed "$description"; else missed "$description"; diag < "$work/out"; fi
}
fails() { # DESCRIPTION COMMAND...: the command fails
    local description=$1; shift
    if "$@" > "$work/out" 2>&1; then missed "$description"; diag < "$work/out"; else passed "$description"; fi
}
is() { # DESCRIPTION GOT EXPECTED
    if [ "$2" = "$3" ]; then passed "$1"; else missed "$1"; printf 'got:      %s\nexpected: %s\n' "$2" "$3" | diag; fi
}
like() { # DESCRIPTION TEXT EXTENDED-REGEX
    if grep -qE -- "$3" <<< "$2"; then passed "$1"; else missed "$1"; printf 'got: %s\nwanted: %s\n' "$2" "$3" | diag; fi
}
unlike() { # DESCRIPTION TEXT EXTENDED-REGEX
    if grep -qE -- "$3" <<< "$2"; then missed "$1"; printf 'got: %s\nunwanted: %s\n' "$2" "$3" | diag; else passed "$1"; fi
}
# A program's lines 'ok - WHAT' and 'not ok - WHAT'; others explain.  It fails too when it has none, or does not come to its end.
report_of() { # COMMAND...
    local line status='' before=$count missed_before=$failed
    while read -r line; do
        case $line in
            'ok - '*) passed "${line#ok - }" ;;
            'not ok - '*) missed "${line#not ok - }" ;;
            'ended with '*) status=${line#ended with } ;;
            *) sed 's/^\(# \)*/# /' <<< "$line" ;;
        esac
    done < <("$@" 2>&1; echo "ended with $?")
    [ "$status" = 0 ] || [ "$failed" -gt "$missed_before" ] || missed "$1 comes to its end: $status"
    [ "$count" -gt "$before" ] || missed "$1 tries something"
}
# A line of a test that names no command has tried nothing. Runs in a process of its own: it cannot count.
command_not_found_handle() { echo "not ok - there is a command $1" >&2; return 127; }
finish() { nothing_reported; echo "1..$count"; [ "$failed" = 0 ]; exit; }
# What the sanitizers of a build that has them say comes into the log as any other output does.
nothing_reported() {
    local reports
    reports=$(grep -aE 'AddressSanitizer|runtime error: ' "$box/log" 2> /dev/null) || return
    missed 'no sanitizer has anything to report'
    diag <<< "$reports"
}
skip_all() { echo "1..0 # SKIP $1"; exit 0; }
bail_out() { echo "Bail out!  $1"; exit 2; }

eventually() { # COMMAND...: within $patience seconds it succeeds
    local end=$((SECONDS + patience))
    until "$@" > /dev/null 2>&1; do
        [ $SECONDS -lt $end ] || { echo "never: $*"; return 1; }
        sleep 0.1
    done
}

# A process that is there and not just waiting to be reaped.
alive() { grep -q '^State:[[:blank:]]*[^ZX[:blank:]]' "/proc/$1/status" 2> /dev/null; }
gone() { ! alive "$1"; }

need_root() { [ "$(id -u)" = 0 ] || skip_all "needs root"; }
need_program() { local each; for each in "$@"; do command -v "$each" > /dev/null || skip_all "needs $each"; done; }

# ---- the sandbox ----

sandbox() { # VERB [OPTION...]
    local verb=$1; shift
    "$build/tools/mr-sandbox" "$verb" "$box" "$@" 9>&-
}
start_sandbox() { # [OPTION...]: a test that cannot start one has failed
    if ! sandbox start "$@" > "$work/start.out" 2>&1; then
        diag < "$work/start.out"
        [ ! -s "$box/log" ] || tail -n 20 "$box/log" | diag
        missed "the sandbox starts"
        finish
    fi
    read_env
}
# Adds the records on standard input to the zone of a sandbox that was started with --zone.
zone_add() { sandbox zone; }
# shellcheck disable=SC1091
read_env() { . "$box/env"; }

# ---- foreign servers: tests/sink/README.md ----

sink_ready() { [ -e "$SINK_DIR.port" ]; }
start_sink() { # NAME [OPTION...]: sets SINK_DIR and, but for --unix, SINK_PORT
    SINK_DIR=$work/sink-$1; shift
    "$root/tests/sink/sink" "$SINK_DIR" --port-file "$SINK_DIR.port" "$@" 9>&- &
    sinks+=($!)
    eventually sink_ready
    SINK_PORT=$(cat "$SINK_DIR.port")
}

tool() { local name=$1; shift; "$build/tools/mr-$name" --config "$CONFIG" "$@"; }
pending() { "$build/tools/mr-sandbox" pending "$box"; }
nothing_pending() { [ "$(pending)" = 0 ]; }
log_has() { grep -qE -- "$1" "$box/log"; }

# The process of that name (as in daemons/processes.h): every process's first log line but mailroomd's own says so.
pid_of() { # NAME
    local pid
    for pid in $(pgrep -P "$PID"); do
        [ "$(process_name "$pid")" = "$1" ] && { echo "$pid"; return 0; }
    done
    return 1
}
# Processes are started with their name as the first argument.
process_name() { tr '\0' '\n' < "/proc/$1/cmdline" 2> /dev/null | head -n 1; }

# ---- clients ----

curl_mail() { curl -sS --max-time "$patience" --cacert "$CAFILE" "$@"; }

send() { # FROM TO FILE [CURL-OPTION...]: by SMTP as a stranger
    local from=$1 to=$2 file=$3; shift 3
    curl_mail --url "smtp://$HOST:$SMTP_PORT/client.test" --ssl-reqd --mail-from "$from" --mail-rcpt "$to" -T "$file" "$@"
}
submit() { # USER PASSWORD FROM TO FILE [CURL-OPTION...]: logged in, implicit TLS
    local user=$1 password=$2 from=$3 to=$4 file=$5; shift 5
    curl_mail --url "smtps://$HOST:$SMTPS_PORT/client.test" --user "$user:$password" \
        --mail-from "$from" --mail-rcpt "$to" -T "$file" "$@"
}
pop3() { # USER PASSWORD PATH [CURL-OPTION...]
    local user=$1 password=$2 path=$3; shift 3
    curl_mail --url "pop3s://$HOST:$POP3S_PORT/$path" --user "$user:$password" "$@"
}
imap() { # USER PASSWORD PATH [CURL-OPTION...]
    local user=$1 password=$2 path=$3; shift 3
    curl_mail --url "imaps://$HOST:$IMAPS_PORT/$path" --user "$user:$password" "$@"
}
delivered() { # USER PASSWORD N: the account has N messages
    [ "$(pop3 "$1" "$2" '' | grep -c '^[0-9]')" = "$3" ]
}

# A message without the lines that delivery puts on top: Return-Path, Delivered-To and the first Received.
without_trace() {
    perl -0777 -pe 's/\AReturn-Path:[^\n]*\n//; s/\ADelivered-To:[^\n]*\n//; s/\AReceived:.*?[+-]\d{4}\r?\n//s'
}

# A plain conversation: what is on standard input is sent line by line with CRLF, each after the answer to the one before.
converse() { # PORT
    perl -MIO::Socket::INET -e '
        my $socket = IO::Socket::INET->new(PeerAddr => "127.0.0.1", PeerPort => $ARGV[0], Timeout => 10) or die "connect: $!";
        $SIG{ALRM} = sub { print "(silence)\n"; exit 1 }; alarm 30;
        $/ = "\n";
        my $answer = sub { while (my $line = <$socket>) { print $line; last unless $line =~ /^\d{3}-|^\* / && $line !~ /^\* (OK|BYE)/ } };
        $answer->();
        while (my $command = <STDIN>) { chomp $command; print $socket "$command\r\n"; $answer->() }' "$1"
}

message() { # N [SIZE]: a small message of our own, with CRLF
    printf 'From: sender@client.test\r\nTo: user@sandbox.test\r\nSubject: message %s\r\nMessage-ID: <%s@client.test>\r\n\r\n' "$1" "$1"
    printf 'This is message %s.\r\n' "$1"
    [ -z "${2:-}" ] || perl -e 'for (my $n = $ARGV[0]; $n > 0; $n -= 72) { print "x" x 70, "\r\n" }' "$2"
}
