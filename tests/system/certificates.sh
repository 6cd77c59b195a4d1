# certificates.sh: client certificates of an authority of our own, and logins with them.  Sourced after lib.sh and authority.sh.

EC='-newkey ec -pkeyopt ec_paramgen_curve:P-256'
client_certificate() { # NAME SUBJECT-ALT-NAME [OPTION...]: $work/ca/NAME.pem and .key; CA, KEY and USAGE may be set
    local name=$1 names=$2 ca=${CA:-$work/ca/ca.pem}; shift 2
    # shellcheck disable=SC2086
    openssl req ${KEY:-$EC} -nodes -keyout "$work/ca/$name.key" -subj "/CN=$name" -out "$work/ca/$name.csr" 2> /dev/null &&
        openssl x509 -req -in "$work/ca/$name.csr" -CA "$ca" -CAkey "${CA_KEY:-$work/ca/key.pem}" -CAcreateserial -days 2 \
            -out "$work/ca/$name.pem" -extfile <(echo "${names:+subjectAltName=$names}"; echo "extendedKeyUsage=${USAGE:-clientAuth}") \
            "$@" 2> /dev/null
}
# What the authority has revoked: nothing yet.  Then `ca -revoke CERTIFICATE` revokes, and `ca -gencrl -out FILE` lists.
keep_revocations() {
    : > "$work/ca/index"
    echo 01 > "$work/ca/number"
    cat > "$work/ca/ca.conf" <<END_OF_CONF
[ca]
default_ca = own
[own]
database = $work/ca/index
certificate = $work/ca/ca.pem
private_key = $work/ca/key.pem
crlnumber = $work/ca/number
default_md = sha256
default_crl_days = 2
default_days = 2
new_certs_dir = $work/ca
rand_serial = yes
policy = any
[any]
commonName = supplied
END_OF_CONF
}
ca() { openssl ca -config "$work/ca/ca.conf" "$@" 2>> "$work/ca/log"; }
# With the certificate NAME, as USER or as whoever it is of.
by_certificate() { # NAME USER URL [CURL-OPTION...]
    local name=$1 user=$2 url=$3; shift 3
    curl_mail --cert "$work/ca/$name.pem" --key "$work/ca/$name.key" --login-options AUTH=EXTERNAL --user "$user:" --url "$url" "$@"
}
# What a server says to lines of a client, by openssl s_client.
talk() { # PORT NAME [S_CLIENT-OPTION...]: lines on standard input; NAME may be empty
    local port=$1 name=$2; shift 2
    local own=()
    [ -z "$name" ] || own=(-cert "$work/ca/$name.pem" -key "$work/ca/$name.key")
    { while IFS= read -r line; do printf '%s\r\n' "$line"; done; sleep 0.2; } |
        timeout "$patience" openssl s_client -quiet -connect "127.0.0.1:$port" -servername "$HOST" -CAfile "$CAFILE" "${own[@]}" "$@" \
            2> "$work/s_client" | tr -d '\r'
}
imap_login() { # NAME AUTHZID [S_CLIENT-OPTION...]: the answer to AUTHENTICATE EXTERNAL
    local name=$1 authzid='='; shift
    [ -z "$1" ] || authzid=$(printf '%s' "$1" | base64 -w0)
    shift
    printf 'a AUTHENTICATE EXTERNAL %s\nb LOGOUT\n' "$authzid" | talk "$IMAPS_PORT" "$name" "$@" | grep '^a '
}
