#!/bin/bash
# A refused login by certificate does not tell whether there is such an account: the same octets, in the same time (SECURITY V13).
. "$(dirname "$0")/lib.sh"
. "$here/authority.sh"
. "$here/certificates.sh"
need_program python3 openssl

samples=400
most_percent=5 # between the medians
attempts=4     # a loaded machine may disturb one

make_authority
client_certificate u0001 email:u0001@sandbox.test
client_certificate u0005 email:u0005@sandbox.test
client_certificate nobody email:u0007x@sandbox.test
start_sandbox --accounts 8 --client-certificates --set 'authd.failure-delay 0s' --set 'authd.address-failures 100000' \
    --set 'authd.account-failures 50000' --set "client-certificate.authorities $work/ca/ca.pem"
like 'a login by certificate' "$(imap_login u0001 '')" '^a OK'
ok 'an account is disabled' tool account disable u0005

try_logins() { "$here/enumeration.py" external "$IMAPS_PORT" "$@" > "$work/tries" 2>&1; } # SAMPLES KIND...
small_spread() { perl -ne "\$good = \$1 < $most_percent if /^spread ([\\d.]+)\$/; END { exit !\$good }" "$work/tries"; }
same_time() { # KIND...
    local try
    for try in $(seq $attempts); do
        try_logins $samples "$@" || break
        cat "$work/tries"
        small_spread && return 0
        echo "attempt $try: too far apart"
    done
    return 1
}
same() { # WHAT KIND...
    local what=$1; shift
    ok "$what: refusals" try_logins 5 "$@"
    is "$what: all are the same octets" "$(grep '^different' "$work/tries")" 'different 1'
    like "$what: and say what is wrong" "$(cat "$work/tries")" AUTHENTICATIONFAILED
    ok "$what: medians of $samples times are within $most_percent %" same_time "$@"
    diag < "$work/out"
}
own=$work/ca/u0001
same "acting as somebody else" "an-account=u0002:$own" "unknown=u0007x:$own" "disabled=u0005:$own"
same "with a certificate of one's own" "unknown=:$work/ca/nobody" "disabled=:$work/ca/u0005"
finish
