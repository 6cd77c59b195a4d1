#!/bin/bash
# A refused login does not tell whether there is such an account: the same octets, in the same time (SECURITY V13).
. "$(dirname "$0")/lib.sh"
need_program python3

samples=200
most_percent=5 # between the medians
attempts=4     # a loaded machine may disturb one

start_sandbox --accounts 8 --plaintext-login --set 'authd.failure-delay 0s' --set 'authd.address-failures 100000' \
    --set 'authd.account-failures 50000'
ok 'an account is disabled' tool account disable u0005
ok 'the account logs in' curl_mail --url "imap://$HOST:$IMAP_PORT/INBOX" --user u0002:secret -X NOOP

try_logins() { "$here/enumeration.py" "$@" > "$work/tries" 2>&1; } # ARGUMENT... as of enumeration.py
kinds='wrong-password=u0002:not-this unknown=u0007x:not-this disabled=u0005:not-this'
small_spread() { perl -ne "\$good = \$1 < $most_percent if /^spread ([\\d.]+)\$/; END { exit !\$good }" "$work/tries"; }
same_time() { # PROTOCOL PORT
    local try
    for try in $(seq $attempts); do
        # shellcheck disable=SC2086
        try_logins "$1" "$2" $samples $kinds || break
        cat "$work/tries"
        small_spread && return 0
        echo "attempt $try: too far apart"
    done
    return 1
}

for each in pop3:$POP3_PORT imap:$IMAP_PORT smtp:$SUBMISSION_PORT; do
    protocol=${each%:*} port=${each#*:}
    # With the right password, too: that an account is disabled is told to nobody.
    # shellcheck disable=SC2086
    ok "$protocol: refusals" try_logins "$protocol" "$port" 5 $kinds 'disabled-right-password=u0005:secret'
    is "$protocol: all are the same octets" "$(grep '^different' "$work/tries")" 'different 1'
    like "$protocol: and say what is wrong" "$(cat "$work/tries")" '535 5\.7\.8|AUTHENTICATIONFAILED|-ERR \[AUTH\]'
    ok "$protocol: medians of $samples times are within $most_percent %" same_time "$protocol" "$port"
    diag < "$work/out"
done
finish
