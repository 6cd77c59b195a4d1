#!/usr/bin/env python3
"""Clients that take their time, and an honest one among them; the sandbox is the one of the file that MAILROOM_ENV names.

slow.py many N       N connections from many addresses that are silent, that send an octet now and then in the middle of a
                     handshake, a command or a message
slow.py trickle      a deadline is for the whole: an octet now and then does not move it
slow.py unread MIB   sessions ask for MIB mebibytes each and read none
Prints lines for report_of of lib.sh.
"""
import imaplib
import os
import re
import resource
import smtplib
import socket
import sys
import threading
import time

PATIENCE = 60  # seconds
MOST = 1.0  # seconds that an honest client's whole visit may take, in 99 of 100
PER_ADDRESS = 40  # connections; the limit is 50
PACE = 5  # seconds between the octets of a slow client

with open(os.environ["MAILROOM_ENV"], encoding="utf-8") as lines:
    ENV = dict(re.findall(r"^(?:export )?(\w+)='?([^'\n]*)'?$", lines.read(), re.M))


def report(good, what, *details):
    print(("ok - " if good else "not ok - ") + what, flush=True)
    for detail in details:
        print(f"# {detail}", flush=True)


def port(name):
    return int(ENV[f"{name}_PORT"])


# ---- processes


def everyone():
    """pid -> its parent, of mailroomd and all below it."""
    parents, found = {}, {int(ENV["PID"]): 0}
    for name in os.listdir("/proc"):
        try:
            with open(f"/proc/{name}/stat", encoding="latin-1") as file:
                parents[int(name)] = int(file.read().rsplit(")", 1)[1].split()[1])
        except (OSError, ValueError):
            continue
    while True:
        more = {pid: parent for pid, parent in parents.items() if parent in found and pid not in found}
        if not more:
            return found
        found |= more


def memory(pids, kind="Pss"):
    """Octets."""
    total = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
                total += int(re.search(rf"^{kind}:\s*(\d+)", file.read(), re.M).group(1)) * 1024
        except (OSError, AttributeError):
            continue
    return total


def eventually(condition, patience=PATIENCE):
    end = time.monotonic() + patience
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


def settled():
    """The processes, once those of clients before have ended."""
    while True:
        found = set(everyone())
        time.sleep(0.5)
        if found == set(everyone()):
            return found


class AsBefore:
    """What there was, and that it is so again."""

    def __init__(self):
        self.processes = settled()
        self.memory = memory(self.processes)

    def check(self):
        report(eventually(lambda: len(everyone()) <= len(self.processes)), "the processes are as many as before",
               f"{len(self.processes)} before, {len(everyone())} after")
        after = memory(everyone())
        report(after < self.memory + (16 << 20), "and the memory is what it was",
               f"{self.memory >> 10} KiB before, {after >> 10} KiB after")


# ---- the honest client


def visit(number):
    """Sends a message, and looks into a mailbox: seconds."""
    began = time.monotonic()
    with smtplib.SMTP("127.0.0.1", port("SMTP"), "honest.test", timeout=PATIENCE) as smtp:
        smtp.sendmail("honest@client.test", [f"{ENV['USER2']}@{ENV['DOMAIN']}"], f"Subject: honest {number}\r\n\r\ntext\r\n")
    imap = imaplib.IMAP4("127.0.0.1", port("IMAP"), timeout=PATIENCE)
    imap.login(ENV["USER2"], ENV["PASS2"])
    imap.select("INBOX")
    imap.fetch("1", "(FLAGS)")
    imap.logout()
    return time.monotonic() - began


def percentile(times, percent):
    return sorted(times)[min(len(times) - 1, len(times) * percent // 100)]


def quiet():
    """What the machine takes without any slow client."""
    return percentile([visit(-n) for n in range(20)], 99)


def honest(what, without, visits=150):
    times = [visit(n) for n in range(visits)]
    slowest = percentile(times, 99)
    report(slowest < max(MOST, 3 * without), f"{what}: an honest client keeps its second",
           f"99 of 100 visits took at most {slowest * 1000:.0f} ms, half {percentile(times, 50) * 1000:.0f} ms; "
           f"without the others {without * 1000:.0f} ms")


# ---- the slow ones

CLIENT_HELLO = bytes.fromhex("1603010200010001fc0303") + bytes(500)


def connect(name, address="127.0.0.1"):
    client = socket.socket()
    client.settimeout(PATIENCE)
    client.bind((address, 0))
    client.connect(("127.0.0.1", port(name)))
    return client


class Slow:
    """One of them: connected, what it begins with has been said, and `rest` comes an octet at a time."""

    def __init__(self, number, name, begin, rest):
        self.socket = connect(name, f"127.1.{number // PER_ADDRESS}.1")
        self.rest = rest
        for line in begin:  # answered one by one
            self.socket.recv(4096)
            self.socket.sendall(line)

    def step(self):
        if not self.rest:
            return
        octet, self.rest = self.rest[:1], self.rest[1:]
        try:
            self.socket.sendall(octet)
        except OSError:
            self.rest = b""

    def close(self):
        self.socket.close()


def recipient():
    return f"RCPT TO:<{ENV['USER1']}@{ENV['DOMAIN']}>\r\n".encode()


def kinds():
    greeting = [b"EHLO slow.test\r\n", b"MAIL FROM:<slow@client.test>\r\n", recipient(), b"DATA\r\n"]
    return [
        ("IMAPS", [], b""),  # says nothing
        ("IMAPS", [], CLIENT_HELLO),  # its handshake takes for ever
        ("SMTP", [], b"EHLO slow.test" * 100),
        ("SMTP", greeting, b"Subject: slow\r\n\r\n" + b"text " * 100),
        ("SMTPS", [], CLIENT_HELLO),
        ("IMAP", [], b"a LOGIN " + b"x" * 1000),
    ]


def many(count):
    """The listeners' limit is 1,000 connections of a service, and 50 of an address."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    without = quiet()
    before = AsBefore()
    chosen = kinds()
    crowd = [Slow(n, *chosen[n % len(chosen)]) for n in range(count)]
    report(eventually(lambda: len(everyone()) >= len(before.processes) + count), f"{count} slow clients have a process each",
           f"{len(everyone()) - len(before.processes)} processes")
    each = (memory(everyone()) - before.memory) // count
    report(each < 4 << 20, "each costs little memory", f"{each >> 10} KiB for each")
    stop = threading.Event()

    def trickle():
        while not stop.wait(PACE):
            for client in crowd:
                client.step()
    worker = threading.Thread(target=trickle)
    worker.start()
    honest(f"beside {count} slow clients", without)
    stop.set()
    worker.join()
    for client in crowd:
        client.close()
    before.check()


def trickle():
    """POP3's time for the login is 6 seconds in this sandbox: an octet each second does not make it longer."""
    client = connect("POP3")
    client.recv(4096)
    client.settimeout(1)
    began, ended = time.monotonic(), False
    while not ended and time.monotonic() < began + PATIENCE:
        try:
            client.sendall(b"x")
            ended = b"" == client.recv(4096)
        except TimeoutError:
            continue
        except OSError:
            ended = True
    report(ended and time.monotonic() - began < 20, "an octet now and then does not move a deadline",
           f"ended after {time.monotonic() - began:.1f} s, may have 6")


def converse(client, lines):
    """Says each line; what is to come before the next is its second half.  The answer to the last."""
    for line, until in lines:
        client.sendall(line.encode() + b"\r\n")
        received = b""
        while until not in received:
            octets = client.recv(65536)
            if not octets:
                raise EOFError(f"after {line}: {received}")
            received += octets
    return received


def lazy_imap():
    client = connect("IMAP")
    converse(client, [(f"a LOGIN {ENV['USER1']} {ENV['PASS1']}", b"a OK"), ("b SELECT INBOX", b"\r\nb OK")])
    client.sendall(b"c FETCH 1:* BODY.PEEK[]\r\n" * 3)
    return client


def lazy_pop3():
    client = connect("POP3")
    client.recv(4096)
    converse(client, [(f"USER {ENV['USER1']}", b"+OK"), (f"PASS {ENV['PASS1']}", b"+OK")])
    client.sendall(b"RETR 1\r\n" * 3)
    return client


def unread(mebibytes):
    without = quiet()
    writer = imaplib.IMAP4("127.0.0.1", port("IMAP"), timeout=PATIENCE)
    writer.login(ENV["USER1"], ENV["PASS1"])
    writer.append("INBOX", None, None, b"Subject: large\r\n\r\n" + (b"y" * 70 + b"\r\n") * (mebibytes * (1 << 20) // 72))
    writer.logout()
    before = AsBefore()
    lazy = [lazy_imap() for _ in range(4)] + [lazy_pop3()]
    honest(f"beside sessions that leave {mebibytes} MiB unread", without, 60)
    fresh = set(everyone()) - before.processes
    largest = max(memory([pid], "Pss_Anon") for pid in fresh)
    report(len(fresh) >= len(lazy) and largest < 16 << 20, "such a session's own memory stays small",
           f"{len(fresh)} sessions, the largest {largest >> 10} KiB")
    for client in lazy:
        client.close()
    before.check()


if __name__ == "__main__":
    {"many": lambda: many(int(sys.argv[2])), "trickle": trickle, "unread": lambda: unread(int(sys.argv[2]))}[sys.argv[1]]()
