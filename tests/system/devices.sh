# devices.sh: devices of the registry and their mail at the relay.  Sourced after lib.sh and outgoing.sh.

HELP='the help desk, 555-0100'
FAR=someone@far.test   # a domain that is not ours

# A sandbox with a name server, a foreign server for far.test and an address of an office, scans@$DOMAIN.
start_relay() { # [OPTION...]
    start_sink far
    FAR_DIR=$SINK_DIR
    start_sandbox --zone --route "far.test=127.0.0.1:$SINK_PORT" --set "policyd.help-desk \"$HELP\"" \
        --set 'queued.retry-schedule 1s' "$@"
    office=scans@$DOMAIN
    tool account add office --no-password > /dev/null && tool account functional office yes &&
        tool account alias set "$office" office || missed 'the office is there'
}
arrived() { [ "$(find "$FAR_DIR" -name '*.eml' | wc -l)" = "$1" ]; } # N: messages at far.test

device() { tool device "$@"; }
# An active device of that name.
register() { # NAME FIELD...
    device request "$@" --contact "$USER1@$DOMAIN" --purpose test --why 'asked for' &&
        device approve "$1" --why 'looked at'
}
# What it logs in with; the password is in $SECRET.
SECRET=a-password-of-a-copier
set_password() { device password "$1" "$2" --password-stdin <<< "$SECRET"; } # NAME PRINCIPAL

at_relay() { PORT=${PORT:-$RELAY_PORT} as_client "$@"; } # IP [SWAKS-OPTION...]: the reply is in $reply
by_login() { # IP PRINCIPAL [SWAKS-OPTION...]
    local ip=$1 principal=$2; shift 2
    at_relay "$ip" --auth PLAIN --auth-user "$principal" --auth-password "$SECRET" "$@"
}
history_of() { device --json history "$1" | python3 -c 'import json,sys; print(*(s["step"] for s in json.load(sys.stdin)))'; }
