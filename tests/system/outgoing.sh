# outgoing.sh: clients of the outgoing server and the relay, from any loopback address.  Sourced after lib.sh.

taken='250 2\.0\.0 ' # after the content

# The reply that decided, in $reply: to the content when it was taken, else the first refusal.
as_client() { # IP [SWAKS-OPTION...]: at the outgoing server
    local ip=$1; shift
    reply=$(swaks --server "127.0.0.1:${PORT:-$OUTGOING_PORT}" --local-interface "$ip" --helo client.test --timeout "$patience" \
        --tls-optional --tls-ca-path "$CAFILE" "$@" 2>&1 | sed -nE 's/^<[-~*]+ *([245][0-9][0-9] .*)/\1/p' |
        awk '/^[45]/ { bad = $0; exit } /^250 2\.0\.0 / { good = $0 } END { print bad != "" ? bad : good }')
}
last_rule() { grep -E ' (recipient|sender)-(accepted|refused) ' "$box/log" | tail -n 1; }

read_mail() { # IP USER PASSWORD: by POP3, as curl does
    curl_mail --interface "$1" --url "pop3s://127.0.0.1:$POP3S_PORT/" --resolve "localhost:$POP3S_PORT:127.0.0.1" \
        --user "$2:$3" --insecure -o /dev/null
}
