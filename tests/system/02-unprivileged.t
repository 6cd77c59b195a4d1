#!/bin/bash
# Without root the same system runs, with the same processes and channels, and says in its first line what it lacks.
. "$(dirname "$0")/lib.sh"

# Root becomes somebody else for this test.
someone=65534
mkdir "$box"
if [ "$(id -u)" = 0 ]; then
    chown $someone:$someone "$box"
    need_program setpriv
    sandbox() {
        local verb=$1; shift
        setpriv --reuid=$someone --regid=$someone --clear-groups env HOME="$box" "$build/tools/mr-sandbox" "$verb" "$box" "$@"
    }
    setpriv --reuid=$someone --regid=$someone --clear-groups test -x "$build/tools/mr-sandbox" ||
        skip_all "the build directory is closed to others"
else
    someone=$(id -u)
fi

start_sandbox
like 'the first line says so' "$(head -n 1 "$box/log")" ' unprivileged$'
for pid in "$PID" $(pgrep -P "$PID"); do
    is "$(process_name "$pid"): uid" "$(awk '$1 == "Uid:" { print $3 }' "/proc/$pid/status")" "$someone"
done
message 1 > "$work/m"
ok 'mail goes in' send a@client.test "$USER1@$DOMAIN" "$work/m"
ok 'and arrives' eventually delivered "$USER1" "$PASS1" 1
pop3 "$USER1" "$PASS1" 1 | without_trace > "$work/got"
ok 'as it was sent' cmp "$work/got" "$work/m"
ok 'IMAP' imap "$USER1" "$PASS1" 'INBOX;MAILINDEX=1'
sed -i "s/^From: .*/From: $USER1@$DOMAIN\r/" "$work/m"
ok 'submission' submit "$USER1" "$PASS1" "$USER1@$DOMAIN" "$USER2@$DOMAIN" "$work/m"
is 'the filter is there all the same' "$(awk '$1 == "Seccomp:" { print $2 }' "/proc/$(pid_of authd)/status")" 2
ok 'reset' sandbox reset
ok 'stop' sandbox stop
finish
