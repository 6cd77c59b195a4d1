#!/bin/bash
# The manual: mandoc finds nothing to warn of, and every key, event and verb that there is has its entry.
. "$(dirname "$0")/lib.sh"
need_program mandoc

for page in "$build"/man/*.[58]; do
    is "${page##*/}: mandoc" "$(mandoc -Tlint -W warning "$page" 2>&1)" ''
done
plain() { mandoc -Tascii "$build/man/$1" | sed 's/.\x08//g'; }

keys=$("$build/tools/mr-conf" doc keys | sed -n 's/^\.It Ic \([^ ]*\).*/\1/p')
manual=$(plain mailroom.conf.5)
missing=$(for key in $keys; do grep -qF -- "$key" <<< "$manual" || echo "$key"; done)
is 'every key is in mailroom.conf(5)' "$missing" ''
events=$("$build/tools/mr-conf" doc events | sed -n 's/^\.It Ic \([^ ]*\).*/\1/p')
manual=$(plain mailroom-log.5)
missing=$(for event in $events; do grep -qF -- "$event" <<< "$manual" || echo "$event"; done)
is 'every event is in mailroom-log(5)' "$missing" ''
finish
