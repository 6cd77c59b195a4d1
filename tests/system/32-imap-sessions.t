#!/bin/bash
# Several IMAP sessions on one mailbox: each is told exactly what the others do.
. "$(dirname "$0")/lib.sh"
need_program python3

start_sandbox --plaintext-login
ok 'four sessions at random' python3 "$here/imap_sessions.py" "$IMAP_PORT" "$USER1" "$PASS1" 8
finish
