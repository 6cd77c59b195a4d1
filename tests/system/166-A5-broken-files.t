#!/bin/bash
# A5: files of client certificates that are no good (authorities, revocation lists) are refused by mr-conf and by a reload, and never
# take other logins down.
. "$(dirname "$0")/lib.sh"
. "$here/authority.sh"
. "$here/certificates.sh"
need_program curl openssl

make_authority
client_certificate alice email:alice@sandbox.test
keep_revocations
ca -gencrl -out "$work/ca/crl.pem"
cp "$work/ca/ca.pem" "$work/authorities.pem"
cp "$work/ca/crl.pem" "$work/lists.pem"
start_sandbox --client-certificates --set 'authd.failure-delay 0s' \
    --set "client-certificate.authorities $work/authorities.pem" --set "client-certificate.revocations $work/lists.pem"

mend() { cp "$work/ca/ca.pem" "$work/authorities.pem"; cp "$work/ca/crl.pem" "$work/lists.pem"; }
cut() { head -c 150 "$2" > "$1"; }          # as a copy that was cut off
nonsense() { printf -- '-----BEGIN %s-----\nMAMCAQU=\n-----END %s-----\n' "$1" "$1"; } # whole PEM, a sequence of a number
by_password() { printf 'a LOGIN %s %s\nb LOGOUT\n' "$USER1" "$PASS1" | talk "$IMAPS_PORT" "$1" | grep '^a '; }
passwords_work() { by_password '' | grep -q '^a OK'; }
certificate_works() { imap_login alice '' | grep -q '^a OK'; }
count_of() { grep -cE -- "$1" "$box/log"; }
died() { count_of ' process-died '; }
reload() { # by its answer
    local before
    before=$(count_of ' reload-(done|refused) ')
    answered() { [ "$(count_of ' reload-(done|refused) ')" -gt "$before" ]; }
    kill -HUP "$PID"
    eventually answered > /dev/null
    grep -oE ' reload-(done|refused) ' "$box/log" | tail -n 1 | tr -d ' '
}
check() { "$build/tools/mr-conf" check "$CONFIG" 2>&1; }
ok 'a login by certificate' certificate_works
is 'mr-conf finds the files good' "$(check)" ''

# ---- refused by mr-conf and by a reload ----
breaks() { # WHAT REASON
    like "$1: mr-conf says so" "$(check)" "$2"
    is "$1: a reload is refused" "$(reload)" 'reload-refused'
    ok "$1: the log says why" eventually log_has " config-error .*$2"
    ok "$1: who has a certificate logs in by it" certificate_works
    ok "$1: and others by passwords" passwords_work
    mend
}
cut "$work/authorities.pem" "$work/ca/ca.pem"
breaks 'authorities that were cut off' 'authorities.pem: CERTIFICATE number 1 in it is cut off or damaged'
cut "$work/lists.pem" "$work/ca/crl.pem"
breaks 'a list that was cut off' 'lists.pem: X509 CRL number 1 in it is cut off or damaged'
rm "$work/lists.pem"
breaks 'a list that is not there' 'lists.pem: No such file'
is 'nothing has died' "$(died)" 0

# ---- what only those find who use it ----
nonsense CERTIFICATE > "$work/authorities.pem"
like 'no certificate, in PEM: mr-conf says so' "$(check)" 'authorities.pem: .*not a certificate'
is 'a reload takes it up' "$(reload)" 'reload-done'
listeners_said() { [ "$(grep -cE ' config-error .*not a certificate.*SIGHUP' "$box/log")" -ge 4 ]; } # imapd, pop3d, submission, certd
ok 'the log says that certificates are of no use, and what to do' eventually listeners_said
ok 'others log in by passwords' eventually passwords_work
like 'also who would have a certificate' "$(by_password alice)" '^a OK'
unlike 'which is not asked for' "$(printf 'a CAPABILITY\nb LOGOUT\n' | talk "$IMAPS_PORT" alice)" EXTERNAL
mend
is 'mended' "$(reload)" 'reload-done'
ok 'a certificate is good again' eventually certificate_works

nonsense 'X509 CRL' > "$work/lists.pem"
like 'no list, in PEM: mr-conf says so' "$(check)" 'lists.pem: .*not a revocation list'
is 'a reload takes it up' "$(reload)" 'reload-done'
ok 'the log says that certificates are of no use, and what to do' eventually log_has ' config-error file=[^ ]*lists.pem .*not a revocation list.*SIGHUP'
told_to_try_again() { imap_login alice '' | grep -qE '^a NO \[UNAVAILABLE\]'; }
ok 'who has a certificate is told to try again' eventually told_to_try_again
ok 'others log in by passwords' passwords_work
mend
is 'mended' "$(reload)" 'reload-done'
ok 'a certificate is good again' eventually certificate_works
is 'nothing has died' "$(died)" 0

rm "$work/lists.pem"
kill -KILL "$(pgrep -n -P "$PID" -f '^certd')"
ok 'certd is started afresh when its list has gone' eventually log_has ' config-error file=[^ ]*lists.pem .*nothing can be read'
ok 'who has a certificate is told to try again' eventually told_to_try_again
ok 'others log in by passwords' passwords_work
is 'and it is not started again and again' "$(died)" 1

# ---- a start ----
restart() { before=$(wc -l < "$box/log"); sandbox reset && read_env; }
since_restart() { tail -n "+$((before + 1))" "$box/log"; }
is_off() { # WHAT REASON
    ok "$1: the system starts" restart
    like "$1: the log says that certificates are off, and what to do" "$(since_restart)" " config-error .*$2.*SIGHUP"
    ok "$1: passwords are taken" passwords_work
    unlike "$1: a certificate is not asked for" "$(printf 'a CAPABILITY\nb LOGOUT\n' | talk "$IMAPS_PORT" alice)" EXTERNAL
    mend
    is "$1: mended" "$(reload)" 'reload-done'
    ok "$1: then a certificate is good" eventually certificate_works
}
is_off 'without the list' 'lists.pem: No such file'
cut "$work/authorities.pem" "$work/ca/ca.pem"
is_off 'with authorities that were cut off' 'authorities.pem: CERTIFICATE number 1'
nonsense 'X509 CRL' > "$work/lists.pem"
ok 'the system starts with a list that is none' restart
ok 'others log in by passwords' passwords_work
finish
