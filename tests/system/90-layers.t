#!/bin/bash
# The absences that ARCHITECTURE.md promises, checked in the source.
. "$(dirname "$0")/lib.sh"
cd "$root" || exit 2

sources() { find "$@" \( -name '*.h' -o -name '*.cc' \) -print0 2> /dev/null; }
# Lines that match, below these directories, without those in files that match ALLOWED.
found() { # PATTERN ALLOWED DIRECTORY...
    local pattern=$1 allowed=$2; shift 2
    sources "$@" | xargs -0 grep -nE -- "$pattern" /dev/null | grep -vE "^($allowed):"
}
none() { is "$1" "$(found "${@:2}")" ''; } # DESCRIPTION PATTERN ALLOWED DIRECTORY...
nowhere='@'

# ---- layers: libcommon, spool, daemons, tools; each uses only those before it ----
none 'libcommon includes nothing of the layers above' '#include "(spool|daemons|tools)/' "$nowhere" libcommon
none 'spool includes nothing of the layers above' '#include "(daemons|tools)/' "$nowhere" spool
none 'daemons include nothing of tools' '#include "tools/' "$nowhere" daemons
none 'libraries do not log' '#include "daemons/log\.h|<syslog\.h>|std::(cerr|clog|cout)' "$nowhere" libcommon spool

# ---- one door for each foreign library ----
none 'OpenSSL only in libcommon/tls' '#include <openssl/' 'libcommon/tls/[^:]*' libcommon spool daemons tools
none 'LMDB only in libcommon/lmdb' '#include <lmdb\.h>' 'libcommon/lmdb/[^:]*' libcommon spool daemons tools
none 'libevent only in libcommon/event' '#include <(event2/|event\.h)' 'libcommon/event/[^:]*' libcommon spool daemons tools
none 'libseccomp only in libcommon/sys' '#include <seccomp\.h>' 'libcommon/sys/[^:]*' libcommon spool daemons tools
none 'libunbound only in daemons/dnsd/resolver' '#include <unbound' 'daemons/dnsd/resolver\.cc' libcommon spool daemons tools
none 'libcurl only in daemons/stsd' '#include <curl/' 'daemons/stsd/[^:]*' libcommon spool daemons tools
none 'libkrb5 and libgssapi only in libcommon/kerberos' '#include <(krb5|gssapi|com_err)' 'libcommon/kerberos/[^:]*' libcommon spool daemons tools
none 'crypt(3) only in authd' '#include <crypt\.h>' 'daemons/authd/[^:]*' libcommon spool daemons tools

# ---- privilege ----
none 'only libcommon/sys/become changes uids, groups and capabilities' \
    '\b(set(res|re|e|fs)?[ug]id|setgroups|initgroups|capset|chroot|PR_CAPBSET_DROP)\b *\(|SYS_(set(res|re|e|fs)?[ug]id|setgroups|capset)' \
    'libcommon/sys/(become|syscall_filter)\.cc' libcommon spool daemons tools
none 'no program is started but by mailroomd' '\b(execl?[vep]*|execveat|posix_spawnp?|system|popen) *\(' \
    'daemons/mailroomd/spawn\.cc' libcommon spool daemons
none 'no identity by SO_PEERCRED' 'SO_PEERCRED' "$nowhere" libcommon spool daemons

# ---- pure grammars ----
none 'nothing under libcommon/protocol, policy, config and dns knows sockets, files, clocks, random numbers or locales' \
    '#include <(sys/|unistd\.h|fcntl\.h|poll\.h|netdb\.h|arpa/|netinet/|ctime|time\.h|fstream|iostream|filesystem|locale|clocale|random|thread|mutex)' \
    "$nowhere" libcommon/protocol libcommon/policy libcommon/config libcommon/dns
none 'nothing there uses the descriptor wrappers' '#include "libcommon/(sys/[^i]|ipc/[^c]|ipc/channel|event|tls|lmdb)' "$nowhere" \
    libcommon/protocol libcommon/policy libcommon/config libcommon/dns

# ---- the shape of programs ----
for main in daemons/*/main.cc; do
    ok "$main is short" [ "$(wc -l < "$main")" -le 60 ]
    ok "$main says what it may" grep -q '^// SECURITY' "$main"
done
none 'no unfinished work' '\b(TODO|FIXME|XXX|HACK)\b' "$nowhere" libcommon spool daemons tools
is 'every file has a name that can be typed' "$(git ls-files -z | tr '\0' '\n' | LC_ALL=C grep -cv '^[A-Za-z0-9._/+@-]*$')" 0
is 'no file named util, misc or helper' "$(find libcommon spool daemons tools -name '*util*' -o -name '*misc*' -o -name '*helper*')" ''

is 'the source has one layout (.clang-format)' \
    "$(git ls-files '*.h' '*.cc' | xargs -r clang-format-14 --dry-run 2>&1 | grep -c 'warning:')" 0

# ---- all that is decoded is fuzzed ----
not_fuzzed() { # standard input: types, one a line; those that none of the targets names
    while IFS= read -r type; do
        grep -qwE "$(sed 's/</<(\\w+::)*/' <<< "$type")" tests/fuzz/*_fuzz.cc || echo "$type"
    done | xargs
}
variants=$(sources daemons/channels | xargs -0 perl -0777 -ne 'print "$1\n" while /\busing (\w+) =\s+std::variant/g' | sort -u)
ok 'channels have messages' [ "$(wc -w <<< "$variants")" -ge 50 ]
is 'the messages of every channel are fuzzed' "$(not_fuzzed <<< "$variants")" ''
decoded=$(sources libcommon spool daemons tools |
    xargs -0 perl -0777 -ne 'print "$1\n" while /\b(?:decode|decode_record|get_record|value_of)<((?:[^<>]|<[^<>]*>)+)>\(/g' |
    perl -ne 's/\b\w+:://g; print' | sort -u | grep -vxE 'T|In|Row')
ok 'records are decoded' [ "$(wc -l <<< "$decoded")" -ge 20 ]
is 'every type that is decoded is fuzzed' "$(not_fuzzed <<< "$decoded")" ''
like 'README knows how many targets there are' "$(cat README.md)" "\| fuzzing of $(ls tests/fuzz/*_fuzz.cc | wc -l) targets,"

# ---- what an operator may change has an effect somewhere ----
members=$(perl -ne 'print "$1\n" if /^  (?:std::\S+|Duration|bool|LogLevel) (\w+)(?: =.*|);/' daemons/config.h | sort -u)
unused=$(for member in $members; do
    grep -rqE "[.>]$member\b" --include='*.cc' --include='*.h' --exclude-dir=config --exclude=config.h daemons tools || echo "$member"
done)
is 'every configured value is read by somebody' "$(xargs <<< "$unused")" 'trust_anchor_file'
# (chain_file and trust_anchor_file by the loader, which is left out here)

# ---- who wants checksums has nothing else of OpenSSL ----
for name in kdcd policyd queued; do
    is "$name is linked to no libcrypto" \
        "$(readelf -dW "$build/daemons/$name/$name" | grep NEEDED | grep -oE 'lib(c|crypto|ssl)\.so' | xargs)" libc.so
done

# ---- each program and format has its page ----
for program in daemons/*/main.cc; do
    name=$(basename "$(dirname "$program")")
    ok "man page of $name" [ -s "man/$name.8" ]
done
for tool in "$build"/tools/mr-*; do
    [ -f "$tool" ] || continue
    ok "man page of ${tool##*/}" [ -s "man/${tool##*/}.8" ]
done
for format in spool/*/format.md; do
    ok "man page of $(basename "$(dirname "$format")")" [ -s "man/mailroom-$(basename "$(dirname "$format")").5" ]
done
finish
