#!/bin/bash
# The poison test: what ends a daemon once must not end it at each start, nor keep others from what is theirs (SECURITY.md V8, V20).
# In turn each daemon gets a defect, by poison.c, that one address, domain or name reaches; it comes among others.
. "$(dirname "$0")/lib.sh"
need_root
need_program cc python3

marker=poison-marker
cc -shared -fPIC -O1 -D "MARKER=\"$marker\"" -o "$work/poison.so" "$here/poison.c" || bail_out 'cc'
chmod 755 "$work/poison.so"

start_sink far --script <(echo '{"rules": [{"at": "rcpt", "match": "'$marker'", "times": 1, "silent": true}]}')
start_sandbox --plaintext-login --route far.test=127.0.0.1:"$SINK_PORT" --set 'queued.retry-schedule 1h' --set 'dnsd.timeout 5s'
me=$USER1@$DOMAIN
message 1 | sed "s/^From: .*/From: $me\r/" > "$work/m"
mail_out() { submit "$USER1" "$PASS1" "$me" "$1" "$work/m"; } # ADDRESS
mail_in() { send "${2:-a@client.test}" "$1" "$work/m"; }     # ADDRESS [SENDER]
waiting() { [ "$(pending)" = "$1" ]; }                    # COUNT
at_far() { [ "$(find "$SINK_DIR" -name '*.eml' | wc -l)" = "$1" ]; } # COUNT

# ---- a program with a defect, and without it
replaced() { local pid; pid=$(pid_of "$1") && [ "$pid" != "$2" ]; } # NAME PID
start_anew() { # NAME
    local pid
    eventually pid_of "$1" && pid=$(pid_of "$1") && kill -KILL "$pid" && eventually replaced "$1" "$pid"
}
sicken() { # NAME
    real=$(readlink "$box/libexec/$1")
    printf '#!/bin/bash\nLD_PRELOAD=%s exec -a "%s" "%s" "$@"\n' "$work/poison.so" "$1" "$real" > "$work/$1.sick"
    chmod 755 "$work/$1.sick"
    ln -sfn "$work/$1.sick" "$box/libexec/$1"
    start_anew "$1"
    known=$(deaths "$1")
}
heal() { ln -sfn "$real" "$box/libexec/$1"; start_anew "$1"; }        # NAME
deaths() { grep -c " process-died process=$1[# ].*signal [A-JL-Z]" "$box/log"; } # NAME: but for kills, which are this test's
died() { echo $(($(deaths "$1") - known)); }                          # NAME: since it is sick
not_more_than() { [ "$(died "$1")" -ge 1 ] && [ "$(died "$1")" -le "$2" ] || { died "$1"; return 1; }; } # NAME MOST
still_there() { # NAME
    local pid
    eventually pid_of "$1" && pid=$(pid_of "$1") && sleep 1 && [ "$(pid_of "$1")" = "$pid" ]
}

# ---- deliverd: a delivery
sicken deliverd
poison=$USER1+$marker@$DOMAIN
for n in 1 2 3 4 5; do mail_in "$me"; done
ok 'the message that ends deliverd is taken' mail_in "$poison"
for n in 6 7 8 9 10; do mail_in "$me"; done
ok 'all others are delivered' eventually delivered "$USER1" "$PASS1" 10
ok 'it waits alone' eventually waiting 1
ok 'and the log says why' eventually log_has 'message-deferred .*reason="4\.3\.0 deliverd has ended'
ok 'deliverd has ended no more than three times' not_more_than deliverd 3
start_anew queued
ok 'a start of queued does not change that' eventually waiting 1
ok 'deliverd goes on' still_there deliverd
ok 'and delivers' mail_in "$me"
ok 'what comes' eventually delivered "$USER1" "$PASS1" 11
heal deliverd
ok 'when it is mended the message can be tried again' tool queue retry --all
ok 'and arrives' eventually delivered "$USER1" "$PASS1" 12

# ---- relayd's processes, which are linked statically: a recipient elsewhere, at whom a signal is what the defect would be
connections() { pgrep -P "$(pid_of relayd)"; }
ok 'a message that ends its connection is taken' mail_out "$marker@far.test"
talks_of_it() { grep -qs "RCPT TO:<$marker@" "$SINK_DIR"/*.in; }
ok 'it is on its way' eventually talks_of_it
for n in 1 2 3; do mail_out "x$n@far.test"; done
ok 'others go out' eventually waiting 1
ok 'all of them' at_far 3
mapfile -t ended < <(connections)
kill -SEGV "${ended[@]}"
ok 'when its connection ends it is put off' eventually log_has ' message-deferred .*the connection ended before the answer'
start_anew queued
ok 'after a start of queued' mail_out x4@far.test
ok 'they do too' eventually at_far 4
crashed() { grep -c ' relay-closed .*reason="signal SEGV"' "$box/log"; }
ok 'and no other connection has crashed' [ "$(crashed)" -le ${#ended[@]} ]
ok 'it can be tried again' tool queue retry --all
ok 'and goes' eventually at_far 5

# ---- dnsd: a domain
sicken dnsd
ok 'mail for a domain that ends dnsd is taken' mail_out "a@$marker.test"
ok 'the domain waits' eventually log_has "destination-waits destination=$marker\.test .*dnsd does not answer"
ok 'for that dnsd has ended no more than twice' not_more_than dnsd 2
ok 'dnsd goes on' still_there dnsd
heal dnsd
tool queue remove --all > "$work/removed" 2>&1

# ---- those that are asked at once, and keep nothing
sicken policyd
fails 'a recipient who ends policyd is not taken' mail_in "$marker@$DOMAIN"
goes_in() { mail_in "$me"; }
ok 'the next one is' eventually goes_in
ok 'for that policyd has ended once' not_more_than policyd 1
heal policyd

sicken authd
fails 'a name that ends authd does not log in' pop3 "$marker" secret ''
logs_in() { pop3 "$USER1" "$PASS1" ''; }
ok 'the next one does' eventually logs_in
ok 'for that authd has ended once' not_more_than authd 1
heal authd

sicken queued
fails 'a sender who ends queued is not taken' mail_in "$me" "$marker@client.test"
ok 'the next one is' eventually goes_in
ok 'for that queued has ended once' not_more_than queued 1
start_anew queued
ok 'and nothing of it is on the disk' still_there queued
heal queued

sicken logd
mail_in "$me" "$marker@client.test"
ok 'when lines end logd, mail is taken' eventually goes_in
logs_again() { log_has "recipient=x-after-logd@$DOMAIN"; }
mentions() { mail_in "x-after-logd@$DOMAIN"; logs_again; }
ok 'and the log goes on' eventually mentions

ok 'in the end nothing waits' eventually nothing_pending
finish
