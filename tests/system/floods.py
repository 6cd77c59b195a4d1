#!/usr/bin/env python3
"""Clients that give a server much to do and bring nothing, and an honest one beside them (SECURITY.md V11); the sandbox is the one
of the file that MAILROOM_ENV names.

floods.py commands N       N commands at once that need no answer, or are none, before login and after
floods.py records N        N TLS records without content; TLS_FLOOD names the program that sends them
floods.py resets           connections that are reset at once, or in the middle of what was begun
floods.py halves           connections whose client says nothing more, and still listens
floods.py crowd V6PORT     a thousand connections from one address, IPv4 and IPv6
floods.py outbound HOSTS   messages to hosts that accept connections and stall
floods.py rate             content that comes slower than it may, and just fast enough
Prints lines for report_of of lib.sh.
"""
import multiprocessing
import os
import queue
import smtplib
import socket
import struct
import subprocess
import sys
import threading
import time

from slow import ENV, PATIENCE, AsBefore, connect, converse, eventually, everyone, honest, port, quiet, recipient, report

VISITS = 50  # of the honest client beside each flood
OTHER = "127.3.0.2"  # the honest client is 127.0.0.1
IPV6_FREEBIND = 78  # linux/in6.h


def greeted(service):
    client = connect(service, OTHER)
    client.recv(4096)
    return client


def login(service):
    client = greeted(service)
    if service == "IMAP":
        converse(client, [(f"a LOGIN {ENV['USER1']} {ENV['PASS1']}", b"a OK")])
        return client
    answer = converse(client, [(f"USER {ENV['USER1']}", b"+OK"), (f"PASS {ENV['PASS1']}", b"\r\n")])
    if b"[IN-USE]" not in answer:
        return client
    client.close()  # the session before this one may still be ending
    time.sleep(0.1)
    return login(service)


def all_of(client):
    """What comes until the connection ends, in whatever way."""
    said = bytearray()
    try:
        while octets := client.recv(1 << 16):
            said += octets
    except ConnectionResetError:
        pass
    client.close()
    return bytes(said)


def again_and_again(work, stop, wrong):
    """Until it is told to stop, or `work`, which gives pairs of whether it was right and details, is not right."""
    while not stop.is_set():
        for good, details in work():
            if not good:
                wrong.put(details)
                return


def beside(what, *works):
    """The honest client beside processes that do each of `works` again and again; then all is as it was."""
    without = quiet()
    before = AsBefore()
    stop = multiprocessing.Event()
    wrong = multiprocessing.Queue()
    others = [multiprocessing.Process(target=again_and_again, args=(work, stop, wrong)) for work in works]
    for other in others:
        other.start()
    honest(f"beside {what}", without, VISITS)
    stop.set()
    complaints = complaints_of(others, wrong)
    report(not complaints, f"which went on, and came to what they come to alone: {what}", *complaints)
    before.check()


def complaints_of(others, wrong):
    """When all of them have ended: what was wrong with them."""
    complaints = []
    while any(other.is_alive() for other in others) or not wrong.empty():
        try:
            complaints.append(wrong.get(timeout=0.1))
        except queue.Empty:
            pass
    for other in others:
        other.join()
    return complaints + [f"status {other.exitcode}" for other in others if other.exitcode != 0]


# ---- commands


def flood(client, line, count, end=b""):
    """The server's answers to `count` such lines, sent without waiting for one."""

    def send():
        try:
            client.sendall(line * count + end)
        except OSError:
            pass  # the server has ended it

    sender = threading.Thread(target=send)
    sender.start()
    said = all_of(client)
    sender.join()
    return said


# Service, command, what each answer begins with, how many there are, and with what the connection ends then.
LIMITED = [
    ("SMTP", b"NOOP\r\n", b"250 2.0.0 ", 100, b"421 4.7.0 "),
    ("SMTP", b"RSET\r\n", b"250 2.0.0 ", 100, b"421 4.7.0 "),
    ("SMTP", b"HELO x\r\n", b"250 mail.", 100, b"421 4.7.0 "),
    ("SMTP", b"WHAT\r\n", b"500 5.5.1 ", 10, b"421 4.7.0 "),
    ("POP3", b"CAPA\r\n", b"+OK Capabilities", 100, b"-ERR Too many "),
    ("POP3", b"NOOP\r\n", b"-ERR Log in first", 10, b"-ERR Too many errors"),
    ("IMAP", b"a NOOP\r\n", b"a OK ", 100, b"* BYE Too many "),
    ("IMAP", b"a WHAT\r\n", b"a BAD ", 20, b"* BYE Too many errors"),
]
# After login: service, command, answer, and how to leave.
UNLIMITED = [
    ("POP3", b"NOOP\r\n", b"+OK", b"QUIT\r\n"),
    ("POP3", b"RSET\r\n", b"+OK", b"QUIT\r\n"),
    ("IMAP", b"a NOOP\r\n", b"a OK ", b"b LOGOUT\r\n"),
]


def lines_of(said, begin):
    return sum(line.startswith(begin) for line in said.split(b"\r\n"))


def limited(service, command, begin, most, end, count):
    said = flood(greeted(service), command, count)
    lines = said.split(b"\r\n")
    last = lines[-2] if len(lines) > 1 else b""
    return lines_of(said, begin) == most and last.startswith(end), f"{lines_of(said, begin)} answers, the last is {last}"


def unlimited(service, command, begin, leave, count):
    said = flood(login(service), command, count, leave)
    answers = lines_of(said, begin)
    return answers == count + (service == "POP3"), f"{answers} answers"  # leaving is answered like the others there


def commands(count):
    for row in LIMITED:
        good, details = limited(*row, count)
        report(good, f"{row[0]}: of {count} times {row[1].strip().decode()} {row[3]} are answered", details)
    for row in UNLIMITED:
        good, details = unlimited(*row, count)
        report(good, f"{row[0]}: all of {count} times {row[1].strip().decode()} are answered after login", details)
    beside("floods of commands", lambda: [limited(*row, count) for row in LIMITED],
           lambda: [unlimited(*row, count) for row in UNLIMITED])


# ---- records


def tls_flood(service, *arguments):
    command = [os.environ["TLS_FLOOD"], ENV[f"{service}_PORT"], *arguments]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return (result.stdout + result.stderr).strip()


def closed(said):
    return said == "closed", said


KINDS = ("key-update", "empty", "alert")


def records(count):
    session = [f"a LOGIN {ENV['USER1']} {ENV['PASS1']}", "a OK"]
    places = [("SMTPS", []), ("POP3S", []), ("IMAPS", []), ("IMAPS", session)]
    for kind in KINDS:
        for service, before in places:
            good, said = closed(tls_flood(service, kind, str(count), *before))
            report(good, f"{service}{' session' if before else ''}: {count} records ({kind}) end the connection", said)
    for service, before in places[2:]:
        said = tls_flood(service, "paced", "90", *before)
        report(said == "answered", f"{service}{' session' if before else ''}: new keys for each command are no flood", said)
    beside("floods of TLS records", *[
        lambda service=service, before=before: [closed(tls_flood(service, kind, str(count), *before)) for kind in KINDS]
        for service, before in places[1:]])


# ---- ends


def reset(client):
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


BEGUN = [("SMTP", b""), ("IMAP", b""), ("POP3", b""), ("IMAPS", b""), ("SMTPS", b"\x16\x03\x01\x02\x00"), ("IMAP", b"a LOGIN {10+}\r\n"),
         ("SMTP", b"EHLO x\r\nMAIL FROM:<a@client.test>\r\n")]


def reset_some():
    for service, begun in BEGUN:
        client = connect(service, OTHER)
        client.sendall(begun)
        reset(client)
    return []  # nobody is left who could be wrong


def resets():
    beside("a storm of resets", reset_some, reset_some)


HALVES = [
    ("SMTP", b"NOOP\r\n", b"250 2.0.0 "),
    ("POP3", b"CAPA\r\n", b"+OK Capabilities"),
    ("IMAP", b"a NOOP\r\n", b"a OK "),
    ("SMTP", b"MAI", b""),
    ("IMAPS", b"\x16\x03\x01\x02\x00\x01", b""),
]


def half(service, begun, answer):
    client = connect(service, OTHER) if service == "IMAPS" else greeted(service)
    client.sendall(begun)
    client.shutdown(socket.SHUT_WR)
    try:
        said = all_of(client)
    except TimeoutError:
        return False, "it stays"
    return said.startswith(answer), str(said)


def halves():
    for row in HALVES:
        good, details = half(*row)
        report(good, f"{row[0]}: what was said before the client's end is answered, then it is the server's ({row[1][:8]})", details)
    beside("half-closed connections", lambda: [half(*row) for row in HALVES])


# ---- many from one


def connections(count, dial):
    """How many are greeted, and how many told to go, or cut off."""
    clients = [dial(number) for number in range(count)]
    greetings = []
    for client in clients:
        try:
            greetings.append(client.recv(4096)[:3])
        except OSError:
            greetings.append(b"")
    return clients, greetings.count(b"220"), sum(each in (b"421", b"") for each in greetings)


def from_v6(address, v6port):
    client = socket.socket(socket.AF_INET6)
    client.settimeout(PATIENCE)
    client.setsockopt(socket.IPPROTO_IPV6, IPV6_FREEBIND, 1)  # of loopback by a route alone
    client.bind((address, 0))
    client.connect(("::1", v6port))
    return client


def crowd(v6port):
    without = quiet()
    before = AsBefore()
    v4, served, refused = connections(1000, lambda _: connect("SMTP", "127.3.0.3"))
    report((served, refused) == (50, 950), "of 1,000 connections from one address 50 are served", f"{served}, {refused} refused")
    v6, served, refused = connections(1000, lambda number: from_v6(f"2001:db8:1:1::{number + 1:x}", v6port))
    report((served, refused) == (50, 950), "of 1,000 from one /64 as well", f"{served}, {refused} refused")
    other = from_v6("2001:db8:1:2::1", v6port)
    report(other.recv(4096).startswith(b"220"), "the next /64 is served")
    honest("beside the crowds", without, VISITS)
    for client in v4 + v6 + [other]:
        client.close()
    before.check()


# ---- other hosts


def outbound(hosts):
    without = quiet()
    before = len(everyone())
    sender = f"{ENV['USER1']}@{ENV['DOMAIN']}"
    with smtplib.SMTP("127.0.0.1", port("SUBMISSION"), "client.test", timeout=PATIENCE) as smtp:
        smtp.login(ENV["USER1"], ENV["PASS1"])
        for number in range(hosts):
            smtp.sendmail(sender, [f"x@d{number}.test"], f"From: {sender}\r\nSubject: {number}\r\n\r\ntext\r\n")
    report(eventually(lambda: len(everyone()) >= before + hosts // 2), "messages wait for hosts that stall")
    honest("beside them", without, VISITS)


# ---- the least rate of content

GRACE = 60  # seconds; daemons/smtpd/session_limits.h
LEAST = 500  # octets in a second; smtpd.min-data-rate


def begin_content():
    client = greeted("SMTP")
    converse(client, [("EHLO rate.test", b"250 "), ("MAIL FROM:<rate@client.test>", b"250 "), (recipient().decode().strip(), b"250 "),
                      ("DATA", b"354 ")])
    return client


def send_slowly(client, octets, seconds):
    """Each second so many, for so long or until the server says something: what that is, and how long it took."""
    began = time.monotonic()
    client.settimeout(1)
    while time.monotonic() < began + seconds:
        try:
            client.sendall((b"x" * 70 + b"\r\n") * octets if octets > 1 else b"x")
            return client.recv(4096), time.monotonic() - began
        except TimeoutError:
            continue
        except ConnectionError:
            return b"reset", time.monotonic() - began
    return b"", time.monotonic() - began


def rate():
    slow, steady = begin_content(), begin_content()
    results = {}
    steady_one = threading.Thread(target=lambda: results.update(steady=send_slowly(steady, 2 * LEAST // 72, GRACE + 15)))
    steady_one.start()
    said, after = send_slowly(slow, 1, GRACE + PATIENCE)
    report(said.startswith(b"421 4.4.2 ") and after > GRACE - 5, "an octet in a second is too slow: 421 4.4.2",
           f"{said} after {after:.0f} s")
    steady_one.join()
    said, after = results["steady"]
    steady.settimeout(PATIENCE)
    steady.sendall(b"\r\n.\r\n")
    accepted = steady.recv(4096)
    report(said == b"" and accepted.startswith(b"250 "), f"a thousand are not, after {after:.0f} s", f"{said} {accepted}")


if __name__ == "__main__":
    verb, arguments = sys.argv[1], [int(each) for each in sys.argv[2:]]
    VERBS = {each.__name__: each for each in (commands, records, resets, halves, crowd, outbound, rate)}
    VERBS[verb](*arguments)
