#!/bin/bash
# All processes, and mailroomd, are hostile to the supervisor (tests/authority/hostile_processes.cc, in mailroomd's place and in
# that of everybody whom the supervisor has started): who sends what is no message is ended, he alone; what is another's to ask for
# is not heeded, and is in the log; a flood keeps it from nobody.
#
#   PEER_FLOOD    messages of a flood (default: 4000; tests/run --long: 200000)
. "$(dirname "$0")/lib.sh"
need_root

start_sandbox
sandbox stop > /dev/null
report_of timeout $((300 + ${PEER_FLOOD:-4000} / 100)) "$build/tests/authority/hostile_processes" "$CONFIG" "${PEER_FLOOD:-4000}"
finish
