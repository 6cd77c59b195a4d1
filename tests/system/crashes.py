#!/usr/bin/env python3
"""Connections whose processes crash; the sandbox is the one of the file that MAILROOM_ENV names.

crashes.py connections   before login, at each kind of listener: what the client, others and an intruder would see
crashes.py accepting     before the listener is replaced
crashes.py session       after login
crashes.py shut-out      five from one address
Prints lines for report_of of lib.sh.
"""
import imaplib
import os
import re
import signal
import socket
import sys
import time

PATIENCE = 60  # seconds
CRASHES = 5  # that shut an address out

with open(os.environ["MAILROOM_ENV"], encoding="utf-8") as lines:
    ENV = dict(re.findall(r"^(?:export )?(\w+)='?([^'\n]*)'?$", lines.read(), re.M))
LOG = os.path.join(os.path.dirname(os.environ["MAILROOM_ENV"]), "log")
SERVICES = {"smtpd-mx": "SMTP", "pop3d": "POP3", "imapd": "IMAP"}  # listener -> whose port


def report(good, what, *details):
    print(("ok - " if good else "not ok - ") + what, flush=True)
    for detail in details if not good else ():
        print(f"# {detail}", flush=True)


def eventually(condition):
    end = time.monotonic() + PATIENCE
    while not (result := condition()) and time.monotonic() < end:
        time.sleep(0.05)
    return result


# ---- processes


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return [int(child) for child in file.read().split()]


def name_of(pid):
    try:
        with open(f"/proc/{pid}/cmdline", encoding="latin-1") as file:
            return file.read().split("\0")[0]
    except OSError:
        return ""


def listeners(name):
    return [pid for pid in children(ENV["PID"]) if name_of(pid) == name]


def inodes(pid):
    found = set()
    try:
        for fd in os.listdir(f"/proc/{pid}/fd"):
            found.update(re.findall(r"^socket:\[(\d+)\]", os.readlink(f"/proc/{pid}/fd/{fd}")))
    except OSError:
        pass
    return found


def server_of(client, name):
    """The process at the other end of a connection: its socket's inode is in the kernel's table."""
    address, port = client.getsockname()
    remote = "".join(f"{int(octet):02X}" for octet in reversed(address.split("."))) + f":{port:04X}"
    with open("/proc/net/tcp", encoding="ascii") as file:
        rows = [line.split() for line in file]
    inode = next(row[9] for row in rows if row[2] == remote)
    # At a login it is handed from one process to another.
    holder = lambda: next((pid for one in listeners(name) for pid in children(one) if inode in inodes(pid)), None)
    return eventually(holder)


def layout(pid):
    """Where each part of the address space begins, but for the page that is at the same place everywhere."""
    with open(f"/proc/{pid}/maps", encoding="ascii") as file:
        return {line.split("-")[0] for line in file if "[vsyscall]" not in line}


# ---- clients


def connect(service, source):
    client = socket.create_connection((ENV["HOST"], int(ENV[f"{service}_PORT"])), PATIENCE, (source, 0))
    greeting = client.recv(4096)
    return client, greeting


def is_greeted(service, source):
    try:
        client, greeting = connect(service, source)
        client.close()
        return bool(greeting)
    except OSError:
        return False


def answers(client):
    client.sendall(b"a NOOP\r\n")
    return bool(client.recv(4096))


def end_of(client):
    """What the client sees when its server has gone: b"" is an end without a word, and not a reset."""
    try:
        return client.recv(4096)
    except OSError as error:
        return error


def crash(client, name):
    os.kill(server_of(client, name), signal.SIGSEGV)


def logged(pattern):
    with open(LOG, encoding="utf-8") as file:
        return re.findall(pattern, file.read())


def replaced(name, before):
    """The listener that has taken the place of that one."""
    now = [pid for pid in listeners(name) if pid != before]
    return now[0] if now else None


def one_crash(name, service, address):
    before = listeners(name)[0]
    known = layout(before)
    client, _ = connect(service, address)
    companion, _ = connect(service, address)
    other, _ = connect(service, "127.0.0.3")
    crash(client, name)
    seen = end_of(client)
    report(seen == b"", f"{name}: the client of a process that crashes sees an end", repr(seen))
    report(answers(other), f"{name}: a connection from elsewhere goes on")
    said = eventually(lambda: logged(rf" connection-crashed .*peer={re.escape(address)} .*"))
    report(len(said) == 1 and "SEGV" in said[0], f"{name}: the crash is logged, with the address and why", said)
    after = eventually(lambda: replaced(name, before))
    report(after is not None, f"{name}: another listener is there")
    same = known & layout(after) if after else known
    report(not same, f"{name}: nothing of it lies where it lay in the one before", sorted(same))
    report(eventually(lambda: is_greeted(service, "127.0.0.3")), f"{name}: serves")
    report(end_of(companion) == b"", f"{name}: who has crashed one has no other with that layout")
    for each in (client, companion, other):
        each.close()
    ended = eventually(lambda: before not in listeners(name))
    report(ended, f"{name}: the listener before ends with its last connection")


def connections():
    for number, (name, service) in enumerate(SERVICES.items()):
        one_crash(name, service, f"127.0.1.{number + 1}")


def accepting():
    """Who crashes one gets no other connection with that layout, also while the supervisor has not yet replaced the listener."""
    name, service, address, source = "imapd", "IMAP", "127.0.3.1", "127.0.3.2"
    supervisor = listeners("supervisor")[0]
    client, _ = connect(service, address)
    os.kill(supervisor, signal.SIGSTOP)
    try:
        crash(client, name)
        said = eventually(lambda: logged(rf" connection-crashed .*peer={re.escape(address)} "))
        report(bool(said), "a crash is logged while the supervisor stands still")
        waiting = socket.create_connection((ENV["HOST"], int(ENV[f"{service}_PORT"])), PATIENCE, (source, 0))
        waiting.settimeout(2)
        try:
            report(False, "nobody is greeted by that listener", repr(waiting.recv(4096)))
        except TimeoutError:
            report(True, "nobody is greeted by that listener")
    finally:
        os.kill(supervisor, signal.SIGCONT)
    waiting.settimeout(PATIENCE)
    report(bool(waiting.recv(4096)), "who has waited is greeted by the next")


def session():
    def log_in():
        client = imaplib.IMAP4_SSL("localhost", int(ENV["IMAPS_PORT"]), ssl_context=context(), timeout=PATIENCE)
        client.login(ENV["USER1"], ENV["PASS1"])
        return client

    def context():
        import ssl

        return ssl.create_default_context(cafile=ENV["CAFILE"])

    before = listeners("imapd")[0]
    first = log_in()
    count = first.select()[1]
    os.kill(server_of(first.sock, "imapd"), signal.SIGSEGV)
    try:
        first.noop()
        report(False, "the client of a session that crashes sees its end")
    except (imaplib.IMAP4.abort, OSError):
        report(True, "the client of a session that crashes sees its end")
    report(bool(eventually(lambda: replaced("imapd", before))), "a crashed session replaces its listener")
    again = log_in()
    report(again.select()[1] == count, "the next session has the same messages")
    again.logout()


def shut_out():
    name, service, address = "pop3d", "POP3", "127.0.2.1"
    for number in range(CRASHES):
        before = listeners(name)[0]
        report(is_greeted(service, address), f"after {number} crashes the address is greeted")
        client, _ = connect(service, address)
        crash(client, name)
        end_of(client)
        eventually(lambda before=before: replaced(name, before))
        eventually(lambda: is_greeted(service, "127.0.0.3"))
    said = eventually(lambda: logged(r" address-shut-out .*"))
    report(len(said) == 1 and f"peer={address}" in said[0], "after five it is shut out, and that is logged once", said)
    report(not is_greeted(service, address), "it is not greeted")
    report(is_greeted(service, "127.0.2.2"), "its neighbour is")
    os.kill(int(ENV["PID"]), signal.SIGHUP)
    report(eventually(lambda: is_greeted(service, address)), "after a reload it is served again")


{"connections": connections, "accepting": accepting, "session": session, "shut-out": shut_out}[sys.argv[1]]()
