#!/bin/bash
# Taken-over servers of connections (tests/authority/hostile_answers.cc in the place of authd, policyd, queued and keyd): they send
# what is no message, answers that nobody has asked for, of another kind, twice, with descriptors.  The connection ends, it alone, in order;
# nobody gets a session by it; the next is served.
. "$(dirname "$0")/lib.sh"
need_root

start_sandbox
sandbox stop > /dev/null
for role in smtpd-mx smtpd-submission pop3d imapd; do
    report_of timeout 300 "$build/tests/authority/hostile_answers" "$role" "$CONFIG"
done
finish
