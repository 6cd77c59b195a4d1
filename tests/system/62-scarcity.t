#!/bin/bash
# What is missing for a while (descriptors, a key file, a process that answers) costs what needs it and nothing else; and
# of three generations of a listener no two processes have one uid.
. "$(dirname "$0")/lib.sh"
need_program prlimit
need_root

start_sandbox
reload() { # N: the N-th
    kill -HUP "$PID"
    ok "reload $1" eventually reloads "$1"
}
reloads() { [ "$(grep -c ' reload-done ' "$box/log")" -ge "$1" ]; }
pids_of() { # NAME: oldest first
    local pid
    for pid in $(pgrep -P "$PID" | sort -n); do [ "$(process_name "$pid")" = "$1" ] && echo "$pid"; done
}
ticks() { awk '{ print $14 + $15 }' "/proc/$1/stat"; }
listening() { echo | timeout 5 openssl s_client -connect "127.0.0.1:$IMAPS_PORT" 2> /dev/null | grep -q 'BEGIN CERT'; }
count_log() { grep -cE -- "$1" "$box/log"; }
noop() { # the first connection still has an answer
    local answer=
    printf 'NOOP\r\n' >&3
    read -r -t 20 answer <&3
    [[ $answer == 250* ]]
}

# ---- a listener without descriptors ----
imapd=$(pid_of imapd)
limit=$(awk '/^Max open files/ { print $4 }' "/proc/$imapd/limits")
used=$(find "/proc/$imapd/fd" -mindepth 1 | wc -l)
prlimit --pid "$imapd" --nofile="$((used + 2)):$limit"
before=$(ticks "$imapd")
exec 4<> "/dev/tcp/127.0.0.1/$IMAPS_PORT"
exec 5<> "/dev/tcp/127.0.0.1/$IMAPS_PORT"
ok 'says so' eventually log_has ' accept-failed '
sleep 2
used=$(($(ticks "$imapd") - before))
ok "it does not spin ($used ticks)" [ "$used" -lt 50 ]
said=$(count_log ' accept-failed ')
ok "nor fill the log ($said lines)" [ "$said" -lt 10 ]
prlimit --pid "$imapd" --nofile="$limit:$limit"
exec 4>&- 5>&-
ok 'and serves again when there are some' eventually listening
is 'as the same process' "$(pid_of imapd)" "$imapd"

# ---- a retired listener, while the new one does not accept ----
exec 3<> "/dev/tcp/127.0.0.1/$SMTP_PORT"
read -r _ <&3
reload 1
mapfile -t listeners < <(pids_of smtpd-mx)
is 'two generations' "${#listeners[@]}" 2
kill -STOP "${listeners[1]}"
exec 4<> "/dev/tcp/127.0.0.1/$SMTP_PORT"
before=$(ticks "${listeners[0]}")
sleep 1
used=$(($(ticks "${listeners[0]}") - before))
ok "the old one does not spin ($used ticks)" [ "$used" -lt 10 ]
kill -CONT "${listeners[1]}"
exec 4>&-
ok 'its connection goes on' noop

# ---- the third generation has the uids of the first ----
reload 2
ok 'the first has ended' eventually gone "${listeners[0]}"
fails 'and its connection' noop
exec 3>&-

# ---- a key file that is not there ----
mv "$box/tls/key.pem" "$box/tls/key.away"
kill -HUP "$PID"
sleep 1
ok 'mailroomd lives' alive "$PID"
mv "$box/tls/key.away" "$box/tls/key.pem"
ok 'and TLS works' eventually listening
finish
