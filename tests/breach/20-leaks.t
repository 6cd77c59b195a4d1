#!/bin/bash
# Passwords, their hashes, the TLS key, the keys of a TLS connection and an account's mail are in the memory of those processes
# alone that daemons/process_walls.h names.
. "$(dirname "$0")/lib.sh"
need_root
need_program python3 openssl

start_sandbox
"$intruder" --secrets > "$work/secrets"
# shellcheck disable=SC2046
report < <(env $(grep -v '^#' "$box/env" | sed 's/^export //' | tr -d "'\"") TOOLS="$build/tools" \
    timeout 300 python3 "$breach/leak_hunt.py" "$box" "$work/secrets" 2>&1)
[ "$count" -gt 10 ] || missed 'the hunt came to its end'
finish
