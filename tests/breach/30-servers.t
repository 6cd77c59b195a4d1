#!/bin/bash
# A taken-over server (tests/authority/hostile_server.cc in the place of each of the servers) makes claims it has no right to and
# babbles on every channel it has: the others refuse, say so in the log, and go on; with the honest program back,
# everything works and no process has more descriptors than before.
. "$(dirname "$0")/lib.sh"
need_root

kerberos=()
roles='authd policyd queued deliverd keyd dnsd stsd certd relayd'
if command -v krb5kdc > /dev/null && command -v kadmin.local > /dev/null; then
    kerberos=(--kerberos)
    roles="$roles krbd kdcd"
fi
start_sink far
start_sandbox "${kerberos[@]}" --client-certificates --route "far.test=127.0.0.1:$SINK_PORT" --set 'queued.retry-schedule 1s 1s 1s 1s 1s 1s 1s 1s'
others() { for pid in "$PID" $(pgrep -P "$PID"); do [ "$pid" = "$1" ] || echo "$pid"; done; }
descriptors() { find "/proc/$1/fd" -mindepth 1 2> /dev/null | wc -l; }
replaced() { local pid; pid=$(pid_of "$1") && [ "$pid" != "$2" ] && alive "$pid"; }
said() { tail -n +"$1" "$box/log" | grep -qE -- "$2"; } # SINCE-LINE REGEX
works() {
    message after > "$work/m"
    eventually send a@client.test "$USER2@$DOMAIN" "$work/m" && eventually nothing_pending && eventually pop3 "$USER2" "$PASS2" ''
}
# No more than the few that a restart brings: the channels of a process that was replaced are closed.
no_leak() { # PID BEFORE
    [ "$(descriptors "$1")" -le $(($2 + 2)) ]
}

# Who must have said what of it, by the process's name and its words.
declare -A heard=(
    [authd]='policyd\[[0-9]+\] (peer-misbehaved|channel-closed) .*(authd|malformed);keyd\[[0-9]+\] channel-closed .*authd.*malformed;certd\[[0-9]+\] channel-closed .*authd.*malformed'
    [policyd]='supervisor\[[0-9]+\] peer-misbehaved .*policyd#.*too many account directories;queued\[[0-9]+\] (peer-misbehaved|channel-closed) .*(policyd|malformed);authd\[[0-9]+\] channel-closed .*malformed;imapd\[[0-9]+\] channel-closed .*malformed'
    [queued]='deliverd\[[0-9]+\] delivery-failed;deliverd\[[0-9]+\] channel-closed .*malformed;policyd\[[0-9]+\] channel-closed .*malformed'
    [deliverd]='queued\[[0-9]+\] channel-closed .*malformed'
    [keyd]='supervisor\[[0-9]+\] peer-misbehaved .*keyd;authd\[[0-9]+\] channel-closed .*keyd.*malformed'
    [dnsd]='queued\[[0-9]+\] channel-closed .*dnsd.*malformed;policyd\[[0-9]+\] channel-closed .*dnsd.*malformed'
    [stsd]='policyd\[[0-9]+\] channel-closed .*stsd.*malformed'
    [krbd]='authd\[[0-9]+\] channel-closed .*krbd.*malformed'
    [certd]='authd\[[0-9]+\] channel-closed .*certd.*malformed'
    [kdcd]='authd\[[0-9]+\] channel-closed .*kdcd.*malformed'
    [relayd]='queued\[[0-9]+\] peer-misbehaved .*queued-relay.*something else;queued\[[0-9]+\] peer-misbehaved .*queued-relay.*malformed;authd\[[0-9]+\] channel-closed .*relayd-authd.*malformed'
)
# What a twin needs for its part: relayd a message for elsewhere, which it must not be believed to have brought there; the servers
# of listeners a connection, on whose own channel they babble.
provoke() { # ROLE
    case $1 in
        authd) fails 'authd: nobody logs in' pop3 "$USER2" "$PASS2" '' ;;
        policyd | queued | keyd) message "$1" > "$work/m"; fails "$1: no mail is taken" send a@client.test "$USER2@$DOMAIN" "$work/m" ;;
    esac
    [ "$1" = relayd ] || return 0
    message relayed | sed "s/^From: .*/From: $USER1@$DOMAIN\r/" > "$work/relayed"
    ok 'relayd: a message for elsewhere' submit "$USER1" "$PASS1" "$USER1@$DOMAIN" anna@far.test "$work/relayed"
}
arrived() { [ "$(find "$SINK_DIR" -name '*.eml' | wc -l)" = "$1" ]; }

ok 'everything works before' works
for role in $roles; do
    honest=$(readlink "$box/libexec/$role")
    before=$(pid_of "$role")
    mapfile -t bystanders < <(others "$before")
    since=$(($(wc -l < "$box/log") + 1))
    declare -A open=()
    for pid in "${bystanders[@]}"; do open[$pid]=$(descriptors "$pid"); done

    ln -sfn "$build/tests/authority/hostile_$role" "$box/libexec/$role"
    kill -KILL "$before"
    ok "$role: a hostile twin runs" eventually replaced "$role" "$before"
    provoke "$role"
    while IFS= read -r words; do
        ok "$role: heard and logged: ${words%%\\[*}" eventually said "$since" "$words"
    done < <(tr ';' '\n' <<< "${heard[$role]}")
    [ "$role" = policyd ] || ok "$role: may not ask for account directories" eventually said "$since" 'asked for an account directory'
    for pid in "${bystanders[@]}"; do alive "$pid" || missed "$role: $(process_name "$pid") did not survive"; done
    [ "$role" != relayd ] || ok 'relayd: the message is not taken for delivered' arrived 0
    is "$role: nothing was written into an account" "$(grep -rls forged "$box/spool/mail" | wc -l)" 0

    ln -sfn "$honest" "$box/libexec/$role"
    eventually pid_of "$role" > /dev/null
    twin=$(pid_of "$role") # policyd's is ended for what it asked, and another started
    kill -KILL "$twin"
    ok "$role: the honest one is back" eventually replaced "$role" "$twin"
    ok "$role: and everything works" works
    [ "$role" != relayd ] || ok 'relayd: the message goes out, once' eventually arrived 1
    for pid in "${bystanders[@]}"; do
        eventually no_leak "$pid" "${open[$pid]}" > /dev/null ||
            missed "$role: $(process_name "$pid") has $(descriptors "$pid") descriptors, before ${open[$pid]}"
    done
done
is 'no connection has crashed' "$(grep -c ' connection-crashed ' "$box/log")" 0
unlike 'no line of the log is forged' "$(cat "$box/log")" '^ forged=1'
finish
