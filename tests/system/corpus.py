#!/usr/bin/env python3
"""Every message of a corpus goes in by SMTP and comes out of POP3 and IMAP byte for byte.

corpus.py DIRECTORY...   with the environment of a sandbox (HOST SMTP_PORT POP3S_PORT IMAPS_PORT CAFILE USER1 PASS1 DOMAIN)

Line ends are made CRLF.  A message may be refused only by one of the rules below, which the message must break; each refusal
is printed.  The last line is 'N in, N refused, N wrong'; exit status 0 when nothing is wrong.
"""
import collections
import hashlib
import os
import re
import socket
import ssl
import sys
import time

PATIENCE = 120  # seconds
BATCH = 400  # messages of one connection, below smtpd.max-messages

# What may be refused: the rule, and whether a message breaks it.
RULES = {
    "bare CR (RFC 5321 2.3.8)": lambda message: re.search(rb"\r(?!\n)", message) is not None,
    "NUL (RFC 5321 4.5.2, RFC 5322 2.2)": lambda message: b"\0" in message,
    "line over 998 octets (RFC 5321 4.5.3.1.6)": lambda message: any(len(line) > 998 for line in message.split(b"\r\n")),
    "too many Received lines (RFC 5321 6.3)": lambda message: len(re.findall(rb"(?mi)^received:", message)) >= 100,
}
# What is put on top.  A Received line ends in its date; a blank that the message begins with is the message's own.
TRACE = re.compile(rb"\AReturn-Path:[^\n]*\nDelivered-To:[^\n]*\nReceived:.*?[+-]\d{4}\r\n", re.DOTALL)


def kept(message):
    """As it is in the mailbox: what begins with a blank is no header, and must not continue our Received line."""
    return b"\r\n" + message if message[:1] in (b" ", b"\t") else message


def env(name):
    return os.environ[name]


def messages(directories):
    for directory in directories:
        for path, folders, names in os.walk(directory):
            folders.sort()
            for name in sorted(names):
                if name == "README.md":
                    continue
                with open(os.path.join(path, name), "rb") as file:
                    content = re.sub(rb"\r?\n", b"\r\n", file.read())
                if content and not content.endswith(b"\r\n"):
                    content += b"\r\n"
                yield os.path.join(path, name), content


class Connection:
    """A line protocol over a socket."""

    def __init__(self, port, tls):
        self.socket = socket.create_connection(("127.0.0.1", int(port)), timeout=PATIENCE)
        if tls:
            context = ssl.create_default_context(cafile=env("CAFILE"))
            self.socket = context.wrap_socket(self.socket, server_hostname=env("HOST"))
        self.file = self.socket.makefile("rb")

    def line(self):
        line = self.file.readline()
        if not line:
            raise EOFError("connection closed")
        return line

    def send(self, octets):
        self.socket.sendall(octets)


class Smtp(Connection):
    def __init__(self):
        super().__init__(env("SMTP_PORT"), tls=False)
        self.reply()
        self.ask(b"EHLO corpus.test")

    def reply(self):
        while True:
            line = self.line()
            if line[3:4] != b"-":
                return line.strip()

    def ask(self, command):
        self.send(command + b"\r\n")
        return self.reply()

    def deliver(self, recipient, message):
        """The last reply."""
        for command in (b"MAIL FROM:<corpus@client.test>", b"RCPT TO:<" + recipient + b">", b"DATA"):
            reply = self.ask(command)
            if reply[:1] not in b"23":
                return reply
        self.send(re.sub(rb"(?m)^\.", b"..", message) + b".\r\n")
        return self.reply()


def submit_all(corpus, recipient):
    """{name: reply} of all that were refused."""
    refused = {}
    for first in range(0, len(corpus), BATCH):
        smtp = Smtp()
        for name, message in corpus[first : first + BATCH]:
            try:
                reply = smtp.deliver(recipient, message)
            except (EOFError, ConnectionError) as error:
                reply = b"connection ended: " + str(error).encode()
            if reply[:1] == b"2":
                continue
            refused[name] = reply.decode("latin-1")
            smtp = Smtp()
    return refused


def by_pop3(user, password):
    pop3 = Connection(env("POP3S_PORT"), tls=True)

    def ask(command):
        pop3.send(command.encode() + b"\r\n")
        answer = pop3.line()
        if not answer.startswith(b"+OK"):
            raise RuntimeError(f"{command}: {answer}")
        return answer

    pop3.line()
    ask("USER " + user)
    ask("PASS " + password)
    count = int(ask("STAT").split()[1])
    for number in range(1, count + 1):
        ask(f"RETR {number}")
        lines = []
        while (line := pop3.line()) != b".\r\n":
            lines.append(line[1:] if line.startswith(b".") else line)
        yield b"".join(lines)
    ask("QUIT")


def by_imap(user, password):
    imap = Connection(env("IMAPS_PORT"), tls=True)
    imap.line()
    imap.send(f"a LOGIN {user} {password}\r\nb SELECT INBOX\r\nc FETCH 1:* (BODY.PEEK[])\r\n".encode())
    while True:
        line = imap.line()
        if line.startswith(b"c "):
            if not line.startswith(b"c OK"):
                raise RuntimeError(line)
            return
        if literal := re.search(rb"FETCH \(.*\{(\d+)\}\r\n\Z", line):
            yield imap.file.read(int(literal.group(1)))


def digests(stored):
    counted = collections.Counter()
    for message in stored:
        counted[hashlib.sha256(TRACE.sub(b"", message, count=1)).digest()] += 1
    return counted


def wait_until_delivered():
    end = time.monotonic() + PATIENCE
    while os.popen(f"'{env('SANDBOX')}' pending '{os.path.dirname(env('CONFIG'))}'").read().strip() != "0":
        if time.monotonic() > end:
            sys.exit("the queue does not empty")
        time.sleep(0.2)


def main():
    corpus = list(messages(sys.argv[1:]))
    refused = submit_all(corpus, f"{env('USER1')}@{env('DOMAIN')}".encode())
    wrong = 0
    for name, message in corpus:
        if name not in refused:
            continue
        rules = [rule for rule, breaks in RULES.items() if breaks(message)]
        wrong += not rules
        print(f"refused: {os.path.relpath(name, sys.argv[1])}: {refused[name]} [{'; '.join(rules) or 'NO RULE'}]")
    accepted = [(name, message) for name, message in corpus if name not in refused]
    expected = collections.Counter(hashlib.sha256(kept(message)).digest() for _, message in accepted)

    wait_until_delivered()
    for protocol, read in (("POP3", by_pop3), ("IMAP", by_imap)):
        got = digests(read(env("USER1"), env("PASS1")))
        for name, message in accepted:
            if got[hashlib.sha256(kept(message)).digest()] == 0:
                print(f"{protocol}: not as it was sent: {name}")
        wrong += sum(((expected - got) + (got - expected)).values())
    print(f"{len(accepted)} in, {len(refused)} refused, {wrong} wrong")
    return 1 if wrong or not accepted else 0


sys.exit(main())
