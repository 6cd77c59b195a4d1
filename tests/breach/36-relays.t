#!/bin/bash
# A taken-over queued and relayd's connections to other hosts (tests/authority/hostile_queue.cc): what is no message, or comes in
# the wrong state, ends that connection, which never crashes; when one does crash, no other is made until relayd is replaced.
. "$(dirname "$0")/lib.sh"
need_root

start_sink far
start_sandbox --route "far.test=127.0.0.1:$SINK_PORT"
sandbox stop > /dev/null
report_of timeout 300 "$build/tests/authority/hostile_queue" "$CONFIG" "$SINK_PORT"
is 'the far host has the two messages that were good' "$(cat "$SINK_DIR"/*.eml | grep -cE '^Subject: (before|after all that)')" 2
is 'and nothing of what cannot be content' "$(find "$SINK_DIR" -name '*.eml' -size +8k | wc -l)" 0
finish
