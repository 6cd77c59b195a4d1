#!/bin/bash
# Accounts: names, services, live sessions that end, removal, aliases, import, and what is left after kill -9.
. "$(dirname "$0")/lib.sh"
need_program curl jq perl

start_sandbox --plaintext-login
account() { tool account "$@"; }
add() { local name=$1; shift; account add "$name" --password-stdin "$@" <<< "a-secret of $name"; }
reads() { imap "$1" "a-secret of ${2:-$1}" ''; }
id_of() { account --json show "$1" | jq .id; }
message 1 > "$work/m"

# ---- names ----
for name in a.b+c-d_e host/printer.example.org@realm.example 0day; do
    ok "add $name" add "$name"
    ok "$name logs in" reads "$name"
done
for name in '' . .. ../x a..b 'a b' -x a/ @x 'a@b@c' 'a%b' $'a\nb'; do
    fails "no account can be called $(printf %q "$name")" add "$name"
done
ok 'add carol' add Carol
ok 'she logs in, spelled otherwise' reads CAROL Carol
ok 'and by her address' reads "carol@$DOMAIN" Carol
fails 'not by one that is not ours' reads carol@elsewhere.test Carol
fails 'nor with a blank' reads 'carol ' Carol
fails 'nor with a dot' reads carol. Carol
fails 'one name, one account' add carol
is 'show' "$(account --json show carol | jq -r '.addresses | join(" ")')" "carol@$DOMAIN"
is 'list' "$(account --json list | jq -r '.[] | select(.name == "carol") | .services | join(" ")')" 'pop imap submission'

# ---- one answer to every wrong login ----
answer() { printf 'a LOGIN "%s" "%s"\n' "$1" "$2" | converse "$IMAP_PORT" | tail -n 1; }
wrong=$(answer carol wrong)
like 'a wrong password' "$wrong" '^a NO \[AUTHENTICATIONFAILED\]'
is 'an unknown name' "$(answer nobody wrong)" "$wrong"
is 'an impossible name' "$(answer ../../x wrong)" "$wrong"

# ---- services ----
ok 'services' account services carol pop,submission
fails 'no IMAP' reads carol Carol
ok 'POP' pop3 carol 'a-secret of Carol' ''
ok 'all services' account services carol pop,imap,submission

# ---- live sessions end ----
session() { # COMMAND...: runs it while a session of carol is open; prints how long the session went on
    exec 7<> "/dev/tcp/127.0.0.1/$IMAP_PORT"
    read -r _ <&7
    printf 'a LOGIN carol "%s"\r\n' "${secret:-a-secret of Carol}" >&7
    read -r line <&7
    [[ $line == 'a OK'* ]] || echo "no login: $line"
    "$@"
    timeout "$patience" cat <&7 > /dev/null && echo ended
    exec 7>&-
}
is 'disable ends a session' "$(session account disable carol)" ended
fails 'and lets no other begin' reads carol Carol
ok 'mail still comes in' send a@client.test "carol@$DOMAIN" "$work/m"
ok 'enable' account enable carol
ok 'it is there' eventually delivered carol 'a-secret of Carol' 1
new_password() { echo 'another secret' | account passwd carol --password-stdin; }
is 'a new password ends a session' "$(session new_password)" ended
fails 'the old one is dead' reads carol Carol
secret='another secret'
is 'losing a service ends a session' "$(session account services carol pop)" ended
account services carol pop,imap,submission

# ---- aliases ----
ok 'an alias to two' account alias set "Staff@$DOMAIN" carol "$USER2"
ok 'mail to it' send a@client.test "staff+x@$DOMAIN" "$work/m"
ok 'the one has it' eventually delivered carol "$secret" 2
ok 'the other has it' eventually delivered "$USER2" "$PASS2" 1
fails 'an alias cannot take an address away' account alias set "carol@$DOMAIN" "$USER2"
ok 'but share it' account alias set "carol@$DOMAIN" carol "$USER2"
is 'alias list' "$(account --json alias list | jq -r '.[].address' | tr '\n' ' ')" "carol@$DOMAIN staff@$DOMAIN "
ok 'alias remove' account alias remove "carol@$DOMAIN"

# ---- removal ----
old=$(id_of carol)
is 'remove ends a session' "$(session account remove carol)" ended
fails 'there is no such account' account show carol
fails 'nor a login' imap carol "$secret" ''
like 'nor an address' "$(send a@client.test "carol@$DOMAIN" "$work/m" -v 2>&1)" '550 5\.1\.1'
ok 'the mail was put aside' test -d "$box/spool/mail/removed-$old" -a ! -e "$box/spool/mail/$old"
is 'the alias leads to who is left' "$(account --json alias list | jq -c '.[0].accounts')" "[\"$USER2\"]"
ok 'a new account of that name' account add carol --no-password
fails 'has not the old password' imap carol "$secret" ''
ok 'has another number' test "$(id_of carol)" -gt "$old"
is 'and no mail' "$(find "$box/spool/mail/$(id_of carol)/new" -type f | wc -l)" 0

# ---- import ----
hash=$(perl -e 'print crypt("secret", q($5$rounds=1000$mailroom$))')
{ echo '# ours'; for n in $(seq 1 450); do echo "m$n:$hash:imap"; done; echo "$USER1:$hash"; } > "$work/import"
fails 'import tells of an account that is there' account import "$work/import"
like 'by its name' "$(cat "$work/out")" "^mr-account: $USER1: there is an account of that name"
is 'and makes the others' "$(account list | grep -c '^m[0-9].* imap$')" 450
ok 'they log in' imap m450 secret ''
ok 'the one that was there keeps its password' imap "$USER1" "$PASS1" ''
fails 'a weak hash is refused' account add weak --hash 'abJnggxhB/yWI'
fails 'and nothing is left of it' account show weak

# ---- kill -9 ----
for daemon in policyd authd; do
    pid=$(pid_of $daemon)
    kill -KILL "$pid"
    ok "$daemon comes back" eventually reads 0day
    ok "$daemon knows what it acknowledged" account show m450
    unlike "$daemon is another process" "$(pid_of $daemon)" "^$pid\$"
done

# ---- nobody else opens the state (SECURITY.md V22) ----
if [ "$(id -u)" = 0 ]; then
    for file in policyd/lock.mdb policyd/data.mdb authd/lock.mdb authd/data.mdb; do
        fails "$file is its daemon's" setpriv --reuid 65534 --clear-groups --regid 65534 head -c 1 "$box/state/$file"
    done
    is 'and the directories are closed' "$(stat -c %a "$box/state/policyd" "$box/state/authd" | tr '\n' ' ')" '700 700 '
fi
unlike 'no password is in the log' "$(cat "$box/log")" "a-secret of|another secret|$PASS1"
finish
