#!/bin/bash
# Passwords, their hashes, the TLS key, the keys of a TLS connection and an account's mail are in the memory of those processes
# alone that daemons/process_walls.h names.
. "$(dirname "$0")/lib.sh"
need_root
need_program python3 openssl

kerberos=()
if command -v krb5kdc > /dev/null && command -v kadmin.local > /dev/null; then kerberos=(--kerberos); fi
start_sandbox "${kerberos[@]}" --set 'route smart.test smtp 127.0.0.1:1 tls=encrypt auth'
"$intruder" --secrets > "$work/secrets"
[ ${#kerberos[@]} != 0 ] || sed -i '/^keytab/d' "$work/secrets"
# shellcheck disable=SC2046
report_of env $(grep -v '^#' "$box/env" | sed 's/^export //' | tr -d "'\"") TOOLS="$build/tools" \
    timeout 300 python3 "$breach/leak_hunt.py" "$box" "$work/secrets"
[ "$count" -gt 10 ] || missed 'the hunt came to its end'
finish
