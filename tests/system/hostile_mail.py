#!/usr/bin/env python3
"""Mail that is made to hurt who parses it (SECURITY.md V8, V10), through the whole of the sandbox that MAILROOM_ENV names: by
SMTP into a mailbox and, as a relay, out to a sink; by APPEND; then everything that IMAP and POP3 make of it.

hostile_mail.py SINK-DIRECTORY PENDING-COMMAND...

The processes' CPU for each is compared with that for plain text of the same size.  Prints lines for report_of of lib.sh.
"""
import os
import re
import socket
import subprocess
import sys

from slow import ENV, PATIENCE, eventually, everyone, port, report

TAKEN = 180 << 10  # octets: within the limits of a header, so that SMTP takes it
MOST_FIELDS = 900  # within the limit of fields
LARGE = int(os.environ.get("LARGE", 4 << 20))  # octets: beyond these limits, for APPEND and for a refusal
MOST = 8.0  # times the CPU that plain text takes, in each of the stages
TICK = 1 / os.sysconf("SC_CLK_TCK")
LEAST = 0.25  # seconds of plain text's CPU in a stage: less is not compared

ME = f"{ENV['USER1']}@{ENV['DOMAIN']}"
AWAY = "away@far.test"


# ---- the generators: of a message of about so many octets


def fill(unit, octets):
    return unit * max(1, octets // len(unit))


def fields(line):
    """Many fields; no more than SMTP takes, when so many octets are to be taken."""
    return lambda octets: line * min(octets // len(line), MOST_FIELDS if octets <= TAKEN else octets) + b"\r\n"


def folded(begin, unit):
    """One field, in lines that are short enough for SMTP."""
    line = fill(unit, 900) + b"\r\n "
    return lambda octets: begin + fill(line, octets) + b"x\r\n\r\n"


def multipart(boundary):
    return b'Content-Type: multipart/mixed; boundary="%s"\r\n\r\n--%s\r\n' % (boundary, boundary)


def nested(boundary_of):
    def make(octets):
        parts, size = [], 0
        while size < octets:
            parts.append(multipart(boundary_of(len(parts))))
            size += len(parts[-1])
        return b"".join(parts)

    return make


def pieces(octets):
    """RFC 2231 parameters, with gaps and twice."""
    each = (b";\r\n a*%d=x; a*%d*=y''%%41" % (i, i // 2 * 3) for i in range(max(1, octets // 32)))
    return b"Content-Type: text/plain" + b"".join(each) + b"\r\n\r\ntext\r\n"


def nearly_boundaries(octets):
    outer = b"".join(multipart(b"b" * 60 + b"%d" % depth) for depth in range(90))
    return outer + fill(b"--" + b"b" * 60 + b"\r\n", octets)


def plain(octets):
    return b"Subject: plain\r\n\r\n" + fill(b"text that hurts nobody, and is as wide as a line ought to be.\r\n", octets)


MESSAGES = {
    "To fields": fields(b"To: a@b.example\r\n"),
    "Received fields": fields(b"Received: from a by b; Thu, 1 Jan 2026 00:00:00 +0000\r\n"),
    "fields without a name": fields(b": x\r\n"),
    "fields with names of objects": fields(b"__proto__: x\r\n"),
    "a name with a NUL": fields(b"N\0N: x\r\n"),
    "a long name of a field": lambda octets: b"N" * min(octets, 60000) + b": x\r\n\r\n",
    "one folded field": lambda octets: b"Subject: x\r\n" + fill(b" " + b"y" * 70 + b"\r\n", octets) + b"\r\n",
    "addresses in one field": folded(b"To: a@b", b", a@b.example"),
    "semicolons for addresses": folded(b"To: ", b";"),
    "comments within comments": folded(b"From: ", b"("),
    "angles and quotes without an end": folded(b"From: ", b'<"\\'),
    "groups": folded(b"To: ", b"g:a@b;,"),
    "encoded words": folded(b"Subject:", b" =?utf-8?q?=C3?="),
    "Re: Re: Re:": folded(b"Subject: ", b"Re: [x] "),
    "message ids": folded(b"References: ", b"<a@x> <<\""),
    "parameters in pieces": pieces,
    "multiparts within each other": nested(lambda depth: b"b"),
    "boundaries that begin alike": nested(lambda depth: b"b" * (depth % 60 + 1)),
    "lines that are nearly boundaries": nearly_boundaries,
    "parts": lambda octets: multipart(b"b") + fill(b"\r\n--b\r\n\r\nx", octets) + b"\r\n",
    "messages within each other": lambda octets: fill(b"Content-Type: message/rfc822\r\n\r\n", octets),
    "no empty line": lambda octets: fill(b"x" * 900 + b"\r\n", octets),
    "empty lines": lambda octets: fill(b"\r\n", octets),
    "base64 of nothing": lambda octets: b"Content-Transfer-Encoding: base64\r\n\r\n" + fill(b"=\r\n", octets),
    "dots": lambda octets: b"\r\n" + fill(b".\r\n..\r\n", octets),
    "a text that nearly has what is searched": lambda octets: b"\r\n" + fill(b"nothin" * 100 + b"\r\n", octets),
}
REFUSED = {"Received fields"}  # by SMTP, of any size, as a loop
REFUSED_BY_IMAP = {"a name with a NUL"}  # RFC 3501 4.3


# ---- what is measured


def cpu():
    """Seconds that mailroomd and all below it have used, with those that have ended."""
    total = 0
    for pid in everyone():
        try:
            with open(f"/proc/{pid}/stat", encoding="latin-1") as file:
                total += sum(int(n) for n in file.read().rsplit(")", 1)[1].split()[11:15])
        except OSError:
            continue
    return total * TICK


def processes():
    """How many there are, without the connections to other hosts: those are kept."""
    parents = everyone()
    with_name = {pid for pid in parents if name_of(pid) == "relayd"}
    return sum(parent not in with_name for parent in parents.values())


def name_of(pid):
    try:
        with open(f"/proc/{pid}/cmdline", encoding="latin-1") as file:
            return file.read().split("\0", 1)[0]
    except OSError:
        return None


class Stage:
    """What something costs, once the processes of its connections have ended."""

    resting = None  # how many processes there are without clients

    def __enter__(self):
        self.began = cpu()
        return self

    def __exit__(self, *error):
        eventually(lambda: processes() <= Stage.resting)
        self.seconds = cpu() - self.began


# ---- clients


class Client:
    def __init__(self, service, address="127.0.0.1"):
        self.socket = socket.create_connection(("127.0.0.1", port(service)), PATIENCE, (address, 0))
        self.input = self.socket.makefile("rb")

    def ask(self, octets):
        self.socket.sendall(octets)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.input.close()
        self.socket.close()


class Smtp(Client):
    def __init__(self):
        super().__init__("RELAY", "127.0.5.7")
        self.reply()

    def reply(self):
        while True:
            line = self.input.readline()
            if line[3:4] != b"-":
                return line.decode("latin-1").strip()

    def command(self, text):
        self.ask(text.encode() + b"\r\n")
        return self.reply()

    def send(self, message):
        for each in ("EHLO client.test", "MAIL FROM:<sender@client.test>", f"RCPT TO:<{ME}>", f"RCPT TO:<{AWAY}>", "DATA"):
            said = self.command(each)
            if not said[:1] in "23":
                return f"{each}: {said}"
        stuffed = re.sub(rb"(?m)^\.", b"..", message)
        self.ask(stuffed + b".\r\n")
        return self.reply()


class Imap(Client):
    def __init__(self):
        super().__init__("IMAP")
        self.input.readline()
        self.command(f"LOGIN {ENV['USER1']} {ENV['PASS1']}")
        self.exists = self.select()

    def select(self):
        return int(re.search(rb"\* (\d+) EXISTS", self.command("SELECT INBOX")).group(1))

    def answer(self):
        """All lines and literals up to the tagged one."""
        said = []
        while True:
            line = self.input.readline()
            said.append(line)
            literal = re.search(rb"\{(\d+)\}\r\n$", line)
            if literal:
                said.append(self.input.read(int(literal.group(1))))
            elif line.startswith(b"a ") or not line:
                return b"".join(said)

    def command(self, text):
        """Its answer, which must be OK or NO."""
        self.ask(b"a " + text.encode() + b"\r\n")
        said = self.answer()
        if not re.search(rb"(?m)^a (OK|NO) [^\n]*\n\Z", said[-300:]):
            raise ValueError(said[-300:])
        return said

    def append(self, message):
        self.ask(b"a APPEND INBOX {%d+}\r\n" % len(message) + message + b"\r\n")
        return b"a OK" in self.answer()

    def look_at(self, number):
        """All that can be asked of a message.  Its octets."""
        deep = ".".join("1" * 100)
        items = ("ENVELOPE BODYSTRUCTURE RFC822.SIZE BODY.PEEK[HEADER] BODY.PEEK[TEXT] BODY.PEEK[1] BODY.PEEK[1.MIME] "
                 f"BODY.PEEK[1.1.1.1.1.1] BODY.PEEK[{deep}] BODY.PEEK[1.HEADER.FIELDS (TO FROM)] "
                 "BODY.PEEK[HEADER.FIELDS (TO SUBJECT N)] BODY.PEEK[HEADER.FIELDS.NOT (TO)] BODY.PEEK[]<1000000.1000>")
        self.command(f"FETCH {number} ({items})")
        for key in ("HEADER To nobody", "HEADER References nobody", "SUBJECT nothing", "FROM nobody", "TEXT nothing",
                    "BODY nothing", "SENTBEFORE 1-Jan-2020", "OR SUBJECT Re TEXT nothingnothing"):
            self.command(f"SEARCH {number} {key}")
        return self.command(f"FETCH {number} BODY.PEEK[]").split(b"\r\n", 1)[1].rsplit(b")\r\na ", 1)[0]


class Pop3(Client):
    def __init__(self):
        super().__init__("POP3")
        self.input.readline()
        for each in (f"USER {ENV['USER1']}", f"PASS {ENV['PASS1']}"):
            self.ask(each.encode() + b"\r\n")
            self.input.readline()

    def lines(self, command):
        self.ask(command.encode() + b"\r\n")
        first = self.input.readline()
        if not first.startswith(b"+OK"):
            raise ValueError(first)
        said = []
        while (line := self.input.readline()) != b".\r\n":
            if not line:
                raise ValueError("it has closed")
            said.append(line[1:] if line.startswith(b".") else line)
        return b"".join(said)


# ---- a message on its way


def whole(line_ends, sent):
    """Whether that is the message with fields before it, whatever its last line lacks."""
    return line_ends.rstrip(b"\r\n").endswith(sent.rstrip(b"\r\n"))


class Trial:
    def __init__(self, sink, pending):
        self.sink, self.pending = sink, pending
        self.seen = 0  # messages in the mailbox
        self.at_sink = set()

    def is_idle(self):
        return subprocess.run(self.pending, stdout=subprocess.PIPE, check=True).stdout.strip() == b"0"

    def arrived_at_sink(self):
        new = {name for name in os.listdir(self.sink) if name.endswith(".eml")} - self.at_sink
        self.at_sink |= new
        for name in sorted(new):
            with open(os.path.join(self.sink, name), "rb") as file:
                yield file.read()

    def run(self, name, make):
        taken, large = make(TAKEN), make(LARGE)
        wrong, costs = [], {}
        with Stage() as stage:
            with Smtp() as smtp:
                said, said_to_large = smtp.send(taken), smtp.send(large)
                alive = smtp.command("NOOP")
            if not eventually(self.is_idle):
                wrong.append("it stays in the queue")
        costs["in and out by SMTP"] = stage.seconds
        if not said.startswith("5" if name in REFUSED else "250"):
            wrong.append(f"SMTP says {said}")
        if said_to_large[:1] not in "25" or not alive.startswith("250"):
            wrong.append(f"SMTP says {said_to_large} to a large one, and then {alive}")
        delivered = [taken] * said.startswith("250") + [large] * said_to_large.startswith("250")
        there = list(self.arrived_at_sink())
        if len(there) != len(delivered) or not all(map(whole, there, delivered)):
            wrong.append(f"{len(there)} of {len(delivered)} arrive elsewhere, or not whole")

        with Stage() as stage, Imap() as imap:
            expected = delivered + [large] * (name not in REFUSED_BY_IMAP)
            if imap.append(large) != (name not in REFUSED_BY_IMAP):
                wrong.append("APPEND is answered otherwise than expected")
            numbers = range(self.seen + 1, self.seen + 1 + len(expected))
            imap.select()
            if not all(map(whole, map(imap.look_at, numbers), expected)):
                wrong.append("IMAP has not what was sent")
        costs["IMAP"] = stage.seconds
        with Stage() as stage, Pop3() as pop3:
            for number, sent in zip(numbers, expected):
                pop3.lines(f"TOP {number} 10")
                if not whole(pop3.lines(f"RETR {number}"), sent):
                    wrong.append("POP3 has not what was sent")
        costs["POP3"] = stage.seconds
        self.seen += len(expected)
        return wrong, costs


def main():
    trial = Trial(sys.argv[1], sys.argv[2:])
    Stage.resting = processes()
    trial.run("plain", plain)  # what only the first does is not counted
    wrong, usual = trial.run("plain", plain)
    report(not wrong, "plain text", *wrong, usual)
    for name, make in MESSAGES.items():
        wrong, costs = trial.run(name, make)
        for stage, seconds in costs.items():
            if seconds > MOST * max(usual[stage], LEAST):
                wrong.append(f"{stage}: {seconds:.2f} s of CPU, plain text {usual[stage]:.2f}")
        report(not wrong, name, *wrong, costs)
    with Imap() as imap:
        report(imap.exists == trial.seen, "the mailbox with all of them opens")
        seen = imap.command("FETCH 1:* (UID FLAGS ENVELOPE BODYSTRUCTURE)")
        report(len(re.findall(rb"(?m)^\* \d+ FETCH", seen)) == trial.seen, "and can be listed")


main()
