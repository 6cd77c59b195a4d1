#!/bin/bash
# C6: in networks behind NAT or in a cloud a name says nothing, and only a login counts.
. "$(dirname "$0")/lib.sh"
. "$here/outgoing.sh"
. "$here/devices.sh"
need_program swaks nsd ldns-signzone

start_relay
NAT=127.0.3.7 CLOUD=127.0.4.7 P=smtp-relay/copier
zone_add <<END
7.3.0.127.in-addr.arpa. PTR nat7.test.
nat7.test. A $NAT
7.4.0.127.in-addr.arpa. PTR cloud7.test.
cloud7.test. A $CLOUD
END
ok 'a device with confirmed names in both' register copier --dns-name nat7.test --dns-name cloud7.test --principal "$P" --from "$office"
set_password copier "$P"
for ip in $NAT $CLOUD; do
    at_relay $ip --from "$office" --to "$FAR"
    like "$ip: its name does not count" "$reply" '^550 5\.7\.1 From this network devices must log in, after STARTTLS'
    like 'by that rule' "$(last_rule)" 'rule=device-must-log-in'
    by_login $ip "$P" --tls --from "$office" --to "$FAR"
    like 'its login does' "$reply" "^$taken"
    at_relay $ip --from "$office" --to "$USER1@$DOMAIN"
    like 'and mail for us needs neither' "$reply" "^$taken"
done
ok 'both have arrived' eventually arrived 2
sed -i '/^network cloud /d' "$CONFIG"
kill -HUP "$PID"; ok 'the configuration is read' eventually log_has 'reload-done'
at_relay $CLOUD --from "$office" --to "$FAR"
like 'a network that is no cloud any more: the name counts' "$reply" "^$taken"
finish
