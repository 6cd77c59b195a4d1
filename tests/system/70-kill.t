#!/bin/bash
# kill -9 of each process of the table in turn, at a moment of chance, while clients work: nothing acknowledged is lost or there twice,
# nothing that was removed comes back, and the others go on; with mailroomd or the supervisor all end, and a restart loses nothing.
. "$(dirname "$0")/lib.sh"
need_root
need_program python3 krb5kdc

start_sink far --script <(echo '{"rules": [{"at": "rcpt", "match": "refused@", "reply": "550 5.1.1 No such user"}]}')
export SINK_DIR
# With everything that can run.
start_sandbox --plaintext-login --kerberos --client-certificates --route "far.test=127.0.0.1:$SINK_PORT" \
    --set "relayd.ca-file \"$box/tls/ca.pem\""
table=$("$box/libexec/mailroomd" --config "$CONFIG" --table | awk -F '\t' '$1 == "process" && $2 != "name" { print $2 }' | sort)
sandbox stop
report_of python3 "$root/tests/crash/kill_processes.py" "$box" "$build" > "$work/report"
cat "$work/report"
is 'each process of the table was killed' "$(sed -nE 's/^(not )?ok [0-9]+ - (.*) is killed:.*/\2/p' "$work/report" | sort)" "$table"
finish
