#!/usr/bin/env python3
"""Whether the refusal of a login tells if there is such an account.

enumeration.py PROTOCOL PORT SAMPLES KIND=NAME:PASSWORD...   PROTOCOL is pop3, imap, smtp or scram, without TLS, or external
scram is SCRAM-SHA-256 over IMAP with a proof of no password: of its first answer the length counts, the time of both.
external is EXTERNAL over IMAP with TLS: PASSWORD is the path of a certificate, without its ".pem", with its key beside it (".key").

Tries every KIND SAMPLES times, each on a connection of its own, all of them in rounds and in random order.  Prints for each its
replies (one line, JSON), the number of different ones, and the median of its times; then 'spread P' with the percentage between
the fastest and the slowest median of a kind's share of its round: what else runs on the machine is the same for a whole round.
"""
import base64
import functools
import json
import os
import random
import socket
import ssl
import statistics
import sys
import time

PATIENCE = 30  # seconds


def read_reply(file, is_last):
    lines = []
    while not lines or not is_last(lines[-1]):
        line = file.readline()
        if not line:
            raise EOFError("connection closed")
        lines.append(line)
    return b"".join(lines)


def any_line(_):
    return True


def smtp_last(line):
    return line[3:4] != b"-"


def imap_last(line):
    return line.startswith(b"a ")


b64 = base64.b64encode


def plain(name, password):
    return b64(b"\0" + name + b"\0" + password)


def scram_first(name, _):
    return b64(b"n,,n=" + name + b",r=" + b64(os.urandom(18)))


def scram_final(challenge):
    nonce = base64.b64decode(challenge[2:]).split(b",")[0]
    return b64(b"c=" + b64(b"n,,") + b"," + nonce + b",p=" + b64(os.urandom(32)))


# protocol: [(what is sent, or what makes it of the answer before, or nothing for the greeting; which line ends the answer)]; the last answer counts.
DIALOGUES = {
    "pop3": lambda n, p: [(None, any_line), (b"USER " + n, any_line), (b"PASS " + p, any_line)],
    "imap": lambda n, p: [(None, any_line), (b"a LOGIN " + n + b" " + p, imap_last)],
    "smtp": lambda n, p: [(None, smtp_last), (b"EHLO client.test", smtp_last), (b"AUTH PLAIN " + plain(n, p), smtp_last)],
    "external": lambda n, _: [(None, any_line), (b"a AUTHENTICATE EXTERNAL " + (b64(n) or b"="), imap_last)],
    "scram": lambda n, p: [(None, any_line), (b"a AUTHENTICATE SCRAM-SHA-256", any_line), (scram_first(n, p), any_line), (scram_final, imap_last)],
}


@functools.cache
def client_with(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.load_cert_chain(certificate + ".pem", certificate + ".key")
    return context


def attempt(protocol, port, name, password):
    """All answers after the greeting, and the seconds that the last ones took."""
    answers, took = [], []
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if protocol == "external":
            connection = client_with(password).wrap_socket(connection)
        file = connection.makefile("rb")
        for command, is_last in DIALOGUES[protocol](name.encode(), password.encode()):
            if callable(command):
                command = command(answers[-1])
            began = time.perf_counter()
            if command is not None:
                connection.sendall(command + b"\r\n")
            answers.append(read_reply(file, is_last))
            took.append(time.perf_counter() - began)
    if protocol == "scram":  # its challenge is another one each time
        return f"{len(answers[2])} octets, {answers[3].decode('latin-1')}", took[-2] + took[-1]
    return b"".join(answers[1:]).decode("latin-1"), took[-1]


def main():
    protocol, port, samples = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    kinds = {kind: who.split(":", 1) for kind, who in (word.split("=", 1) for word in sys.argv[4:])}
    replies, times, shares = ({kind: make() for kind in kinds} for make in (set, list, list))
    for _ in range(samples):
        took = {}
        for kind in random.sample(list(kinds), len(kinds)):
            reply, took[kind] = attempt(protocol, port, *kinds[kind])
            replies[kind].add(reply)
        for kind, seconds in took.items():
            times[kind].append(seconds)
            shares[kind].append(seconds / statistics.mean(took.values()))
    medians = {kind: statistics.median(values) for kind, values in times.items()}
    of_round = [statistics.median(values) for values in shares.values()]
    for kind in kinds:
        print(f"{kind} {medians[kind] * 1e6:.0f} us {json.dumps(sorted(replies[kind]))}")
    print(f"different {len(set().union(*replies.values()))}")
    print(f"spread {(max(of_round) / min(of_round) - 1) * 100:.1f}")


main()
