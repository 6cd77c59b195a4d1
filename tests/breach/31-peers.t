#!/bin/bash
# All peers of a process are hostile at once (tests/authority/hostile_peers.cc): on each channel of daemons/processes.h, and on
# those of connections, each kind of message comes cut off at each octet, too long, with lengths that are huge, out of turn,
# twice, with descriptors that nobody asked for or of another type, and as a flood.  The process closes that channel and no
# other, says so, goes on, keeps no descriptor, and hears the others.
#
#   PEER_FLOOD    messages of a flood (default: 4000; tests/run --long: 200000)
. "$(dirname "$0")/lib.sh"
need_root

hostile_peers=$build/tests/authority/hostile_peers
mapfile -t roles < <("$hostile_peers" --roles)
kerberos=()
if command -v krb5kdc > /dev/null && command -v kadmin.local > /dev/null; then kerberos=(--kerberos); fi
needs_kerberos() { case $1 in kpopd | krbd | kdcd) true ;; *) false ;; esac; }

start_sandbox --client-certificates "${kerberos[@]}"
sandbox stop > /dev/null
ok "there are processes (${#roles[@]})" [ "${#roles[@]}" -ge 18 ]
for role in "${roles[@]}"; do
    if [ ${#kerberos[@]} = 0 ] && needs_kerberos "$role"; then skip "$role" 'needs a KDC'; continue; fi
    report_of timeout $((300 + ${PEER_FLOOD:-4000} / 100)) "$hostile_peers" "$role" "$CONFIG" "${PEER_FLOOD:-4000}"
done
finish
