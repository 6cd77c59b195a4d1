#!/bin/bash
# C11: one command says whether mail would be taken and which rule decides, by the code that decides; and why it was.
. "$(dirname "$0")/lib.sh"
. "$here/outgoing.sh"
need_program swaks python3

start_sandbox
explain() { tool access explain "$@"; }
me=$USER1@$DOMAIN
text=$(explain --listener outgoing --client 127.0.5.5 --from "$me" --to x@elsewhere.test)
like 'a stranger is refused' "$text" '^not accepted: 550 5\.7\.1 .*check your mail first'
like 'the rule is named' "$text" '^rule +read-mail-first'
like 'each fact has its source' "$text" "recipient +foreign +elsewhere\.test is none of our domains"
text=$(explain --listener outgoing --client 127.0.2.5 --from x@y.test --to x@elsewhere.test)
like 'a campus host is taken' "$text" '^accepted: 250 '
like 'because of its network' "$text" 'campus +yes +network campus 127\.0\.2\.0/24'
text=$(explain --listener submission --client 127.0.5.5 --login "$USER1" --from "$USER2@$DOMAIN" --to x@elsewhere.test)
like 'an account with a wrong sender' "$text" '^rule +sender-not-own'
text=$(explain --listener relay --client 127.0.4.1 --from d@y.test --to x@elsewhere.test)
like 'a device in a cloud must log in' "$text" '^rule +device-must-log-in'
is 'as JSON' "$(explain --json --listener mx --client 192.0.2.1 --from '' --to "$me" | python3 -c 'import json,sys; print(json.load(sys.stdin)["rule"])')" local-recipient
fails 'an address that is none' explain --listener mx --client 192.0.2 --from '' --to "$me"
fails 'an account that is not there' explain --listener mx --client 192.0.2.1 --login nobody --from '' --to "$me"

# Real sessions come to the verdicts that were explained.
as_client 127.0.5.5 --from "$me" --to x@elsewhere.test
like 'as explained, so refused' "$(last_rule)" 'rule=read-mail-first'
session=$(last_rule | sed 's/.*session=\([0-9a-f]*\).*/\1/')
why=$(tool access why --log "$box/log" "$session")
like 'why: the rule of that session' "$why" 'Neither on campus, nor logged in'
like 'and its facts' "$why" 'facts +listener=outgoing.*recipient=foreign'
as_client 127.0.2.5 --from x@y.test --to "$me"
queue=$(last_rule | sed 's/.*queue=\([^ ]*\).*/\1/')
like 'why by queue id, from standard input' "$(tool access why "$queue" < "$box/log")" 'Mail from anybody to an account of ours'
like 'with the session it came in' "$(tool access why "$queue" < "$box/log")" ' connection-opened$'
like 'with what became of it' "$(eventually nothing_pending; tool access why --log "$box/log" "$queue")" 'message-delivered'
like 'and the session with its message' "$(tool access why --log "$box/log" "$(last_rule | sed 's/.*session=\([0-9a-f]*\).*/\1/')")" 'message-delivered'
is 'in JSON' "$(tool access --json why --log "$box/log" "$session" | python3 -c 'import json,sys
print([e["facts"]["rule"] for e in json.load(sys.stdin) if "rule" in e["facts"]][0])')" read-mail-first
fails 'of what the log does not know' tool access why --log "$box/log" 0123456789abcdef
finish
