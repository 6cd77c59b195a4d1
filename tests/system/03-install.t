#!/bin/bash
# What `ninja install` puts in place runs without the build directory.
. "$(dirname "$0")/lib.sh"
need_program meson

ok 'meson install' meson install -C "$build" --no-rebuild --destdir "$work/installed"
sandbox=$(find "$work/installed" -name mr-sandbox)
ok 'mr-sandbox is installed' [ -x "$sandbox" ]
for name in mailroomd supervisor logd keyd policyd authd deliverd queued dnsd smtpd pop3d imapd; do
    file=$(find "$work/installed" -type f -name $name)
    ok "$name is installed" [ -x "$file" ]
    [ $name = mailroomd ] || is "$name can be run, not read" "$(stat -c %a "$file")" 711
    ok "$name has its page" [ -s "$(find "$work/installed" -name "$name.8")" ]
done
sandbox() { local verb=$1; shift; "$sandbox" "$verb" "$box" "$@"; }
start_sandbox
unlike 'nothing of the build directory runs' "$(for pid in "$PID" $(pgrep -P "$PID"); do readlink "/proc/$pid/exe"; done)" "^$build/"
message 1 > "$work/m"
ok 'mail goes in' send a@client.test "$USER1@$DOMAIN" "$work/m"
ok 'and arrives' eventually delivered "$USER1" "$PASS1" 1
finish
