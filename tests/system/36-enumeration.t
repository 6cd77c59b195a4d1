#!/bin/bash
# A refused login does not tell whether there is such an account: the same octets, in the same time (SECURITY V13).
. "$(dirname "$0")/lib.sh"
need_program python3

samples=600
most_percent=5 # between the medians
attempts=4     # a loaded machine may disturb one

start_sandbox --accounts 8 --plaintext-login --set 'authd.failure-delay 0s' --set 'authd.address-failures 100000' \
    --set 'authd.account-failures 50000'
# Their passwords came as hashes; who has logged in has verifiers for SCRAM.
for name in u0002 u0005; do
    ok "$name logs in" curl_mail --url "imap://$HOST:$IMAP_PORT/INBOX" --user $name:secret -X NOOP
done
ok 'an account is disabled' tool account disable u0005

try_logins() { "$here/enumeration.py" "$@" > "$work/tries" 2>&1; } # ARGUMENT... as of enumeration.py
kinds='wrong-password=u0002:not-this unknown=u0007x:not-this disabled=u0005:not-this'
scram_kinds='wrong-password=u0002:x unknown=u0007x:x disabled=u0005:x no-verifier=u0003:x'
small_spread() { perl -ne "\$good = \$1 < $most_percent if /^spread ([\\d.]+)\$/; END { exit !\$good }" "$work/tries"; }
same_time() { # PROTOCOL PORT KIND...
    local try
    for try in $(seq $attempts); do
        try_logins "$1" "$2" $samples "${@:3}" || break
        cat "$work/tries"
        small_spread && return 0
        echo "attempt $try: too far apart"
    done
    return 1
}

refusals() { # PROTOCOL PORT KIND...
    local protocol=$1 port=$2; shift 2
    # With the right password, too: that an account is disabled is told to nobody.
    ok "$protocol: refusals" try_logins "$protocol" "$port" 5 "$@" 'disabled-right-password=u0005:secret'
    is "$protocol: all are the same octets" "$(grep '^different' "$work/tries")" 'different 1'
    like "$protocol: and say what is wrong" "$(cat "$work/tries")" '535 5\.7\.8|AUTHENTICATIONFAILED|-ERR \[AUTH\]'
    ok "$protocol: medians of $samples times are within $most_percent %" same_time "$protocol" "$port" "$@"
    diag < "$work/out"
}
# shellcheck disable=SC2086
for each in pop3:$POP3_PORT imap:$IMAP_PORT smtp:$SUBMISSION_PORT; do refusals "${each%:*}" "${each#*:}" $kinds; done
samples=1000 # no password is hashed for them: they take a tenth of the time, in which more disturbs
# shellcheck disable=SC2086
refusals scram "$IMAP_PORT" $scram_kinds
finish
