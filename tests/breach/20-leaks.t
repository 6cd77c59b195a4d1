#!/bin/bash
# Passwords, their hashes, the TLS key, the keys of a TLS connection and an account's mail are in the memory of those processes
# alone that daemons/process_walls.h names.
. "$(dirname "$0")/lib.sh"
need_root
need_program python3 openssl

kerberos=()
if command -v krb5kdc > /dev/null && command -v kadmin.local > /dev/null; then kerberos=(--kerberos); fi
smarthost_password=canary$(openssl rand -hex 16)
cat > "$work/smart.script" << END
{"extensions": ["AUTH PLAIN"], "users": {"campus": "$smarthost_password"}, "rules": [{"at": "content", "delay": 600}]}
END
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/key.pem" -out "$work/cert.pem" -days 2 \
    -subj /CN=sink.test 2> /dev/null
start_sink smart --script "$work/smart.script" --certificate "$work/cert.pem" --key "$work/key.pem" --implicit-tls
start_sandbox "${kerberos[@]}" --set "route smart.test smtps 127.0.0.1:$SINK_PORT tls=encrypt auth"
"$intruder" --secrets > "$work/secrets"
[ ${#kerberos[@]} != 0 ] || sed -i '/^keytab\|^kdc-password/d' "$work/secrets"
# shellcheck disable=SC2046
report_of env $(grep -v '^#' "$box/env" | sed 's/^export //' | tr -d "'\"") TOOLS="$build/tools" SINK="$SINK_DIR" \
    SMARTHOST_PASSWORD="$smarthost_password" timeout 300 python3 "$breach/leak_hunt.py" "$box" "$work/secrets"
[ "$count" -gt 10 ] || missed 'the hunt came to its end'
finish
