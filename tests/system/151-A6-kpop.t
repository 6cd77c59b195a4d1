#!/bin/bash
# A6: KPOP, POP3 after a Kerberos ticket, for accounts that have it (fetchmail).
# fetchmail finds a KPOP server by the name of the service alone, so the test has a network and an /etc/services of its own.
if [ -z "${KPOP_TEST_NETWORK:-}" ] && [ "$(id -u)" = 0 ]; then
    KPOP_TEST_NETWORK=own exec unshare --net --mount "$0" "$@"
fi
. "$(dirname "$0")/lib.sh"
need_root
need_program krb5kdc kinit fetchmail ip faketime
ip link set lo up
{ cat /etc/services 2> /dev/null; echo 'kpop 1109/tcp'; } > "$work/services"
[ -e /etc/services ] || : > /etc/services
mount --bind "$work/services" /etc/services
other=other.sandbox.test # another name of the host
{ cat /etc/hosts; echo "127.0.0.1 $other"; } > "$work/hosts"
mount --bind "$work/hosts" /etc/hosts
export KPOP_PORT=1109
start_sandbox --kerberos --set 'authd.failure-delay 0s'
export KRB5_CONFIG
message 1 > "$work/m"
send a@client.test "$USER1@$DOMAIN" "$work/m"
ok 'a message has arrived' eventually delivered "$USER1" "$PASS1" 1

cat > "$work/fetchmailrc" <<END
poll $HOST protocol KPOP auth kerberos_v5 username "$USER1" password "unused" keep fetchall
    mda "cat >> $work/got"
END
chmod 600 "$work/fetchmailrc"
fetch() { FETCHMAILHOME=$work fetchmail -f "$work/fetchmailrc" --pidfile "$work/fetchmail.pid" --sslproto '' -v "$@"; }

fails 'without a ticket nobody gets in' fetch
ok 'a ticket' kinit "$USER1" <<< "$PASS1"
fails 'an account has no KPOP unless it is granted' fetch
ok 'it is granted' tool account services "$USER1" pop,kpop
ok 'fetchmail gets the mail, without TLS and without a password' fetch
ok 'it is the message' grep -q 'This is message 1' "$work/got"
KRB5_KDC_PROFILE=$box/kdc/kdc.conf kadmin.local -r "$REALM" addprinc -randkey "pop/$other" > /dev/null 2>&1
sed "s/poll $HOST /poll $other /" "$work/fetchmailrc" > "$work/fetchmailrc.other"
chmod 600 "$work/fetchmailrc.other"
fetch_by_other_name() { FETCHMAILHOME=$work fetchmail -f "$work/fetchmailrc.other" --pidfile "$work/fetchmail.pid" --sslproto '' -v; }
fails 'by a name of the host that the keytab does not have' fetch_by_other_name
KRB5_KDC_PROFILE=$box/kdc/kdc.conf kadmin.local -r "$REALM" ktadd -k "$box/kdc/keytab" "pop/$other" > /dev/null 2>&1
kdestroy -q
kinit "$USER1" <<< "$PASS1" > /dev/null # the ticket for the other name had the key of before
kill -HUP "$PID"
ok 'with its key it works' eventually fetch_by_other_name
ok 'as does the first name' fetch
like 'a client whose clock is an hour fast is told why' "$(faketime -f +1h bash -c "FETCHMAILHOME=$work fetchmail -f $work/fetchmailrc \
    --pidfile $work/fetchmail.pid --sslproto '' -v" 2>&1)" '[Cc]lock skew'
ok 'another account is not opened with that ticket' tool account services "$USER2" pop,kpop
sed -i "s/\"$USER1\"/\"$USER2\"/" "$work/fetchmailrc"
fails 'whose name USER gives is asked of the ticket' fetch

# ---- octet by octet, without a Kerberos library ----
like 'wrong versions, lengths and requests are turned away' "$(/usr/bin/python3 - "$KPOP_PORT" <<'END'
import socket, struct, sys
def message(octets): return struct.pack(">I", len(octets)) + octets
SENDAUTH, KPOP = message(b"KRB5_SENDAUTH_V1.0\0"), message(b"KPOPV1.0\0")
def say(octets):
    with socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=20) as client:
        client.sendall(octets)
        client.shutdown(socket.SHUT_WR)
        got = b""
        while chunk := client.recv(4096):
            got += chunk
        return got
# A KRB-ERROR (RFC 4120 5.9.1) behind the octet for the versions.
def is_error(got): return got[:1] == b"\0" and len(got) > 20 and got[1:5] == struct.pack(">I", len(got) - 5) and got[5] == 0x7e
print(say(message(b"KRB5_SENDAUTH_V1.1\0")) == b"\1",
      say(SENDAUTH + message(b"KPOPV2.0\0")) == b"\2",
      say(SENDAUTH + KPOP + struct.pack(">I", 0xffffffff)) == b"\0",
      is_error(say(SENDAUTH + KPOP + message(b""))),
      is_error(say(SENDAUTH + KPOP + message(b"x" * 12288))),
      all(say((SENDAUTH + KPOP + message(b"y" * 40))[:n]) in (b"", b"\0") for n in range(0, 70, 3)))
END
)" '^True True True True True True$'
ok 'and the system is well' eventually delivered "$USER1" "$PASS1" 1
finish
