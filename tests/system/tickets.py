#!/usr/bin/python3
"""GSSAPI over IMAP, and KPOP, as no good client speaks them.

tickets.py VERB [ARGUMENT]   with HOST, IMAP_PORT and KPOP_PORT in the environment, and tickets in the cache; prints what came of it
"""
import base64
import os
import socket
import struct
import sys

import gssapi

HOST, PORT = os.environ["HOST"], int(os.environ["IMAP_PORT"])


class Box:
    """An IMAP connection; SASL goes in and comes out as octets."""

    def __init__(self):
        self.socket = socket.create_connection(("127.0.0.1", PORT), timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb")
        self.file.readline()

    def send(self, line):
        self.socket.sendall(line + b"\r\n")

    def start(self):
        self.send(b"a AUTHENTICATE GSSAPI")
        return self.answer()

    def respond(self, octets):
        self.send(base64.b64encode(octets))
        return self.answer()

    def answer(self):
        """The octets of a challenge; nothing when it is over: `last` says how."""
        while True:
            self.last = self.file.readline()
            if self.last.startswith(b"+ "):
                return base64.b64decode(self.last[2:])
            if not self.last.startswith(b"* "):
                return None

    def outcome(self):
        return "in" if self.last.startswith(b"a OK") else "refused"

    def attempt(self, token):
        """One exchange with that token alone."""
        self.start()
        if self.respond(token) is None:
            return self.outcome()
        self.send(b"*")
        self.answer()
        return "goes on"


def context_for(service="imap"):
    name = gssapi.Name(f"{service}@{HOST}", gssapi.NameType.hostbased_service)
    flags = [gssapi.RequirementFlag.mutual_authentication, gssapi.RequirementFlag.integrity]
    return gssapi.SecurityContext(name=name, usage="initiate", flags=flags)


def exchange(box, layer=b"\x01\x00\x00\x00"):
    """To its end, choosing the security layer and buffer size `layer`."""
    box.start()
    context = context_for()
    challenge = box.respond(context.step())
    while challenge is not None and not context.complete:
        challenge = box.respond(context.step(challenge) or b"")
    if challenge is None:
        return box.outcome()
    context.unwrap(challenge)
    box.respond(context.wrap(layer, False).message)
    return box.outcome()


def all_refused(tokens):
    """The different outcomes of these tokens."""
    box, outcomes = Box(), set()
    for number, token in enumerate(tokens):
        if number % 15 == 14:  # a connection has so many attempts
            box = Box()
        outcomes.add(box.attempt(token))
    return ",".join(sorted(outcomes))


def good():
    try:
        return exchange(Box())
    except gssapi.exceptions.GSSError as error:
        print(error, file=sys.stderr)
        return "no ticket"


def replay():
    token = context_for().step()
    return f"first: {Box().attempt(token)}, again: {Box().attempt(token)}"


def service(name):
    return all_refused([context_for(name).step()])


def truncated():
    token = context_for().step()
    return all_refused(token[:n] for n in range(len(token)))


def changed():
    """A new one each time, so that none is refused as a repeat."""
    size = len(context_for().step())
    def with_change(n):
        token = bytearray(context_for().step())
        token[n % len(token)] ^= 0xFF
        return bytes(token)
    return all_refused(with_change(n) for n in range(0, size, 3))


def lengths():
    token = context_for().step()
    tails = [b"\x84\xff\xff\xff\xff", b"\x84\x7f\xff\xff\xff", b"\x88" + b"\xff" * 8, b"\x80", b"\x82\xff\xff", b"\xff"]
    return all_refused([b"\x60" + tail + token[4:] for tail in tails] + [token + b"\x00" * 9000, b"\x60" * 12000])


def mutual():
    box = Box()
    box.start()
    context = context_for()
    reply = bytearray(box.respond(context.step()))
    reply[-1] ^= 1
    try:
        context.step(bytes(reply))
        return "believed"
    except gssapi.exceptions.GSSError:
        box.send(b"*")
        box.answer()
        box.send(b"b STATUS INBOX (MESSAGES)")
        return "not believed, " + ("in" if box.file.readline().startswith(b"* STATUS") else "not in")


def mixed(name, password):
    """Exchanges of one connection leave nothing for the next one."""
    def by_login(secret):
        box.send(b"a AUTHENTICATE LOGIN")
        box.answer()
        box.respond(name.encode())
        box.respond(secret.encode())
        return box.outcome()
    box = Box()
    for token in (b"x", context_for("smtp").step(), context_for().step()):
        box.attempt(token)
    wrong = by_login("wrong")
    for _ in range(3):
        box.attempt(context_for().step())
    box.attempt(b"x")
    return f"wrong: {wrong}, right: {by_login(password)}"


def layer():
    outcomes = {exchange(Box(), octets) for octets in (b"\x02\x00\x10\x00", b"\x04\x00\x10\x00", b"\x07\xff\xff\xff", b"\x00\x00\x00\x00", b"\x01", b"")}
    return ",".join(sorted(outcomes))


# ---- KPOP: krb5_sendauth, and then POP3


def ap_req(service="pop"):
    """The Kerberos message in the token that a GSSAPI client begins with (RFC 4121 4.1)."""
    token = context_for(service).step()
    return token[token.index(b"\x01\x00\x6e") + 2:]


def kpop(request):
    def message(octets):
        return struct.pack(">I", len(octets)) + octets
    with socket.create_connection(("127.0.0.1", int(os.environ["KPOP_PORT"])), timeout=30) as client:
        client.sendall(message(b"KRB5_SENDAUTH_V1.0\0") + message(b"KPOPV1.0\0") + message(request))
        stream = client.makefile("rwb")
        if stream.read(5) != b"\0\0\0\0\0":  # the versions are good, and there is no error
            return "refused"
        stream.read(struct.unpack(">I", stream.read(4))[0])  # the AP-REP
        stream.readline()
        for command in (b"USER alice\r\n", b"PASS unused\r\n", b"STAT\r\n"):
            stream.write(command)
            stream.flush()
            if not stream.readline().startswith(b"+OK"):
                return "refused"
        return "in"


def kpop_replay():
    request = ap_req()
    return f"first: {kpop(request)}, again: {kpop(request)}"


def kpop_service(name):
    return kpop(ap_req(name))


def kpop_truncated():
    request = ap_req()
    return ",".join({kpop(request[:n]) for n in range(0, len(request), 3)} | {kpop(request[:-1])})


VERBS = {each.__name__: each for each in (good, replay, service, truncated, changed, lengths, mutual, mixed, layer, kpop_replay, kpop_service,
                                          kpop_truncated)}
print(VERBS[sys.argv[1]](*sys.argv[2:]))
