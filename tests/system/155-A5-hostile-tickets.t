#!/bin/bash
# A5, V12: tickets that are not good: expired, replayed, for another service, of another realm, cut short; clocks that differ.
. "$(dirname "$0")/lib.sh"
need_program krb5kdc kadmin.local kinit faketime
python=/usr/bin/python3 # which has Debian's python3-gssapi
$python -c 'import gssapi' || skip_all 'needs python3-gssapi'
start_sandbox --kerberos --plaintext-login --set 'authd.failure-delay 0s' --set 'authd.address-failures 100000' \
    --set 'authd.account-failures 50000' --set 'imapd.max-errors 1000'
export KRB5_CONFIG IMAP_PORT KPOP_PORT HOST
kdc_admin() { KRB5_KDC_PROFILE=$box/kdc/kdc.conf kadmin.local -r "$REALM" "$@" > "$work/kadmin" 2>&1; }
kdestroy_all() { rm -f "$work"/tickets*; }
export KRB5CCNAME=FILE:$work/tickets
tickets() { "$python" "$here/tickets.py" "$@"; } # VERB...: see there

ok 'a ticket' kinit "$USER1" <<< "$PASS1"
is 'it is good' "$(tickets good)" in

# ---- replayed, for other services, broken ----
is 'replayed, on another connection' "$(tickets replay)" 'first: goes on, again: refused'
ok 'the log says so' eventually log_has 'ticket-refused .*[Rr]eplay'
for service in host smtp pop; do
    kdc_admin addprinc -randkey "$service/$HOST"
    is "a ticket for $service" "$(tickets service $service)" refused
done
is 'cut short at every octet' "$(tickets truncated)" refused
# Some are not protected, and of no account: the version of the key, the name in clear.
krbd=$(pid_of krbd)
ok 'krbd is there' [ -n "$krbd" ]
like 'each third octet changed' "$(tickets changed)" '^(goes on,)?refused$'
is 'krbd has not fallen over any of it' "$(pid_of krbd)" "$krbd"
is 'lengths without end' "$(tickets lengths)" refused
is 'the server proves itself; a client that does not believe it gives up, and is nobody' "$(tickets mutual)" 'not believed, not in'
is 'after tickets that were refused or given up a name and a password go where they belong' "$(tickets mixed "$USER1" "$PASS1")" \
    'wrong: refused, right: in'
is 'a security layer that was not offered' "$(tickets layer)" refused
is 'all that time one can log in' "$(tickets good)" in

# ---- the same by KPOP ----
ok 'KPOP is granted' tool account services "$USER1" pop,imap,kpop,submission
is 'replayed by KPOP' "$(tickets kpop_replay)" 'first: in, again: refused'
for service in imap smtp host; do is "a ticket for $service by KPOP" "$(tickets kpop_service $service)" refused; done
is 'one for pop is good' "$(tickets kpop_service pop)" in
is 'cut short by KPOP' "$(tickets kpop_truncated)" refused
is 'krbd is there still' "$(pid_of krbd)" "$krbd"

# ---- another realm ----
evil() { KRB5_CONFIG=$work/evil/krb5.conf KRB5_KDC_PROFILE=$work/evil/kdc.conf "$@" >> "$work/evil/log" 2>&1; }
mkdir "$work/evil"
EVIL_PORT=$(perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(LocalAddr => "127.0.0.1", Listen => 1)->sockport')
cat > "$work/evil/kdc.conf" <<END
[realms]
    EVIL.TEST = {
        database_name = $work/evil/principal
        key_stash_file = $work/evil/stash
        acl_file = $work/evil/acl
        kdc_listen = 127.0.0.1:$EVIL_PORT
        kdc_tcp_listen = 127.0.0.1:$EVIL_PORT
    }
END
cat > "$work/evil/krb5.conf" <<END
[libdefaults]
    default_realm = EVIL.TEST
    dns_lookup_kdc = false
    rdns = false
    dns_canonicalize_hostname = false
[realms]
    EVIL.TEST = {
        kdc = 127.0.0.1:$EVIL_PORT
    }
    $REALM = {
        kdc = 127.0.0.1:$KDC_PORT
    }
[domain_realm]
    $HOST = \$REALM_OF_HOST
[capaths]
    EVIL.TEST = {
        $REALM = .
    }
END
sed -i "s/\$REALM_OF_HOST/EVIL.TEST/" "$work/evil/krb5.conf"
evil kdb5_util create -s -r EVIL.TEST -P 'a master key'
for each in "-pw $PASS1 $USER1" "-randkey imap/$HOST" "-randkey pop/$HOST" "-pw between krbtgt/$REALM@EVIL.TEST"; do
    # shellcheck disable=SC2086
    evil kadmin.local -r EVIL.TEST addprinc $each
done
evil krb5kdc -n -r EVIL.TEST &
sinks+=($!)
listens() { (exec 7<> "/dev/tcp/127.0.0.1/$1") 2> /dev/null; }
ok 'another realm' eventually listens "$EVIL_PORT"
ok 'with an account of the same name' evil kinit -c "$work/tickets-evil" "$USER1" <<< "$PASS1"
as_evil() { KRB5_CONFIG=$work/evil/krb5.conf KRB5CCNAME=FILE:$work/tickets-evil tickets "$@"; }
is 'a ticket of its own for a service of our name' "$(as_evil good)" refused
is 'by KPOP neither' "$(as_evil kpop_service pop)" refused
# The realms trust each other; that makes nobody there one of ours.
kdc_admin addprinc -pw between "krbtgt/$REALM@EVIL.TEST"
sed -i "s/    $HOST = EVIL.TEST/    $HOST = $REALM/" "$work/evil/krb5.conf"
is 'a ticket for our service, of somebody there' "$(as_evil good)" refused
whose="ticket-refused .*no kerberos.principal for $USER1@EVIL.TEST"
ok 'the log says whose' eventually log_has "$whose"
said=$(grep -cE "$whose" "$box/log")
is 'by KPOP neither' "$(as_evil kpop_service pop)" refused
said_again() { [ "$(grep -cE "$whose" "$box/log")" -gt "$said" ]; }
ok 'and for that reason' eventually said_again

# ---- clocks and time ----
is 'a client whose clock is an hour fast' "$(faketime -f +1h "$python" "$here/tickets.py" good 2> /dev/null)" refused
ok 'the log says skew' eventually log_has 'ticket-refused .*([Cc]lock skew|expired)'
faketime=$(dpkg -L libfaketime | grep 'libfaketime\.so\.1$') # the program would stand between us and the KDC
stop_kdc() { kill "$(cat "$box/kdc/pid")" && eventually gone "$(cat "$box/kdc/pid")"; }
kdc_at() { # OFFSET: the KDC with another clock
    stop_kdc
    LD_PRELOAD=$faketime FAKETIME=$1 KRB5_KDC_PROFILE=$box/kdc/kdc.conf krb5kdc -n -r "$REALM" < /dev/null >> "$work/kdc.log" 2>&1 &
    sinks+=($!)
    echo $! > "$box/kdc/pid"
    eventually listens "$KDC_PORT"
}
kdc_admin addprinc -pw carol-in-kerberos carol
tool account add carol --kerberos "carol@$REALM"
login() { printf 'a LOGIN %s %s\nb LOGOUT\n' "$1" "$2" | converse "$IMAP_PORT" | grep '^a '; }
like 'a password of the KDC' "$(login carol carol-in-kerberos)" '^a OK'
ok 'a KDC whose clock is an hour slow' kdc_at -1h
like 'cannot say whether a password is right' "$(login carol carol-in-kerberos)" '^a NO \[UNAVAILABLE\]'
ok 'the log says that it is the clock' eventually log_has 'ticket-refused .*account=carol .*[Cc]lock skew'
like 'accounts of ours are well' "$(login "$USER1" "$PASS1")" '^a OK'
ok 'a ticket that ends before now' faketime -f -1h kinit -l 10m "$USER1" <<< "$PASS1"
is 'is refused' "$(faketime -f -1h "$python" "$here/tickets.py" good 2> /dev/null)" refused
stop_kdc
kdestroy_all
like 'without a KDC it is not there' "$(login carol carol-in-kerberos)" '^a NO \[UNAVAILABLE\]'
finish
