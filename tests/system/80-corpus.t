#!/bin/bash
# Every message of a corpus, its line ends made CRLF, goes in by SMTP and comes out of POP3 and IMAP byte for byte.  The
# corpus is the project's own messages and, where it is there, the large one (MAILROOM_CORPUS, default ../shared/corpus).
. "$(dirname "$0")/lib.sh"
need_program python3

start_sandbox --set 'smtpd.max-message-size 100M'
set -a
read_env
SANDBOX=$build/tools/mr-sandbox
set +a
run_corpus() { "$here/corpus.py" "$1" > "$work/corpus.out" 2>&1; }

ok 'the messages that come with the project' run_corpus "$messages"
diag < "$work/corpus.out"
corpus=${MAILROOM_CORPUS:-$root/../shared/corpus}
if [ -d "$corpus" ]; then
    sandbox reset > /dev/null 2>&1
    read_env
    ok 'the large corpus' run_corpus "$corpus"
    diag < "$work/corpus.out"
else
    skip 'the large corpus' "not there: $corpus"
fi
finish
