# authority.sh: certificates of an authority of our own, in $work/ca.  Sourced after lib.sh.

make_authority() { # $work/ca/ca.pem
    mkdir "$work/ca"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/ca/key.pem" -out "$work/ca/ca.pem" \
        -days 2 -subj '/CN=Test authority' 2> /dev/null
}
certificate() { # NAME DNS-ID...: $work/ca/NAME.pem and NAME.key, signed by the authority
    local name=$1 names; shift
    names=$(printf ',DNS:%s' "$@")
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/ca/$name.key" -subj "/CN=$name" \
        -out "$work/ca/$name.csr" 2> /dev/null
    openssl x509 -req -in "$work/ca/$name.csr" -CA "$work/ca/ca.pem" -CAkey "$work/ca/key.pem" -CAcreateserial -days 2 \
        -out "$work/ca/$name.pem" -extfile <(echo "subjectAltName=${names#,}") 2> /dev/null
}
