#!/usr/bin/env python3
"""What commands cost in a large folder, compared with a small one.

index.py fill PORT USER PASSWORD N            fills INBOX up to N messages, and has every summary computed
index.py ask PORT USER PASSWORD COMMAND       prints what one command on INBOX is answered
index.py compare PORT LOG USER:PASSWORD USER:PASSWORD ROUNDS SEND...
      prints for each command the CPU time of the session's process in the first account and in the second (medians), and
      their ratio, 'COMMAND MICROSECONDS MICROSECONDS RATIO'; 'everything' is FETCH 1:* (UID), which may grow; SEND...
      with a user appended delivers a message to it and waits
Logins without TLS.  Time on the CPU, not on the clock: what a disk takes for a sync is no matter of the index.
"""
import re
import socket
import statistics
import subprocess
import sys
import time

PATIENCE = 120  # seconds
SEEDS = 100  # messages that are appended; the rest are copies of them
MOST_COPIED = 20000  # by one command
SETTLED = 0.01  # seconds after an answer: what the session does behind it counts


class Session:
    def __init__(self, port, user, password, log=None):
        self.socket = socket.create_connection(("127.0.0.1", int(port)), timeout=PATIENCE)
        self.file = self.socket.makefile("rb")
        self.file.readline()
        started = len(sessions_in(log, user)) if log else 0
        self.ask(f"LOGIN {user} {password}")
        self.pid = wait_for_session(log, user, started) if log else None

    def ask(self, command, literal=None):
        line = f"a {command}" + (f" {{{len(literal)}+}}" if literal is not None else "")
        self.socket.sendall(line.encode() + b"\r\n" + (literal + b"\r\n" if literal is not None else b""))
        answer = []
        while True:
            line = self.file.readline()
            if not line:
                raise EOFError("connection closed")
            answer.append(line)
            if line.startswith(b"a "):
                break
        if not line.startswith(b"a OK"):
            raise RuntimeError(f"{command}: {line}")
        return b"".join(answer)

    def cost(self, command):
        """Seconds on the CPU, and the answer."""
        time.sleep(SETTLED)
        before = cpu_time(self.pid)
        answer = self.ask(command)
        time.sleep(SETTLED)
        return cpu_time(self.pid) - before, answer


def sessions_in(log, user):
    with open(log, encoding="utf-8", errors="replace") as file:
        return re.findall(rf" session-started .*account={user} .*child=(\d+)", file.read())


def wait_for_session(log, user, started):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        pids = sessions_in(log, user)
        if len(pids) > started:
            return int(pids[-1])
        time.sleep(0.01)
    raise RuntimeError("no session in the log")


def cpu_time(pid):
    """Of another process: clock_getcpuclockid(3)."""
    return time.clock_gettime((~pid << 3) | 2)


def fill(port, user, password, wanted):
    session = Session(port, user, password)
    for number in range(SEEDS):
        text = f"From: a{number}@client.test\r\nSubject: message {number}\r\nMessage-ID: <{number}@client.test>\r\n\r\nText.\r\n"
        session.ask("APPEND INBOX", text.encode())
    session.ask("SELECT INBOX")
    have = SEEDS
    while have < wanted:
        copied = min(have, wanted - have, MOST_COPIED)
        session.ask(f"COPY 1:{copied} INBOX")
        have += copied
    answer = session.ask("STATUS INBOX (MESSAGES)")
    if f"(MESSAGES {wanted})".encode() not in answer:
        raise RuntimeError(answer.decode())
    session.ask("FETCH 1:* (ENVELOPE)")
    session.ask("LOGOUT")


def ask(port, user, password, command):
    session = Session(port, user, password)
    session.ask("SELECT INBOX")
    sys.stdout.buffer.write(session.ask(command))
    session.ask("LOGOUT")


def one_round(port, log, user, password, send, costs):
    """The costs of one session, added to those of the rounds before."""
    session = Session(port, user, password, log)
    took, answer = session.cost("SELECT INBOX")
    costs.setdefault("SELECT", []).append(took)
    exists = int(re.search(rb"\* (\d+) EXISTS", answer).group(1))
    uid = exists // 2
    costs.setdefault("FETCH", []).append(session.cost(f"UID FETCH {uid} (FLAGS ENVELOPE BODYSTRUCTURE)")[0])
    costs.setdefault("STORE", []).append(session.cost(f"UID STORE {uid} FLAGS ($Round{len(costs['FETCH']) % 2})")[0])
    subprocess.run(send + [user], check=True)
    took, answer = session.cost("NOOP")
    if f"* {exists + 1} EXISTS".encode() not in answer:
        raise RuntimeError(f"the arrival was not noticed: {answer}")
    costs.setdefault("arrival", []).append(took)
    costs.setdefault("everything", []).append(session.cost("FETCH 1:* (UID)")[0])
    session.ask("LOGOUT")


def compare(port, log, small, large, rounds, send):
    costs = {small: {}, large: {}}
    for _ in range(rounds):
        for account in (small, large):
            one_round(port, log, *account.split(":"), send, costs[account])
    for command in costs[small]:
        few, many = (statistics.median(costs[account][command]) for account in (small, large))
        print(f"{command} {few * 1e6:.0f} {many * 1e6:.0f} {many / few:.2f}")


if sys.argv[1] == "fill":
    fill(*sys.argv[2:5], int(sys.argv[5]))
elif sys.argv[1] == "ask":
    ask(*sys.argv[2:6])
else:
    compare(*sys.argv[2:6], int(sys.argv[6]), sys.argv[7:])
