#!/bin/bash
# SMTP by the letter of its RFCs, over a raw socket.
. "$(dirname "$0")/lib.sh"
need_program python3

start_sandbox
python3 "$here/conformance_smtp.py" "$SMTP_PORT" "$USER1" "$DOMAIN" > "$work/report" 2>&1
is 'it came to its end' $? 0
report_of cat "$work/report"
finish
