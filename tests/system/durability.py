#!/usr/bin/env python3
"""Nothing is acknowledged before the syncs of its bytes and of its directory have returned: told from a trace.

durability.py drive PORT POP3-PORT USER PASSWORD   changes a mailbox by IMAP without TLS; each command's tag is its verb with a number;
                                         then removes two messages by POP3
durability.py check TRACE NAME...        TRACE is of `strace -f -yy` over queued, deliverd, smtpd, imapd and pop3d, while
                                         the messages NAME... (from lib.sh's message) were sent one after the other, then `drive` ran
durability.py selftest                   shows that the check finds what is wrong in traces made up for that

What a write, or a new name in a directory, changed is dirty until an fdatasync, fsync or syncfs that began after it has
returned 0; writes to a descriptor with O_DSYNC are never dirty.  An acknowledgement must begin when nothing is dirty of:
  queued's ContentReply and smtpd's 250   the queue's directory
  deliverd's Delivered                    new/ of any account
  imapd's tagged OK, pop3d's answer to QUIT  what its own process has written
and content in a file of its own must be clean when the log is written.
"""
import collections
import posixpath
import re
import socket
import sys

LINE = re.compile(r"(\d+) +(?:<\.\.\. (\w+) resumed>|(\w+)\()(.*)$")
RESULT = re.compile(r"^(.*)\)\s+= (-?\d+|\?)(?:<([^>]*)>)?.*$")
DESCRIPTOR = re.compile(r"(?:\d+|AT_FDCWD)<([^>]*)>")
STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
WRITES = {"write", "writev", "pwrite64", "pwritev", "pwritev2", "ftruncate"}
SYNCS = {"fsync", "fdatasync", "syncfs"}
SENDS = {"write", "writev", "sendmsg", "sendto"}
VOLATILE = {"changes", "lock.mdb", "maildrop", "tmp"}  # format.md: what a crash may take; names in tmp/ are nobody's
VERBS = ("CREATE", "APPEND", "COPY", "MOVE", "STORE", "EXPUNGE", "RENAME", "DELETE")

# deliverd's Delivered (0; NotDelivered is 1), and how many ids follow.
DELIVERED_MESSAGE = re.compile(r'iov_base="\\0\\[1-9]\d*\\0\\0\\0(?:[^"\\]|\\.)*"')

Call = collections.namedtuple("Call", "pid name arguments began ended result path")


def calls(lines):
    """("begin" or "end", Call) in the order of the trace; at its beginning a call has no result yet."""
    open_calls = {}
    for number, line in enumerate(lines):
        match = LINE.match(line)
        if not match:
            continue
        pid, resumed, name, rest = match.groups()
        if resumed:
            if (pid, resumed) not in open_calls:
                continue
            began, start = open_calls.pop((pid, resumed))
            name, rest = resumed, start + rest
        else:
            began = number
        result = RESULT.match(rest)
        arguments = result.group(1) if result else rest.replace(" <unfinished ...>", "")
        if not resumed:
            yield "begin", Call(pid, name, arguments, began, None, None, None)
        if result:
            value = None if result.group(2) == "?" else int(result.group(2))
            yield "end", Call(pid, name, arguments, began, number, value, result.group(3))
        else:
            open_calls[pid, name] = began, arguments


def file_of(arguments):
    """The path of the descriptor that is the first argument."""
    match = DESCRIPTOR.match(arguments)
    return match.group(1) if match else ""


def two_names(arguments):
    """(old path, new path) of linkat and renameat."""
    directories, names = DESCRIPTOR.findall(arguments), STRING.findall(arguments)
    return tuple(posixpath.normpath(posixpath.join(d, n)) for d, n in zip(directories, names))


class Disk:
    """What is dirty, by path: who dirtied it, and the line when it was done; a write under way is never covered."""

    NEVER = float("inf")

    def __init__(self):
        self.dirty = {}
        self.synchronous = {}  # (pid, descriptor) -> path, opened with O_DSYNC
        self.seen = set()

    def touch(self, path, pid, when):
        if "/spool/" in path and posixpath.basename(path) not in VOLATILE:
            self.dirty[path] = pid, when

    def is_synchronous(self, call):
        descriptor = call.arguments.split("<", 1)[0]
        return self.synchronous.get((call.pid, descriptor)) == file_of(call.arguments)

    def begin(self, call):
        if call.name in WRITES and not self.is_synchronous(call):
            self.touch(file_of(call.arguments), call.pid, self.NEVER)

    def end(self, call):
        if call.result is None or call.result < 0:
            return
        if call.name in WRITES and not self.is_synchronous(call):
            self.touch(file_of(call.arguments), call.pid, call.ended)
        elif call.name in SYNCS:
            self.clean(call)
        elif call.name in ("openat", "openat2") and call.path:
            self.opened(call)
        elif call.name in ("linkat", "renameat", "renameat2"):
            old, new = two_names(call.arguments)
            if call.name != "linkat" and old in self.dirty:
                self.dirty[new] = self.dirty.pop(old)
            self.touch(posixpath.dirname(new), call.pid, call.ended)
        elif call.name == "mkdirat":
            directory, name = file_of(call.arguments), STRING.search(call.arguments).group(1)
            self.touch(posixpath.dirname(posixpath.join(directory, name)), call.pid, call.ended)

    def opened(self, call):
        if "O_DSYNC" in call.arguments:
            self.synchronous[call.pid, str(call.result)] = call.path
        if "O_CREAT" in call.arguments and call.path not in self.seen and posixpath.basename(call.path) not in VOLATILE:
            self.touch(posixpath.dirname(call.path), call.pid, call.ended)
        self.seen.add(call.path)

    def clean(self, call):
        covered = file_of(call.arguments)
        for path, (_, when) in list(self.dirty.items()):
            if when < call.began and (call.name == "syncfs" or path == covered):
                del self.dirty[path]

    def left(self, of_path, pid=None):
        return sorted(path for path, (who, _) in self.dirty.items() if of_path(path) and pid in (None, who))


class Findings:
    def __init__(self):
        self.acknowledged = {}  # what -> paths that were dirty
        self.written = collections.defaultdict(int)  # pid -> synced or unsynced writes below spool since its last OK
        self.message_writes = {}  # message -> path that its beginning was written to
        self.early_records = []


def in_queue(path):
    return "/spool/queue" in path


def in_new(path):
    return re.search(r"/spool/mail/\d+/new(/|$)", path) is not None


def any_path(_):
    return True


def acknowledgement(call, ids, findings, disk):
    """Notes it if this call is one."""
    if call.name not in SENDS:
        return
    text = call.arguments
    accepted = re.search(r"Message (\w+) accepted", text)
    if accepted and call.name == "sendmsg" and "<TCP" not in text:
        ids.append(accepted.group(1))
        findings.acknowledged[f"ContentReply {len(ids)}"] = disk.left(in_queue)
    elif accepted and "<TCP" in text and "250 2.0.0" in text:
        findings.acknowledged[f"250 {len(ids)}"] = disk.left(in_queue)
    elif call.name == "sendmsg" and disk.deliverd == call.pid and DELIVERED_MESSAGE.search(text):
        number = sum(what.startswith("Delivered") for what in findings.acknowledged) + 1
        findings.acknowledged[f"Delivered {number}"] = disk.left(in_new)
    elif "<TCP" in text and '"+OK Bye, 2 messages removed' in text:
        problem = [] if findings.written[call.pid] > 0 else ["nothing was written"]
        findings.acknowledged["QUIT"] = disk.left(any_path, call.pid) + problem
    elif "<TCP" in text:
        tagged = re.search(r'(?:"|\\n)((?:%s)\d+) (OK|NO|BAD)' % "|".join(VERBS), text)
        if tagged:
            problem = [] if tagged.group(2) == "OK" else [f"answered {tagged.group(2)}"]
            if findings.written[call.pid] == 0:
                problem.append("nothing was written")
            findings.acknowledged[tagged.group(1)] = disk.left(any_path, call.pid) + problem
            findings.written[call.pid] = 0


def examine(lines, names):
    disk, findings, ids = Disk(), Findings(), []
    disk.deliverd = None
    for edge, call in calls(lines):
        if edge == "begin":
            acknowledgement(call, ids, findings, disk)
            if call.name in WRITES:
                path = file_of(call.arguments)
                if "/spool/" in path:
                    findings.written[call.pid] += 1
                for name in names:
                    if in_queue(path) and f"<{name}@client.test>" in call.arguments:
                        findings.message_writes.setdefault(name, path)
                if "/queue/segment-" in path:
                    findings.early_records += disk.left(lambda each: "/queue/content" in each)
            disk.begin(call)
        else:
            if call.name == "renameat" and in_new(two_names(call.arguments)[1] if call.result == 0 else ""):
                disk.deliverd = call.pid
            disk.end(call)
    return findings


def report(good, what, problems=()):
    print(("ok" if good else "not ok") + " - " + what)
    for problem in problems:
        print(f"# {problem}")


def check(trace, names):
    with open(trace, encoding="latin-1") as file:
        findings = examine(file.read().splitlines(), names)
    for number, name in enumerate(names, 1):
        report(name in findings.message_writes, f"{name}: its content was written to the queue")
        for what in ("ContentReply", "250", "Delivered"):
            problems = findings.acknowledged.get(f"{what} {number}", ["it never came"])
            report(not problems, f"{name}: {what} comes after the syncs", problems)
    own = findings.message_writes.get(names[-1], "")
    report("/queue/content/" in own, f"{names[-1]}: it has a file of its own", [own])
    report(not findings.early_records, f"{names[-1]}: which is durable before the log names it", findings.early_records)
    for what in [step[0] for step in steps()]:
        if what.rstrip("0123456789") in VERBS:
            problems = findings.acknowledged.get(what, ["it never came"])
            report(not problems, f"{what}: the tagged OK comes after the syncs", problems)
    problems = findings.acknowledged.get("QUIT", ["it never came"])
    report(not problems, "QUIT: its +OK comes after the syncs", problems)


def steps():
    """(tag, command, literal or None)"""
    text = b"From: a@client.test\r\nSubject: appended\r\n\r\n"
    small, large = text + b"x\r\n", text + (b"y" * 70 + b"\r\n") * 15000
    return [
        ("CREATE1", "CREATE Work", None),
        ("APPEND1", "APPEND Work", small),
        ("APPEND2", "APPEND Work", large),
        ("SELECT1", "SELECT Work", None),
        ("STORE1", "STORE 1 +FLAGS (\\Flagged Keyword)", None),
        ("COPY1", "COPY 1:2 INBOX", None),
        ("CREATE2", "CREATE Other", None),
        ("MOVE1", "MOVE 1 Other", None),
        ("STORE2", "STORE 1 +FLAGS.SILENT (\\Deleted)", None),
        ("EXPUNGE1", "EXPUNGE", None),
        ("UNSELECT1", "UNSELECT", None),
        ("RENAME1", "RENAME Work Old", None),
        ("DELETE1", "DELETE Other", None),
        ("DELETE2", "DELETE Old", None),
        ("LOGOUT1", "LOGOUT", None),
    ]


def drive_pop3(port, user, password):
    connection = socket.create_connection(("127.0.0.1", int(port)), timeout=60)
    file = connection.makefile("rb")
    for command in [None, f"USER {user}", f"PASS {password}", "DELE 1", "DELE 2", "QUIT"]:
        if command:
            connection.sendall(command.encode() + b"\r\n")
        answer = file.readline()
        print(answer.decode("latin-1").strip())
        if not answer.startswith(b"+OK"):
            sys.exit(f"{command}: refused")


def drive(port, pop3_port, user, password):
    connection = socket.create_connection(("127.0.0.1", int(port)), timeout=60)
    file = connection.makefile("rb")
    file.readline()
    for tag, command, literal in [("LOGIN1", f"LOGIN {user} {password}", None)] + steps():
        line = f"{tag} {command}" + (f" {{{len(literal)}+}}" if literal is not None else "")
        connection.sendall(line.encode() + b"\r\n" + (literal + b"\r\n" if literal is not None else b""))
        answer = b""
        while not answer.startswith(tag.encode() + b" "):
            answer = file.readline()
            if not answer:
                sys.exit(f"{tag}: connection closed")
        print(answer.decode("latin-1").strip())
    drive_pop3(pop3_port, user, password)


# ---- the check itself ----

QUEUE, ACCOUNT = "/x/spool/queue", "/x/spool/mail/1"
CREATE = f'7 openat(3<{QUEUE}>, "segment-1", O_RDWR|O_CREAT|O_EXCL, 0600) = 9<{QUEUE}/segment-1>'
WRITE = f'7 pwritev(9<{QUEUE}/segment-1>, [{{iov_base="Message-ID: <m@client.test>"}}], 1, 0) = 9'
SYNC = f"7 fdatasync(9<{QUEUE}/segment-1>) = 0"
SYNC_DIRECTORY = f"7 fsync(4<{QUEUE}>) = 0"
REPLY = '5 sendmsg(8<UNIX:[1->2]>, {msg_iov=[{iov_base="Message 1a accepted", iov_len=48}]}, 0) = 48'
SMTP_REPLY = '6 sendto(8<TCP:[1->2]>, "250 2.0.0 Message 1a accepted\\r\\n", 31) = 31'
INDEX_WRITE = f'5 pwrite64(9<{ACCOUNT}/index/data.mdb>, "x", 1, 0) = 1'
INDEX_SYNC = f"5 fdatasync(9<{ACCOUNT}/index/data.mdb>) = 0"
OPEN_DSYNC = f'5 openat(AT_FDCWD</x>, "data.mdb", O_WRONLY|O_DSYNC) = 10<{ACCOUNT}/index/data.mdb>'
META_WRITE = f'5 pwrite64(10<{ACCOUNT}/index/data.mdb>, "x", 1, 0) = 1'
OK = '5 sendto(8<TCP:[1->2]>, "* 1 FETCH ()\\r\\nSTORE1 OK done\\r\\n", 9) = 9'
BYE = '5 sendto(8<TCP:[1->2]>, "+OK Bye, 2 messages removed\\r\\n", 9) = 9'
LINK = f'5 linkat(4<{ACCOUNT}/tmp>, "~1", 6<{ACCOUNT}/cur>, "~1,S=1", 0) = 0'
LINK_SYNC = f"5 fsync(6<{ACCOUNT}/cur>) = 0"
DROP = f'5 openat(3<{ACCOUNT}/new>, ".1", O_WRONLY|O_CREAT|O_EXCL, 0600) = 4<{ACCOUNT}/new/.1>'
DROP_WRITE = f'5 writev(4<{ACCOUNT}/new/.1>, [{{iov_base="x"}}], 1) = 1'
DROP_RENAME = f'5 renameat(3<{ACCOUNT}/new>, ".1", 3<{ACCOUNT}/new>, "1") = 0'
DROP_SYNC = f"6 fdatasync(4<{ACCOUNT}/new/1>) = 0"
DROP_SYNC_DIRECTORY = f"6 fsync(3<{ACCOUNT}/new>) = 0"
DELIVERED = '5 sendmsg(8<UNIX:[1->2]>, {msg_iov=[{iov_base="\\0\\1\\0\\0\\0\\0\\0`\\n&", iov_len=17}]}, 0) = 17'
CONTENT = f'5 pwritev(12<{QUEUE}/content/1a>, [{{iov_base="x"}}], 1, 0) = 9'

# (what, acknowledgement or "early", trace, whether it is right)
CASES = [
    ("all in order", "ContentReply 1", [CREATE, WRITE, SYNC, SYNC_DIRECTORY, REPLY], True),
    ("no sync", "ContentReply 1", [WRITE, REPLY], False),
    ("the sync is late", "ContentReply 1", [WRITE, REPLY, SYNC], False),
    ("no sync of the directory", "ContentReply 1", [CREATE, WRITE, SYNC, REPLY], False),
    ("a write after the sync", "ContentReply 1", [SYNC, WRITE, REPLY], False),
    ("the sync failed", "ContentReply 1", [WRITE, SYNC.replace("= 0", "= -1 EIO (Input/output error)"), REPLY], False),
    ("the sync of another file", "ContentReply 1", [WRITE, SYNC.replace("segment-1", "segment-2"), REPLY], False),
    (
        "the sync has not returned", "ContentReply 1",
        [WRITE, SYNC.replace(") = 0", " <unfinished ...>"), REPLY, "7 <... fdatasync resumed>) = 0"], False,
    ),
    (
        "the sync began before the write ended", "ContentReply 1",
        [WRITE.replace(", 1, 0) = 9", ", 1, 0 <unfinished ...>"), SYNC.replace("7 ", "4 ", 1), "7 <... pwritev resumed>) = 9", REPLY],
        False,
    ),
    ("250 before queued has synced", "250 0", [WRITE, SMTP_REPLY, SYNC, REPLY], False),
    ("content without a sync when the log names it", "early", [CONTENT, WRITE, SYNC, REPLY], False),
    ("STORE in order", "STORE1", [INDEX_WRITE, INDEX_SYNC, OPEN_DSYNC, META_WRITE, OK], True),
    ("STORE without a sync", "STORE1", [OPEN_DSYNC, INDEX_WRITE, META_WRITE, OK], False),
    ("STORE that writes nothing", "STORE1", [OK], False),
    ("QUIT in order", "QUIT", [INDEX_WRITE, INDEX_SYNC, OPEN_DSYNC, META_WRITE, BYE], True),
    ("QUIT without a sync", "QUIT", [OPEN_DSYNC, INDEX_WRITE, META_WRITE, BYE], False),
    ("QUIT that writes nothing", "QUIT", [BYE], False),
    ("APPEND in order", "STORE1", [INDEX_WRITE, LINK, LINK_SYNC, INDEX_SYNC, OK], True),
    ("APPEND without a sync of cur", "STORE1", [LINK, INDEX_WRITE, INDEX_SYNC, OK], False),
    ("a delivery in order", "Delivered 1", [DROP, DROP_WRITE, DROP_RENAME, DROP_SYNC, DROP_SYNC_DIRECTORY, DELIVERED], True),
    (
        "an id with a blank in it", "Delivered 1",
        [DROP, DROP_WRITE, DROP_RENAME, DROP_SYNC, DROP_SYNC_DIRECTORY, DELIVERED.replace("`", " ")], True,
    ),
    ("a delivery before its sync", "Delivered 1", [DROP, DROP_WRITE, DROP_RENAME, DROP_SYNC_DIRECTORY, DELIVERED, DROP_SYNC], False),
    ("a name without its sync", "Delivered 1", [DROP, DROP_WRITE, DROP_SYNC_DIRECTORY, DROP_RENAME, DROP_SYNC, DELIVERED], False),
]


def selftest():
    for what, acknowledged, trace, right in CASES:
        findings = examine(trace, ["m"])
        problems = findings.early_records if acknowledged == "early" else findings.acknowledged.get(acknowledged)
        found = problems is not None and (not problems) == right
        report(found, f"the check itself: {what}", [] if found else [str(problems)])


if __name__ == "__main__":
    {"drive": lambda: drive(*sys.argv[2:6]), "check": lambda: check(sys.argv[2], sys.argv[3:]), "selftest": selftest}[sys.argv[1]]()
