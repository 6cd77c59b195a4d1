#!/usr/bin/env python3
"""Several IMAP sessions change one mailbox at random; each must be told exactly what happens.

  imap_sessions.py PORT USER PASSWORD SECONDS [SEED]

Each client keeps the mailbox as it was told: EXISTS never shrinks it, EXPUNGE comes only when it may, a message number
keeps its UID.  In the end, when all is quiet, every client must hold the same UIDs and flags.  Logs in without TLS.
"""
import random
import re
import socket
import sys
import threading
import time

PORT, USER, PASSWORD, SECONDS = int(sys.argv[1]), sys.argv[2], sys.argv[3], float(sys.argv[4])
SEED = int(sys.argv[5]) if len(sys.argv) > 5 else int(time.time())
CLIENTS = 4
FLAGS = ['\\Deleted', '\\Seen', '\\Flagged $K1', '\\Flagged $K2', '$K3 $K4']


class Wrong(Exception):
    pass


class Client:
    """A connection, and the selected mailbox as the server has told it: uids[n - 1] is the UID of message n."""

    def __init__(self, number):
        self.random = random.Random('%d.%d' % (SEED, number))
        self.log, self.commands, self.uids, self.flags = [], 0, [], {}
        self.socket = socket.create_connection(('127.0.0.1', PORT), timeout=60)
        self.input = self.socket.makefile('rb')
        self.line()
        self.must('LOGIN %s %s' % (USER, PASSWORD))

    def line(self):
        line = self.input.readline()
        while True:
            literal = re.search(rb'\{(\d+)\}\r\n$', line)
            if not literal:
                break
            line = line[:literal.start()] + b'<' + self.input.read(int(literal.group(1))) + b'>' + self.input.readline()
        if not line:
            raise Wrong('the server closed')
        self.log.append(line.decode('latin-1').rstrip())
        return self.log[-1]

    def command(self, text):
        self.commands += 1
        tag = 'c%d' % self.commands
        self.log.append(tag + ' ' + text)
        self.socket.sendall(('%s %s\r\n' % (tag, text)).encode())
        while True:
            line = self.line()
            if line.startswith(tag + ' '):
                return line.split(' ', 2)[1]
            self.untagged(line, text.split()[0])

    def must(self, text):
        if self.command(text) != 'OK':
            raise Wrong('not OK')

    def untagged(self, line, verb):
        told = re.match(r'\* (\d+) (EXISTS|EXPUNGE|FETCH)(.*)', line)
        if not told:
            return
        number, what = int(told.group(1)), told.group(2)
        if what == 'EXISTS':
            if number < len(self.uids):
                raise Wrong('EXISTS shrinks the mailbox')
            self.uids += [None] * (number - len(self.uids))
        elif what == 'EXPUNGE':
            if verb in ('FETCH', 'STORE', 'SEARCH', 'SELECT') or not 1 <= number <= len(self.uids):
                raise Wrong('EXPUNGE when it may not be')
            self.flags.pop(self.uids.pop(number - 1), None)
        else:
            self.fetched(number, told.group(3))

    def fetched(self, number, items):
        if not 1 <= number <= len(self.uids):
            raise Wrong('FETCH of a message that is not there')
        uid = re.search(r'UID (\d+)', items)
        if uid:
            if self.uids[number - 1] not in (None, int(uid.group(1))):
                raise Wrong('a message number has another UID')
            self.uids[number - 1] = int(uid.group(1))
        flags = re.search(r'FLAGS \(([^)]*)\)', items)
        if flags and self.uids[number - 1]:
            self.flags[self.uids[number - 1]] = set(flags.group(1).split()) - {'\\Recent'}

    def select(self):
        self.uids, self.flags = [], {}
        self.must('SELECT shared')
        self.must('UID FETCH 1:* (FLAGS)')

    def message(self):
        return self.random.randint(1, max(1, len(self.uids)))

    def range(self):
        first = self.message()
        return '%d:%d' % (first, min(first + self.random.randint(0, 20), max(1, len(self.uids))))

    def store_silently(self):
        """What a client knows without being told is what it did itself."""
        numbers, mode, flags = self.range(), self.random.choice(['+', '-', '']), self.random.choice(FLAGS)
        first, last = map(int, numbers.split(':'))
        for uid in self.uids[first - 1:last]:
            if uid in self.flags:
                had, given = self.flags[uid], set(flags.split())
                self.flags[uid] = had | given if mode == '+' else had - given if mode == '-' else given
        self.must('STORE %s %sFLAGS.SILENT (%s)' % (numbers, mode, flags))

    def act(self):
        if len(self.uids) < 5:
            return self.must('APPEND shared {18+}\r\nSubject: x\r\n\r\nhi\r\n')
        actions = [
            (4, lambda: self.must('APPEND shared {18+}\r\nSubject: x\r\n\r\nhi\r\n')),
            (6, lambda: self.must('STORE %s %sFLAGS (%s)' % (self.range(), self.random.choice(['+', '-', '']),
                                                             self.random.choice(FLAGS)))),
            (4, self.store_silently),
            (2, lambda: self.must('EXPUNGE')),
            (4, lambda: self.must('FETCH %s (UID FLAGS)' % self.range())),
            (1, lambda: self.must('UID FETCH 1:* (FLAGS)')),
            (1, lambda: self.command('FETCH %d (BODY[])' % self.message())),  # NO when it was expunged meanwhile
            (2, lambda: self.command('COPY %s shared' % self.range())),
            (2, lambda: self.command('MOVE %d shared' % self.message())),
            (1, lambda: self.must('SEARCH DELETED')),
            (1, lambda: self.must('UID EXPUNGE 1:*')),
            (1, self.select),
            (3, lambda: self.must('NOOP')),
        ]
        self.random.choices([action for _, action in actions], [weight for weight, _ in actions])[0]()


def run(client, wrongs):
    try:
        client.select()
        end = time.time() + SECONDS
        while time.time() < end and not wrongs:
            client.act()
    except (Wrong, OSError) as wrong:
        wrongs.append('%r\n  %s' % (wrong, '\n  '.join(client.log[-12:])))


def compare(client, truth, wrongs):
    client.must('NOOP')
    client.must('FETCH 1:* (UID)')
    if client.uids != truth.uids:
        wrongs.append('a client has other messages: %r, not %r' % (client.uids, truth.uids))
    for uid, flags in client.flags.items():
        if truth.flags.get(uid) != flags:
            wrongs.append('message %d has flags %r, a client was told %r' % (uid, truth.flags.get(uid), flags))


def main():
    wrongs = []
    clients = [Client(number) for number in range(CLIENTS)]
    clients[0].command('CREATE shared')
    threads = [threading.Thread(target=run, args=(client, wrongs)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if not wrongs:
        truth = Client(CLIENTS)
        truth.select()
        for client in clients:
            compare(client, truth, wrongs)
    print('%d commands, %d wrong, seed %d' % (sum(client.commands for client in clients), len(wrongs), SEED))
    for wrong in wrongs[:3]:
        print(wrong)
    sys.exit(1 if wrongs else 0)


main()
