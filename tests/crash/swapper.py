#!/usr/bin/env python3
"""Whoever has an account's uid exchanges what is in its directory with links to elsewhere, pipes and endless files, while mail is
delivered to that account and to another and sessions of both are at work (SECURITY.md V5): the other's mail is as ever, nobody hangs,
and when it is over the account's own mail is there too.

swapper.py BOX BUILD CANARY    BOX is a sandbox that was stopped; CANARY a directory, and files in it, that the uid may write
SECONDS=N for more than 10.  Prints lines for report_of of tests/system/lib.sh.
"""
import ctypes
import os
import random
import sys
import threading
import time

from box import Box, alive, children, eventually, name_of
from kill_processes import report
from workloads import CUT_OFF, Changes, Imap, Mail, octets_of

LIBC = ctypes.CDLL(None, use_errno=True)
AT_FDCWD, RENAME_EXCHANGE = -100, 2
READ = 3  # messages, by each session: the oldest
DIRECTORIES = ("new", "cur", "tmp", "index")
FILES = ("index/data.mdb", "index/lock.mdb", "index/snapshot", "index/changes", "index/maildrop")
LARGEST = ((1 << 63) - 1, (1 << 43), (1 << 40))  # of a sparse file: what the file system takes


def exchange(one, other):
    return LIBC.renameat2(AT_FDCWD, one.encode(), AT_FDCWD, other.encode(), RENAME_EXCHANGE) == 0


class Swapper:
    """Works in the account's directory, as its uid."""

    def __init__(self, canary):
        self.targets = [canary, f"{canary}/file", "/etc", "/etc/passwd", "../2/new", "."]
        self.exchanged = 0

    def decoy(self):
        """Something else, at a name of its own."""
        name = f"decoy{random.randrange(1 << 60)}"
        kind = random.randrange(4)
        if kind < 2:
            os.symlink(random.choice(self.targets), name)
        elif kind == 2:
            os.mkfifo(name)
        else:
            self.make_endless(name)
        return name

    @staticmethod
    def make_endless(name):
        with open(name, "wb") as file:
            for size in LARGEST:
                try:
                    return file.truncate(size)
                except OSError:
                    pass

    def swap(self, path):
        """For a moment; what was at the path is never lost, also when the decoy has been moved away meanwhile."""
        decoy = self.decoy()
        if exchange(path, decoy):
            self.exchanged += 1
            time.sleep(random.uniform(0, 0.01))
            if not exchange(path, decoy):
                os.rename(decoy, path.replace("/.", "/"))  # an unfinished delivery has been finished meanwhile
                return
        os.unlink(decoy)

    def litter(self):
        """A delivery that is none, among those that are."""
        decoy = self.decoy()
        os.rename(decoy, f"new/{random.randrange(10**9)}.1,S=9223372036854775807,C=00000000")

    @staticmethod
    def some_message():
        """One of those that sessions read."""
        folder = random.choice(("new", "cur", "cur"))
        names = sorted(os.listdir(folder))[:READ]
        return f"{folder}/{random.choice(names)}" if names else "new"

    def run(self, end):
        while time.monotonic() < end:
            try:
                act = random.randrange(10)
                if act == 0:
                    self.litter()
                elif act < 3:
                    self.swap(random.choice(DIRECTORIES))
                elif act < 5:
                    self.swap(random.choice(FILES))
                else:
                    self.swap(self.some_message())
            except OSError:  # of which there are many, as others work here too
                pass
        for name in os.listdir("new"):
            if name.endswith("C=00000000"):
                os.unlink(f"new/{name}")


def begin_swapping(directory, canary, seconds):
    """Its pid; it ends with 0 when it has exchanged something."""
    owner = os.stat(directory).st_uid
    pid = os.fork()
    if pid == 0:
        try:
            os.chdir(directory)
            os.setgroups([])
            os.setresgid(owner, owner, owner)
            os.setresuid(owner, owner, owner)
            swapper = Swapper(canary)
            swapper.run(time.monotonic() + seconds)
            os._exit(0 if swapper.exchanged > 100 else 1)
        finally:
            os._exit(2)
    return pid


class Beside:
    """Clients at work until the end, and what they found wrong."""

    def __init__(self, end):
        self.end, self.problems, self.threads, self.done = end, [], [], {}

    def start(self, what, act, may_fail):
        self.done[what] = 0
        self.threads.append(threading.Thread(target=self.repeat, args=(what, act, may_fail)))
        self.threads[-1].start()

    def repeat(self, what, act, may_fail):
        while time.monotonic() < self.end:
            try:
                act()
                self.done[what] += 1
            except TimeoutError:
                self.problems.append(f"{what} hangs")
            except CUT_OFF as failure:
                if not may_fail:
                    self.problems.append(f"{what}: {failure!r}")
                time.sleep(0.02)
            except Exception as failure:
                self.problems.append(f"{what}: {failure!r}")

    def join(self):
        for thread in self.threads:
            thread.join()


def read_by_pop3(mail):
    pop3 = mail.open()
    for number in range(min(pop3.stat()[0], READ)):
        octets_of(pop3, number + 1)
    pop3.quit()


def use_imap(box, mail):
    imap = Imap(box, mail.user, mail.password)
    for command in ("SELECT INBOX", f"FETCH 1:{READ} (UID BODY.PEEK[])", "STORE 1 +FLAGS (word)", "CREATE box", "COPY 1 box", "DELETE box"):
        imap.ask(command)
    imap.ask("LOGOUT")


def change(changes):
    changes.prepare()
    changes.round()


def main(path, build, canary):
    box, seconds = Box(path, build), float(os.environ.get("SECONDS", "10"))
    if not box.start():
        sys.exit("the system does not start")
    try:
        servers = {name_of(pid): pid for pid in children(box.mailroomd.pid)}
        own, other = Mail(box, "own"), Mail(box, "other")
        own.retries = other.retries = True
        other.user, other.password = box.env["USER2"], box.env["PASS2"]
        changes = Changes(box, "changes")
        beside = Beside(time.monotonic() + seconds)
        read_by_pop3(own)  # which makes the mailbox
        swapper = begin_swapping(f"{path}/spool/mail/1", canary, seconds)
        beside.start("mail to the account", own.round, may_fail=False)
        beside.start("mail to another", other.round, may_fail=False)
        beside.start("a POP3 session", lambda: read_by_pop3(own), may_fail=True)
        beside.start("an IMAP session", lambda: use_imap(box, own), may_fail=True)
        beside.start("another's IMAP session", lambda: change(changes), may_fail=False)
        beside.join()
        report(os.waitpid(swapper, 0)[1] == 0, "things were exchanged, to the end")
        report(not beside.problems, "nobody hangs, and the other account notices nothing", beside.problems[:20])
        print(f"# done: {beside.done}", flush=True)
        report(min(beside.done.values()) > 0, "everybody was at work")
        # Who puts an older index back has undone what the newer one said; its mail is in cur/, and a rebuild finds it.
        own.settled()
        before = len(own.read_all()[1])
        rebuilt = box.tool("mailbox", "rebuild", own.user)
        report(rebuilt.returncode == 0, "its index can be made anew", [rebuilt.stderr])
        print(f"# {before} messages before, {len(own.read_all()[1])} after", flush=True)
        for what, workload in (("its mail is", own), ("the other's mail is", other), ("the other's folders are", changes)):
            found = workload.inspect()
            report(not found, f"{what} there, once, unchanged", found)
        ended = [name for name, pid in servers.items() if not alive(pid) and name not in ("pop3d", "imapd")]
        report(not ended, "no server has ended", ended)
        eventually(lambda: servers.keys() <= {name_of(pid) for pid in children(box.mailroomd.pid)}, "all listeners")
    finally:
        box.kill()


if __name__ == "__main__":
    main(*sys.argv[1:])
