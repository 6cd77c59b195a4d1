#!/bin/bash
# TLS as the system offers it: what is spoken, what is refused (SECURITY.md V14, V15), and where the private key is.
. "$(dirname "$0")/lib.sh"
need_program openssl

start_sandbox

declare -A ports=([imaps]=$IMAPS_PORT [pop3s]=$POP3S_PORT [smtps]=$SMTPS_PORT)
declare -A alpn=([imaps]=imap [pop3s]=pop3 [smtps]=smtp)

client() { # PORT [OPTION...]: a handshake, and nothing said
    local port=$1; shift
    timeout "$patience" openssl s_client -connect "127.0.0.1:$port" -CAfile "$CAFILE" "$@" < /dev/null 2>&1
}
refused() { # DESCRIPTION PORT ALERT [OPTION...]
    local description=$1 port=$2 alert=$3; shift 3
    like "$description" "$(client "$port" "$@")" "SSL alert number $alert\$"
}

# ---- what is spoken ----
for service in imaps pop3s smtps; do
    port=${ports[$service]}
    like "$service: TLS 1.3, certificate good for the name" \
        "$(client "$port" -verify_return_error -verify_hostname "$HOST" -servername "$HOST")" '^New, TLSv1.3, Cipher is TLS_AES_128_GCM_SHA256$'
    like "$service: TLS 1.2" "$(client "$port" -verify_return_error -tls1_2)" '^New, TLSv1.2, Cipher is ECDHE-ECDSA-AES128-GCM-SHA256$'
    like "$service: ALPN ${alpn[$service]}" "$(client "$port" -alpn "h2,${alpn[$service]}")" "^ALPN protocol: ${alpn[$service]}\$"
    refused "$service: ALPN of another protocol" "$port" 120 -alpn h2,http/1.1
    client "$port" -tls1_2 -sess_out "$work/session" > /dev/null
    fails "$service: TLS 1.2 leaves nothing to resume" [ -e "$work/session" ]
    unlike "$service: no ticket in TLS 1.2" "$(client "$port" -tls1_2)" 'session ticket'
    (sleep 1) | timeout "$patience" openssl s_client -connect "127.0.0.1:$port" -sess_out "$work/session" > /dev/null 2>&1
    fails "$service: TLS 1.3 neither" [ -e "$work/session" ]
done
for port in "$IMAP_PORT imap" "$POP3_PORT pop3" "$SMTP_PORT smtp" "$SUBMISSION_PORT smtp"; do
    like "STARTTLS on ${port#* } ${port% *}" "$(client "${port% *}" -starttls "${port#* }" -verify_return_error)" '^New, TLSv1.3'
done

# ---- what is refused ----
refused 'TLS 1.0' "$IMAPS_PORT" 70 -tls1 -cipher DEFAULT@SECLEVEL=0
refused 'TLS 1.1' "$IMAPS_PORT" 70 -tls1_1 -cipher DEFAULT@SECLEVEL=0
refused 'RSA key exchange' "$IMAPS_PORT" 40 -tls1_2 -cipher AES128-GCM-SHA256
refused 'CBC' "$IMAPS_PORT" 40 -tls1_2 -cipher ECDHE-ECDSA-AES128-SHA256
refused 'CBC with SHA-1' "$IMAPS_PORT" 40 -tls1_2 -cipher ECDHE-ECDSA-AES128-SHA
refused 'finite-field key exchange' "$IMAPS_PORT" 40 -tls1_2 -cipher DHE-RSA-AES128-GCM-SHA256
refused 'no encryption' "$IMAPS_PORT" 40 -tls1_2 -cipher ECDHE-ECDSA-NULL-SHA:@SECLEVEL=0
refused 'no authentication' "$IMAPS_PORT" 40 -tls1_2 -cipher ADH-AES128-GCM-SHA256:@SECLEVEL=0
ok 'a handshake that failed is logged in words' \
    eventually log_has 'tls-failed .*reason="client offers at most TLS 1\.0, needed is TLS 1\.2'
# R asks for a renegotiation.
like 'renegotiation' "$( (sleep 1; echo R; sleep 1) | timeout "$patience" openssl s_client -connect "127.0.0.1:$IMAPS_PORT" -tls1_2 2>&1)" \
    'no renegotiation'

# ---- where the private key is ----
if [ "$(id -u)" = 0 ]; then
    for pid in $PID $(pgrep -P "$PID"); do
        name=$(process_name "$pid")
        found=$(python3 "$here/find_key.py" "$box/tls/key.pem" "$pid")
        if [ "$name" = keyd ]; then is 'the key is in the memory of keyd' "$found" found
        else is "the key is not in the memory of $name" "$found" absent; fi
    done
else
    skip 'the key is in keyd alone' 'needs root'
fi

finish
