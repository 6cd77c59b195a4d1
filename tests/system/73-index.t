#!/bin/bash
# What the index knows is not read from message files, and what a command costs does not grow with the folder.
. "$(dirname "$0")/lib.sh"
need_root
need_program python3 strace

few=1000 many=100000
most=2       # times the cost with few
rounds=9
attempts=3   # a loaded machine may disturb one

start_sandbox --plaintext-login
ok "a folder of $few messages" "$here/index.py" fill "$IMAP_PORT" "$USER1" "$PASS1" $few
began=$SECONDS
ok "a folder of $many messages" "$here/index.py" fill "$IMAP_PORT" "$USER2" "$PASS2" $many
echo "$((SECONDS - began)) s" | diag

# ---- message files that FETCH opens ----

opened_files() { # COMMAND: how many files below cur/ the session opens
    local tracer listener
    listener=$(pid_of imapd)
    strace -f -y -e signal=none -e trace=open,openat,openat2 -o "$work/trace" -p "$listener" 2> "$work/strace.err" &
    tracer=$!
    eventually grep -q "^TracerPid:[[:blank:]]*$tracer$" "/proc/$listener/status" || echo 'no tracer'
    "$here/index.py" ask "$IMAP_PORT" "$USER1" "$PASS1" "$1" > "$work/fetched" 2>&1 || tail -n 1 "$work/fetched"
    sleep 0.2
    kill -INT $tracer
    wait $tracer 2> /dev/null
    grep -q '/index/data.mdb>' "$work/trace" || echo 'no session in the trace'
    grep -cE '= [0-9]+<[^>]*/mail/[0-9]+/(cur|new|tmp)/[^>]+>' "$work/trace"
}
for items in FLAGS ENVELOPE BODYSTRUCTURE BODY RFC822.SIZE INTERNALDATE UID \
    'FLAGS UID INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE'; do
    is "FETCH ($items) of all opens no message file" "$(opened_files "FETCH 1:* ($items)")" 0
    is "and answers for each of them" "$(grep -c '^\* [0-9]* FETCH' "$work/fetched")" $few
done
is 'FETCH BODY.PEEK[] of three opens three' "$(opened_files 'FETCH 1:3 (BODY.PEEK[])')" 3

# ---- costs ----

cat > "$work/send" <<END
#!/bin/bash
curl -sS --max-time $patience --url "smtp://$HOST:$SMTP_PORT/client.test" --mail-from a@client.test \\
    --mail-rcpt "\$1@$DOMAIN" -T "$work/m" || exit
until [ "\$("$build/tools/mr-sandbox" pending "$box")" = 0 ]; do sleep 0.02; done
END
chmod +x "$work/send"
message arrival > "$work/m"
compare() {
    timeout 300 "$here/index.py" compare "$IMAP_PORT" "$box/log" "$USER1:$PASS1" "$USER2:$PASS2" $rounds "$work/send" \
        > "$work/costs" 2>&1
}
within() { awk -v most=$most '$1 == "everything" { next } NF == 4 && $4 > most { bad = 1 } NF == 4 { n++ } END { exit bad || n != 4 }' "$work/costs"; }
for _ in $(seq $attempts); do
    compare && within && break
    diag < "$work/costs"
done
for command in SELECT FETCH STORE arrival; do
    ratio=$(awk -v command=$command '$1 == command { print $4 }' "$work/costs")
    ok "$command with $many messages costs at most $most times as much (${ratio:-?})" \
        awk -v ratio="$ratio" -v most=$most 'BEGIN { exit !(ratio > 0 && ratio <= most) }'
done
ok 'and the measure is one: FETCH 1:* (UID) costs far more' \
    awk '$1 == "everything" && $4 > 10 { good = 1 } END { exit !good }' "$work/costs"
diag < "$work/costs"
finish
