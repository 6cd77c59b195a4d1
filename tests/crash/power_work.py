#!/usr/bin/env python3
"""Clients at work on a disk that records (lib.sh: begin_recording), and what must be there after a power cut.

power_work.py record BOX BUILD MARK SECONDS   works on a sandbox that runs.  Before each request, and after answers, a line of MARK
                                              has the books of that client (ledger.py) as they are: what is acknowledged by then
                                              must outlive a cut, what is being asked for may, and nothing else may be there
power_work.py check BUILD DIRECTORY MARKS     starts the sandbox DIRECTORY/box and compares it with the last books of MARKS
SINK_DIR names the directory of the host that mail is relayed to (tests/sink --mark).
"""
import base64
import glob
import os
import pickle
import poplib
import sys
import threading
import time
import zlib

from box import Box, eventually
from ledger import body_of
from workloads import Accounts, Changes, Mail, Passwords, Relayed, Removal

LARGE = 256 * 1024  # octets: larger content has a file of its own in the queue
MOST_MARKED = 128 * 1024  # octets, that reach the recorder in one piece


class MailAndRemoval(Removal):
    """Mail comes in, and what has been delivered of it is removed before the next comes."""

    def prepare(self):
        pass

    def round(self):
        Mail.round(self)
        Removal.round(self)

    def open(self):
        """The session before may still have the mailbox."""
        return eventually(self.open_if_free, "a mailbox that is free")

    def open_if_free(self):
        try:
            return super().open()
        except poplib.error_proto as refused:
            if "[IN-USE]" not in str(refused):
                raise
            return None


class RelayedForGood(Relayed):
    """The other host lives on: what it has received before the cut, by its own marks, it need not receive again."""

    arrived_before, highest_before = (), ""

    def take_arrived(self):
        for path in sorted(glob.glob(f"{os.environ['SINK_DIR']}/*.eml")):
            number = os.path.basename(path).removesuffix(".eml")
            if number in self.arrived_before or number > self.highest_before:
                yield self.identity_of(path)


# name -> what is done; each in an account of that name.  (The names decide which lengths messages have.)
CLIENTS = {"mail1": Mail, "mail2": Mail, "pop1": MailAndRemoval, "pop2": MailAndRemoval, "imap1": Changes, "imap2": Changes,
           "relay1": RelayedForGood, "tool1": Accounts, "passwd1": Passwords}


def client_of(box, name):
    client = CLIENTS[name](box, name)
    client.user = name
    return client


def add_account(box, name, password):
    added = box.tool("account", "add", name, "--password-stdin", given=f"{password}\n")
    if added.returncode != 0:
        raise RuntimeError(added.stderr)


class Recorder:
    def __init__(self, box, mark):
        self.box, self.mark = box, mark
        self.failures = []

    def note(self, client):
        books = base64.b64encode(zlib.compress(pickle.dumps(client.books()))).decode()
        line = f"{client.name} {books}\n".encode()
        assert len(line) < MOST_MARKED
        descriptor = os.open(self.mark, os.O_WRONLY)
        try:
            os.write(descriptor, line)
        finally:
            os.close(descriptor)

    def work(self, client, end):
        client.noted = lambda: self.note(client)
        try:
            while time.monotonic() < end:
                client.prepare()
                client.round()
        except Exception as failure:  # of any kind: a client that has stopped proves nothing
            self.failures.append(f"{client.name}: {failure!r}")

    def run(self, seconds):
        clients = [client_of(self.box, name) for name in CLIENTS]
        for client in clients:
            add_account(self.box, client.name, client.password)
        os.sync()
        end = time.monotonic() + seconds
        threads = [threading.Thread(target=self.work, args=(client, end)) for client in clients]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return clients


def record(path, build, mark, seconds):
    recorder = Recorder(Box(path, build), mark)
    clients = recorder.run(float(seconds))
    for client in clients:
        print(f"# {client.name}: {client.rounds} rounds, {client.acknowledged} acknowledged")
    good = all(client.acknowledged > 0 for client in clients)
    print(("ok" if good else "not ok") + " - everything asked was acknowledged in between")
    print(("not ok" if recorder.failures else "ok") + " - every client has worked to its end")
    for failure in recorder.failures:
        print(f"# {failure}")
    large = sum(len(body_of(identity)) > LARGE for client in clients if isinstance(client, Mail) for identity in client.ledger.fate)
    print(("ok" if large else "not ok") + f" - {large} messages had a file of their own in the queue")


def last_books(path):
    """name -> books, and the numbers of the messages that the other host had."""
    books, arrived = {}, set()
    with open(path, encoding="ascii") as marks:
        for name, value in map(str.split, marks):
            if name == "sink":
                arrived.add(value)
            else:
                books[name] = value
    return {name: pickle.loads(zlib.decompress(base64.b64decode(value))) for name, value in books.items()}, arrived


def check(build, directory, marks):
    box = Box(f"{directory}/box", build)
    books, arrived = last_books(marks)
    highest = max(map(os.path.basename, glob.glob(f"{os.environ['SINK_DIR']}/*.eml")), default="").removesuffix(".eml")
    problems = []

    def inspect(name):
        try:
            client = client_of(box, name)
            vars(client).update(books[name])
            client.arrived_before, client.highest_before = arrived, highest
            problems.extend(f"{name}: {problem}" for problem in client.inspect())
        except Exception as failure:  # of any kind: what cannot be looked at is not good
            problems.append(f"{name}: {failure!r}")

    if not box.start():
        sys.exit("the system does not start")
    try:
        threads = [threading.Thread(target=inspect, args=(name,)) for name in books]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        box.kill()
    print("\n".join(problems))
    sys.exit(bool(problems))


if __name__ == "__main__":
    {"record": record, "check": check}[sys.argv[1]](*sys.argv[2:])
