#!/bin/bash
# B4: who is logged in sends only as addresses that are theirs: on the envelope, in From, and in Sender.
. "$(dirname "$0")/lib.sh"
. "$here/outgoing.sh"
need_program swaks

start_sandbox
me=$USER1@$DOMAIN you=$USER2@$DOMAIN
as_me() { # [SWAKS-OPTION...]
    PORT=$SUBMISSION_PORT as_client 127.0.0.1 --tls --auth PLAIN --auth-user "$USER1" --auth-password "$PASS1" --to someone@elsewhere.test "$@"
}
as_me --from "$me" --h-From "Alice <$me>"
like 'as itself' "$reply" "^$taken"
as_me --from "$USER1+lists@$DOMAIN" --h-From "$me"
like 'with a detail' "$reply" "^$taken"
as_me --from "$me" --h-From "Alice <$USER1+lists@$DOMAIN>"
like 'with a detail in From' "$reply" "^$taken"
as_me --from "$me" --h-From "${USER1}x+lists@$DOMAIN"
like 'but not as whose name only begins like its own' "$reply" '^550 5\.7\.1 .*From'
as_me --from "$you" --h-From "$me"
like 'not with another envelope sender' "$reply" "^550 5\.7\.1 .*<$me>"
as_me --from someone@elsewhere.test --h-From "$me"
like 'nor with one from elsewhere' "$reply" '^550 5\.7\.1 '
as_me --from "$me" --h-From "$you"
like 'not with another author' "$reply" '^550 5\.7\.1 .*From'
as_me --from "$me" --h-From "$me, $you"
like 'nor with another beside its own' "$reply" '^550 5\.7\.1 .*From'
as_me --from "$me" --h-From "$me" --header "Sender: $you"
like 'nor as somebody else who sends for it' "$reply" '^550 5\.7\.1 .*Sender'
as_me --from "$me" --h-From "$me" --header "Sender: $me"
like 'itself in Sender is good' "$reply" "^$taken"

# ---- aliases, delegation, exceptions ----
ok 'an alias' tool account alias set "first.last@$DOMAIN" "$USER1"
as_me --from "first.last@$DOMAIN" --h-From "first.last@$DOMAIN"
like 'is its own' "$reply" "^$taken"
ok 'a delegation' tool account send-as "$USER1" "$you" @lists.elsewhere.test
as_me --from "$you" --h-From "$you"
like 'lets it send as the other' "$reply" "^$taken"
as_me --from any@lists.elsewhere.test --h-From any@lists.elsewhere.test
like 'or as a domain' "$reply" "^$taken"
like 'both are shown' "$(tool account show "$USER1")" "sends as +$you"
ok 'the delegation ends' tool account send-as "$USER1"
as_me --from "$you" --h-From "$you"
like 'and with it the right' "$reply" '^550 5\.7\.1 '
ok 'any sender' tool account send-as "$USER1" '*'
as_me --from who@ever.test --h-From who@ever.test
like 'is an exception for one account' "$reply" "^$taken"

# ---- our domains from outside, when the site asks for it ----
as_outsider() { swaks --server "127.0.0.1:$SMTP_PORT" --from "$1" --to "$you" 2>&1 | grep -E '^<' | tail -n 3; }
unlike 'by default the mx takes our domain from outside' "$(as_outsider "$me")" ' 550 '
echo 'policyd.guard-own-domains yes' >> "$CONFIG"
kill -HUP "$PID"
ok 'the configuration is read' eventually log_has 'reload-done'
like 'and refuses it when asked to' "$(as_outsider "$me")" '550 5\.7\.1 .*our own addresses'
unlike 'others go on' "$(as_outsider x@elsewhere.test)" ' 550 '
finish
