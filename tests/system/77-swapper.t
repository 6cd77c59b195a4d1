#!/bin/bash
# Somebody with an account's own uid exchanges its directories and files with links, pipes and endless files under the hands of delivery and
# of sessions: nothing outside the account's directory changes, nobody hangs or ends for good, no mail is lost (SECURITY.md V5).
. "$(dirname "$0")/lib.sh"
need_root
need_program python3

start_sandbox --plaintext-login
sandbox stop
canary=$work/canary
mkdir -p "$canary/new" "$canary/cur"
echo canary | tee "$canary/file" "$canary/new/file" > "$canary/cur/file"
chown -R "$(stat -c %u "$box/spool/mail/1")" "$canary" # so that nothing but the walls is in the way
outside() { # names, owners, modes and content of what is not the account's
    find /etc "$canary" "$box/tls" "$box/spool/mail" -path "$box/spool/mail/[12]/*" -prune -o -printf '%p %U %G %m %y %l\n' -type f -exec sha256sum {} + | sort
}
outside > "$work/before"
report_of python3 "$root/tests/crash/swapper.py" "$box" "$build" "$canary"
outside > "$work/after"
ok 'nothing outside has changed' diff "$work/before" "$work/after"
finish
