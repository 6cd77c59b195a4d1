# foreign.sh: private instances of other people's mail servers on port 25 of loopback addresses, for the far end of a test.
# Sourced after lib.sh.  They need root, and end with the test.
#
#   start_postfix NAME DOMAIN... -- ADDRESS[=CERTIFICATE,KEY]...   takes mail for the domains, at each address
#   start_opensmtpd NAME DOMAIN... -- ADDRESS                       the same
#   mail_at NAME                                                    the files of the mail that NAME has taken
#
#   postfix_puts_off_nobody NAME                                    from then on
#
# Users that begin with "no-" are unknown to Postfix (550), those that begin with "later-" it puts off (450).

foreign=$work/foreign
cache=${XDG_CACHE_HOME:-$HOME/.cache}/mailroom-tests

mail_at() { find "$foreign/$1/mail" -path '*/new/*' -type f 2> /dev/null; }
has_mail_at() { [ "$(mail_at "$1" | wc -l)" = "$2" ]; } # NAME COUNT
content_at() { mail_at "$1" | xargs -r cat; }

# The words before "--" go to `domains`, those after it to `places`.
split_words() {
    domains=() places=()
    while [ "$1" != -- ]; do domains+=("$1"); shift; done
    shift
    places=("$@")
}
listens_on_25() { (exec 3<> "/dev/tcp/$1/25") 2> /dev/null; }

# ---- Postfix (Debian's package; the instance is wholly below $foreign/NAME)

have_postfix() { PATH=$PATH:/usr/sbin command -v postfix > /dev/null; }

postfix_main() { # DIRECTORY DOMAIN...
    local at=$1; shift
    cat <<-END
	compatibility_level = 3.6
	queue_directory = $at/queue
	data_directory = $at/data
	maillog_file = $at/maillog
	maillog_file_prefixes = $at
	myhostname = postfix.foreign.test
	mydestination =
	inet_interfaces = 127.0.0.1
	inet_protocols = ipv4
	mynetworks =
	disable_dns_lookups = yes
	smtpd_peername_lookup = no
	smtpd_relay_restrictions = reject_unauth_destination
	smtpd_recipient_restrictions = check_recipient_access regexp:$at/etc/later
	alias_maps =
	alias_database =
	local_recipient_maps =
	virtual_mailbox_domains = $*
	virtual_mailbox_base = $at/mail
	virtual_mailbox_maps = regexp:$at/etc/users
	virtual_uid_maps = static:65534
	virtual_gid_maps = static:65534
	smtpd_tls_security_level = may
	smtpd_tls_received_header = yes
	smtpd_tls_cert_file = $box/tls/cert.pem
	smtpd_tls_key_file = $box/tls/key.pem
	END
}
postfix_master() { # PLACE...
    local place
    for place in "$@"; do
        echo "${place%%=*}:25 inet n - n - - smtpd"
        [ "$place" = "${place%%=*}" ] ||
            echo "  -o smtpd_tls_cert_file=$(cut -d= -f2 <<< "$place" | cut -d, -f1) -o smtpd_tls_key_file=${place##*,}"
    done
    cat <<-END
	cleanup unix n - n - 0 cleanup
	qmgr unix n - n 300 1 qmgr
	tlsmgr unix - - n 1000? 1 tlsmgr
	rewrite unix - - n - - trivial-rewrite
	bounce unix - - n - 0 bounce
	defer unix - - n - 0 bounce
	trace unix - - n - 0 bounce
	verify unix - - n - 1 verify
	proxymap unix - - n - - proxymap
	error unix - - n - - error
	discard unix - - n - - discard
	virtual unix - n n - - virtual
	anvil unix - - n - 1 anvil
	postlog unix-dgram n - n - 1 postlogd
	END
}

start_postfix() { # NAME DOMAIN... -- ADDRESS[=CERTIFICATE,KEY]...
    local at=$foreign/$1 domains places
    shift
    split_words "$@"
    mkdir -p "$at/etc" "$at/queue" "$at/data" "$at/mail"
    chmod 755 "$foreign" "$at" "$at/etc"
    chown postfix "$at/data"
    chown 65534:65534 "$at/mail"
    postfix_main "$at" "${domains[@]}" > "$at/etc/main.cf"
    postfix_master "${places[@]}" > "$at/etc/master.cf"
    printf '%s\n' 'if !/^no-/' '/./ all/' endif > "$at/etc/users"
    echo '/^later-/ 450 4.7.1 Come again' > "$at/etc/later"
    PATH=$PATH:/usr/sbin postfix -c "$at/etc" start > "$at/out" 2>&1 9>&- || { diag < "$at/out"; diag < "$at/maillog"; return 1; }
    postfixes="${postfixes:-} $at/etc"
    eventually listens_on_25 "${places[0]%%=*}"
}

postfix_puts_off_nobody() { # NAME
    : > "$foreign/$1/etc/later"
    PATH=$PATH:/usr/sbin postfix -c "$foreign/$1/etc" reload > "$foreign/$1/out" 2>&1
}

# ---- OpenSMTPD (unpacked: its package excludes Postfix's; its compiled-in paths are made in a mount namespace)

have_opensmtpd() {
    [ -x "$cache/opensmtpd/usr/sbin/smtpd" ] && return 0
    mkdir -p "$cache/opensmtpd" &&
        (cd "$cache" && apt-get download -qq opensmtpd && dpkg -x opensmtpd_*.deb opensmtpd) > /dev/null 2>&1 &&
        "$cache/opensmtpd/usr/sbin/smtpd" -h 2>&1 | grep -q version
}

start_opensmtpd() { # NAME DOMAIN... -- ADDRESS
    local at=$foreign/$1 domains places domain
    shift
    split_words "$@"
    mkdir -p "$at/mail" "$at/etc"
    chmod 755 "$foreign" "$at" "$at/etc"
    chown 65534:65534 "$at/mail"
    { cat /etc/passwd; echo 'opensmtpd:x:64998:64998::/:/bin/false'; echo 'opensmtpq:x:64997:64997::/:/bin/false'; } > "$at/etc/passwd"
    { cat /etc/group; echo 'opensmtpd:x:64998:'; echo 'opensmtpq:x:64997:'; } > "$at/etc/group"
    printf 'lookup file\nnameserver 127.0.0.1\n' > "$at/etc/resolv.conf"
    echo '@ nobody' > "$at/etc/users"
    {
        echo "table users file:$at/etc/users"
        echo "listen on ${places[0]} port 25 hostname opensmtpd.foreign.test"
        echo "action deliver maildir \"$at/mail/all\" virtual <users>"
        for domain in "${domains[@]}"; do echo "match from any for domain \"$domain\" action deliver"; done
    } > "$at/etc/smtpd.conf"
    # shellcheck disable=SC2016
    unshare -m sh -c '
        at=$1 unpacked=$2
        mount --make-rprivate / && for each in /var/spool /usr/libexec /run /var/lib; do mount -t tmpfs tmpfs "$each" || exit 1; done
        mkdir -p /var/spool/smtpd /var/lib/opensmtpd/empty && chmod 711 /var/spool/smtpd
        cp -r "$unpacked/usr/libexec/opensmtpd" /usr/libexec/ && chmod 755 /usr/libexec
        for each in passwd group resolv.conf; do mount --bind "$at/etc/$each" "/etc/$each" || exit 1; done
        exec "$unpacked/usr/sbin/smtpd" -d -f "$at/etc/smtpd.conf"' sh "$at" "$cache/opensmtpd" > "$at/log" 2>&1 9>&- &
    opensmtpds="${opensmtpds:-} $!"
    eventually listens_on_25 "${places[0]}"
}

# ---- smtp-sink of Postfix: one file for each message

start_smtp_sink() { # NAME ADDRESS [OPTION...]
    local at=$foreign/$1 address=$2
    shift 2
    mkdir -p "$at"
    chmod 755 "$foreign"
    chown 65534 "$at"
    PATH=$PATH:/usr/sbin smtp-sink -u nobody -R "$at" -d '%M.' "$@" "$address:25" 200 > "$at.log" 2>&1 9>&- &
    sinks="${sinks:-} $!"
    eventually listens_on_25 "$address"
}

# shellcheck disable=SC2086
end_foreign() {
    local each
    for each in ${postfixes:-}; do PATH=$PATH:/usr/sbin postfix -c "$each" stop > /dev/null 2>&1; done
    for each in ${opensmtpds:-} ${sinks:-}; do kill "$each" 2> /dev/null; done
    postfixes='' opensmtpds='' sinks=''
}
trap 'status=$?; end_foreign; (exit $status); cleanup' EXIT
