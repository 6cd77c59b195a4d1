#!/usr/bin/env python3
"""SCRAM as no good client speaks it, and TLS bindings that gsasl does not know.

scram.py USER1 PASSWORD1 USER2 PASSWORD2   with HOST, IMAPS_PORT, POP3S_PORT, SMTPS_PORT and CAFILE in the environment
Prints lines 'ok - WHAT' and 'not ok - WHAT'.
"""
import base64
import hashlib
import hmac
import os
import socket
import ssl
import sys

HOST, CAFILE = os.environ["HOST"], os.environ["CAFILE"]
PORTS = {"imap": int(os.environ["IMAPS_PORT"]), "pop3": int(os.environ["POP3S_PORT"]), "smtp": int(os.environ["SMTPS_PORT"])}
USER1, PASSWORD1, USER2, PASSWORD2 = sys.argv[1:]


def b64(octets):
    return base64.b64encode(octets)


class Connection:
    """Lines of SASL, however a protocol frames them."""

    FRAME = {"imap": (b"a AUTHENTICATE %b", b"+ ", b"a OK"), "pop3": (b"AUTH %b", b"+ ", b"+OK"), "smtp": (b"AUTH %b", b"334 ", b"235")}

    def __init__(self, protocol="imap", newest=ssl.TLSVersion.MAXIMUM_SUPPORTED):
        context = ssl.create_default_context(cafile=CAFILE)
        context.maximum_version = newest
        raw = socket.create_connection((HOST, PORTS[protocol]), timeout=30)
        self.tls = context.wrap_socket(raw, server_hostname=HOST)
        self.file = self.tls.makefile("rb")
        self.command, self.challenge, self.good = self.FRAME[protocol]
        self.file.readline()
        if protocol == "smtp":
            self.send(b"EHLO client.test")
            while self.file.readline()[3:4] == b"-":
                pass

    def send(self, line):
        self.tls.sendall(line + b"\r\n")

    def start(self, mechanism):
        self.send(self.command % mechanism.encode())
        return self.answer()

    def respond(self, message):
        self.send(b64(message))
        return self.answer()

    def answer(self):
        """The octets of a challenge, or whether the login was good."""
        while True:
            line = self.file.readline()
            if line.startswith(self.challenge) and not line.startswith(self.good):
                return base64.b64decode(line[len(self.challenge):])
            if line and line.startswith(b"* "):
                continue
            return line.startswith(self.good)

    def end_point(self):
        """RFC 5929 section 4, of a certificate that is signed with SHA-256."""
        return hashlib.sha256(self.tls.getpeercert(binary_form=True)).digest()


def fields(message):
    return dict(part.split(b"=", 1) for part in message.split(b","))


class Client:
    def __init__(self, name, password, header=b"n,,", binding=b"", hash="sha256", nonce=None):
        self.name, self.password, self.header, self.binding, self.hash = name.encode(), password.encode(), header, binding, hash
        self.nonce = nonce or b64(os.urandom(18))
        self.bare = b"n=" + self.name + b",r=" + self.nonce

    def hmac(self, key, text):
        return hmac.new(key, text, self.hash).digest()

    def first(self):
        return self.header + self.bare

    def final(self, server_first, nonce=None):
        said = fields(server_first)
        salted = hashlib.pbkdf2_hmac(self.hash, self.password, base64.b64decode(said[b"s"]), int(said[b"i"]))
        key = self.hmac(salted, b"Client Key")
        without = b"c=" + b64(self.header + self.binding) + b",r=" + (nonce or said[b"r"])
        about = b",".join([self.bare, server_first, without])
        signature = self.hmac(hashlib.new(self.hash, key).digest(), about)
        self.expected = b"v=" + b64(self.hmac(self.hmac(salted, b"Server Key"), about))
        return without + b",p=" + b64(bytes(a ^ b for a, b in zip(key, signature)))


def log_in(connection, mechanism, client):
    """Whether the login was good; the server must have proved itself."""
    if connection.start(mechanism) != b"":
        return False
    step = connection.respond(client.first())
    if isinstance(step, bool):
        return step
    step = connection.respond(client.final(step))
    if isinstance(step, bool):
        return step
    assert step == client.expected, "the server has not proved that it knows the password"
    return connection.respond(b"")


def check(what, got, wanted):
    print(("ok" if got == wanted else "not ok") + " - " + what)
    if got != wanted:
        print(f"# got {got}, wanted {wanted}")


def main():
    for protocol in PORTS:
        there = Connection(protocol)
        client = Client(USER1, PASSWORD1, b"p=tls-server-end-point,,", there.end_point())
        check(f"{protocol}: bound by tls-server-end-point", log_in(there, "SCRAM-SHA-256-PLUS", client), True)

    there = Connection()
    check("a binding to another certificate", log_in(there, "SCRAM-SHA-256-PLUS", Client(USER1, PASSWORD1, b"p=tls-server-end-point,,", b"x" * 32)), False)
    check("a binding of a type that nobody has offered", log_in(there, "SCRAM-SHA-256-PLUS", Client(USER1, PASSWORD1, b"p=tls-unique,,", b"x" * 12)), False)
    check("PLUS without a binding", log_in(Connection(), "SCRAM-SHA-256-PLUS", Client(USER1, PASSWORD1)), False)
    check("'y' where PLUS was offered: a downgrade", log_in(Connection(), "SCRAM-SHA-256", Client(USER1, PASSWORD1, b"y,,")), False)
    old_tls = Connection(newest=ssl.TLSVersion.TLSv1_2)
    check("'y' with TLS 1.2, where it was not", log_in(old_tls, "SCRAM-SHA-256", Client(USER1, PASSWORD1, b"y,,")), True)
    check("'n' is an old client", log_in(Connection(), "SCRAM-SHA-256", Client(USER1, PASSWORD1)), True)
    check("SHA-1", log_in(Connection(), "SCRAM-SHA-1", Client(USER1, PASSWORD1, hash="sha1")), True)
    check("as somebody else", log_in(Connection(), "SCRAM-SHA-256", Client(USER1, PASSWORD1, b"n,a=" + USER2.encode() + b",")), False)
    check("as oneself", log_in(Connection(), "SCRAM-SHA-256", Client(USER1, PASSWORD1, b"n,a=" + USER1.encode() + b",")), True)

    # The proof of one exchange in another, with the same nonce of the client.
    mine = Client(USER1, PASSWORD1, nonce=b"again")
    there = Connection()
    there.start("SCRAM-SHA-256")
    first = there.respond(mine.first())
    proof = mine.final(first)
    there.respond(proof)
    there.respond(b"")
    other = Connection()
    other.start("SCRAM-SHA-256")
    second = other.respond(mine.first())
    check("a server's nonce is never the same", fields(first)[b"r"] == fields(second)[b"r"], False)
    check("a proof that was seen before", other.respond(proof), False)

    other = Connection()
    other.start("SCRAM-SHA-256")
    step = other.respond(mine.first())
    check("the client's nonce alone", other.respond(mine.final(step, b"again")), False)

    other = Connection()
    other.start("SCRAM-SHA-256")
    step = other.respond(mine.first())
    other.respond(mine.final(step))
    check("words behind the proof", other.respond(b"more"), False)

    # Every message cut short at every octet, and what is none.
    first = Client(USER1, PASSWORD1).first()
    there, answers = None, set()
    for n in range(len(first) - 24):
        there = there if n % 8 else Connection()
        there.start("SCRAM-SHA-256")
        answers.add(there.respond(first[:n]))
    check("a first message that is cut short", answers, {False})
    answers = set()
    for cut in (1, 2, 10, 30, 45, 46, 60, 80):
        there, client = Connection(), Client(USER1, PASSWORD1)
        there.start("SCRAM-SHA-256")
        answers.add(there.respond(client.final(there.respond(client.first()))[:-cut]))
    check("a final message that is cut short", answers, {False})
    there = Connection()
    check("a client that gives up", [there.start("SCRAM-SHA-256"), there.send(b"*"), there.answer()][-1], False)
    check("can log in after that", log_in(there, "SCRAM-SHA-256", Client(USER2, PASSWORD2)), True)

    # What a name is told first does not depend on whether it is an account's.
    def challenge(name):
        there = Connection()
        there.start("SCRAM-SHA-256")
        said = fields(there.respond(Client(name, "x").first()))
        return said[b"s"], said[b"i"]
    check("an unknown name has a salt that stays", challenge("nobody"), challenge("nobody"))
    check("and the same count of iterations", challenge("nobody")[1], challenge(USER1)[1])


main()
