#!/bin/bash
# IMAP with clients that were not written for us: curl and mbsync.
. "$(dirname "$0")/lib.sh"
need_program curl mbsync

start_sandbox
for i in 1 2 3; do
    message $i > "$work/m$i"
    send sender@client.test "$USER1@$DOMAIN" "$work/m$i"
    eventually delivered "$USER1" "$PASS1" $i
done
imap_command() { imap "$USER1" "$PASS1" "${2:-}" -X "$1" | tr -d '\r'; } # COMMAND [FOLDER]

# ---- curl ----
for i in 1 2 3; do
    imap "$USER1" "$PASS1" "INBOX;MAILINDEX=$i" | without_trace > "$work/got"
    ok "FETCH $i is what was sent" cmp "$work/got" "$work/m$i"
done
ok 'STARTTLS' curl_mail --ssl-reqd --url "imap://$HOST:$IMAP_PORT/INBOX;MAILINDEX=1" --user "$USER1:$PASS1"
for mechanism in PLAIN LOGIN; do
    ok "AUTHENTICATE $mechanism" curl_mail --login-options "AUTH=$mechanism" --url "imaps://$HOST:$IMAPS_PORT/INBOX;MAILINDEX=1" \
        --user "$USER1:$PASS1"
done
fails 'a wrong password' imap "$USER1" wrong INBOX
capabilities=$(imap_command CAPABILITY)
for word in IMAP4rev1 IDLE NAMESPACE UIDPLUS MOVE LITERAL+ ENABLE ID UNSELECT CHILDREN SPECIAL-USE CONDSTORE; do
    like "CAPABILITY has $word" "$capabilities" "[ ]${word//+/\\+}( |\$)"
done
plain=$(printf 'a CAPABILITY\nb LOGIN %s %s\nc LOGOUT\n' "$USER1" "$PASS1" | perl -MIO::Socket::INET -e '
    my $s = IO::Socket::INET->new("127.0.0.1:$ARGV[0]"); alarm 20; print $s $_ =~ s/\n/\r\n/r while <STDIN>; print while <$s>' "$IMAP_PORT")
like 'LOGINDISABLED before TLS' "$plain" '^\* CAPABILITY .*LOGINDISABLED'
like 'LOGIN is refused then' "$plain" '^b NO .*PRIVACYREQUIRED'

# ---- folders, flags, copies ----
ok 'CREATE' imap_command 'CREATE Archive/2026'
like 'LIST' "$(imap_command 'LIST "" "*"')" 'Archive/2026'
ok 'SUBSCRIBE' imap_command 'SUBSCRIBE Archive/2026'
like 'LSUB' "$(imap_command 'LSUB "" "*"')" 'Archive/2026'
ok 'STORE' imap_command 'STORE 1 +FLAGS (\Flagged $Work)' INBOX
like 'FLAGS' "$(imap_command 'FETCH 1 (FLAGS)' INBOX)" 'Flagged.*\$Work|\$Work.*Flagged'
like 'COPY says the new UID' "$(imap "$USER1" "$PASS1" INBOX -X 'COPY 1 Archive/2026' -v 2>&1)" 'COPYUID'
like 'STATUS' "$(imap_command 'STATUS Archive/2026 (MESSAGES)')" 'MESSAGES 1'
ok 'MOVE' imap_command 'MOVE 2 Archive/2026' INBOX
like 'and it is gone' "$(imap_command 'STATUS INBOX (MESSAGES)')" 'MESSAGES 2'
like 'SEARCH' "$(imap_command 'SEARCH SUBJECT "message 3"' INBOX)" '^\* SEARCH 2$'
ok 'APPEND' imap "$USER1" "$PASS1" Archive/2026 -T "$work/m1"
like 'three messages there now' "$(imap_command 'STATUS Archive/2026 (MESSAGES)')" 'MESSAGES 3'
unlike 'a mailbox of someone else shows nothing of it' "$(imap "$USER2" "$PASS2" 'INBOX;MAILINDEX=1' 2>&1)" 'message'

# ---- two sessions on one mailbox ----
idle() { # waits in IDLE until a message is announced
    perl -MIO::Socket::SSL -e '
        my $s = IO::Socket::SSL->new(PeerAddr => "127.0.0.1:$ARGV[0]", SSL_ca_file => $ARGV[1], SSL_verifycn_name => "localhost",
                                     SSL_verifycn_scheme => "imap") or die; alarm 60; $| = 1;
        print $s "a LOGIN $ARGV[2] $ARGV[3]\r\nb SELECT INBOX\r\n";
        while (<$s>) { last if /^b / }
        print $s "c IDLE\r\n";
        while (<$s>) { print; if (/EXISTS/) { print $s "DONE\r\n" } last if /^c / }' "$IMAPS_PORT" "$CAFILE" "$USER1" "$PASS1"
}
idle > "$work/idle" &
idler=$!
ok 'IDLE begins' eventually grep -q '^+' "$work/idle"
ok 'a message comes' send sender@client.test "$USER1@$DOMAIN" "$work/m1"
wait $idler
like 'IDLE announces it' "$(cat "$work/idle")" '^\* 3 EXISTS'

# ---- mbsync: everything comes down, and what was made there goes up ----
mkdir -p "$work/maildir"
cat > "$work/mbsyncrc" <<END
IMAPAccount sandbox
Host $HOST
Port $IMAPS_PORT
User $USER1
Pass $PASS1
SSLType IMAPS
CertificateFile $CAFILE

IMAPStore far
Account sandbox

MaildirStore near
Path $work/maildir/
Inbox $work/maildir/INBOX
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns *
Create Both
Expunge Both
SyncState *
END
ok 'mbsync' mbsync -c "$work/mbsyncrc" -a
is 'INBOX is there' "$(find "$work/maildir/INBOX" -path '*/cur/*' -o -path '*/new/*' -type f | wc -l)" 3
is 'Archive/2026 too' "$(find "$work/maildir/Archive/2026" -path '*/cur/*' -o -path '*/new/*' -type f | wc -l)" 3
message local | tr -d '\r' > "$work/maildir/INBOX/new/1.local"
ok 'mbsync again' mbsync -c "$work/mbsyncrc" -a
like 'the local message is there' "$(imap_command 'STATUS INBOX (MESSAGES)')" 'MESSAGES 4'
ok 'mbsync has nothing more to do' mbsync -c "$work/mbsyncrc" -a
finish
