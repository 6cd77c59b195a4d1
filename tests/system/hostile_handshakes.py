#!/usr/bin/env python3
"""Handshakes with client certificates, of a pop3d that has been taken over (tests/authority/hostile_twin.cc), and replayed to it.

hostile_handshakes.py PORT CAFILE CERTIFICATE KEY HOST   prints TAP-like lines for report
"""
import socket
import ssl
import sys

port, cafile, certificate, key, host = sys.argv[1:]
ATTEMPTS = {
    "replay-handshake": "a handshake of another connection",
    "replay-handshake-signed-again": "one that keyd has signed again, for this connection",
    "replay-handshake-with-a-new-signature": "one with the new signature in the place of the old",
}


def dial(line):
    client = socket.create_connection(("127.0.0.1", int(port)), timeout=60)
    client.sendall(line.encode() + b"\n")
    return client


def all_of(client):
    said = b""
    while not said.endswith(b"\n"):
        octets = client.recv(65536)
        if not octets:
            break
        said += octets
    return said.decode().strip()


def shown():
    """A handshake that has just been good for a login, as the process that had the connection knows it."""
    context = ssl.create_default_context(cafile=cafile)
    context.load_cert_chain(certificate, key)
    client = dial("show-handshake")
    assert client.recv(16) == b"go\n"
    with context.wrap_socket(client, server_hostname=host) as protected:
        result, _, handshake = all_of(protected).rpartition(" ")
    return result, handshake


def check(condition, words, said):
    print(("ok - " if condition else "not ok - ") + words)
    if not condition:
        print("got: " + said)


result, handshake = shown()
check(result == "logged in", "it is good in its own connection", result)
for name, words in ATTEMPTS.items():
    said = all_of(dial(name + " " + handshake))
    check(said == "refused", "not good: " + words, said)
said = all_of(dial("replay-handshake "))
check(said == "refused", "not good: no handshake at all", said)
