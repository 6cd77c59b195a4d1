#!/bin/bash
# What FETCH says of each message of the large corpus is what two other servers agree on (MAILROOM_SHARED, default ../shared),
# but for the differences that tests/oracle/differences.json explains.
. "$(dirname "$0")/lib.sh"
need_program python3

shared=${MAILROOM_SHARED:-$root/../shared}
[ -f "$shared/oracle/golden.py" ] || skip_all "not there: $shared/oracle"
processes=4 # golden.py waits for each answer

start_sandbox --plaintext-login
set -a
read_env
PLAINTEXT=1
set +a
began=$SECONDS
report_of "$here/oracle.py" "$shared" "$root/tests/oracle/differences.json" $processes
echo "$((SECONDS - began)) s" | diag
finish
