# mbsync.sh: a mailbox fetched with mbsync, for tests of logins, on top of lib.sh.

# The INBOX of the account, into $work/maildir: status of mbsync.
fetch_with_mbsync() { # USER PASSWORD MECHANISM
    mkdir -p "$work/maildir"
    cat > "$work/mbsyncrc" <<END
IMAPAccount box
Host $HOST
Port $IMAPS_PORT
User $1
Pass $2
AuthMechs $3
SSLType IMAPS
CertificateFile $CAFILE

IMAPStore far
Account box

MaildirStore near
Path $work/maildir/
Inbox $work/maildir/inbox
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns INBOX
Create Near
SyncState *
END
    mbsync -c "$work/mbsyncrc" all
}
fetched_by_mbsync() { find "$work/maildir" -path '*/new/*' -type f | wc -l; }
