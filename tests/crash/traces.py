"""What traces (strace -f -y) say of syncs that failed: the kernel has forgotten what it could not write, and says the next time that
all is well (SECURITY.md 7.3).
"""
import os
import re
import sys

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "system"))
from durability import calls, file_of, two_names

NAMES = "linkat,renameat,renameat2,unlinkat,openat,openat2,fsync,fdatasync"  # what must be traced, with -ttt


def merged(*paths):
    """The lines of traces with times, in the order of these and without them."""
    lines = []
    for path in paths:
        with open(path, encoding="latin-1") as trace:
            lines += re.findall(r"^(\d+) +(\d+\.\d+) (.*)$", trace.read(), re.M)
    return [f"{thread} {rest}" for thread, _, rest in sorted(lines, key=lambda line: float(line[1]))]


MESSAGE = re.compile(r"/spool/mail/\d+/cur/")
CONTENT = re.compile(r"/spool/queue/(segment-|content/)")


class Files:
    """Which file a name stands for, and what has come of the syncs of it.  A file is an object that was made under some name; one that
    was there before the trace is named by its path."""

    def __init__(self):
        self.named, self.good, self.failed, self.problems = {}, set(), set(), []

    def file_at(self, path):
        return self.named.get(path, path)

    def take(self, call):
        if call.name in ("fsync", "fdatasync"):
            self.synced(file_of(call.arguments), call.result)
        elif call.result < 0:
            return
        elif call.name in ("openat", "openat2") and "O_EXCL" in call.arguments:
            self.named[call.path] = object()
        elif call.name == "unlinkat":
            self.removed(two_names(call.arguments)[0])
        elif call.name == "linkat":
            old, new = two_names(call.arguments)
            self.named[new] = self.file_at(old)
        elif call.name in ("renameat", "renameat2"):
            old, new = two_names(call.arguments)
            self.named[new] = self.file_at(old)
            self.named.pop(old, None)

    def synced(self, path, result):
        file = self.file_at(path)
        if result < 0:
            self.failed.add(file)
        elif file in self.failed and CONTENT.search(path):
            self.problems.append(f"a sync that failed was tried again: {path}")
        elif file not in self.failed:
            self.good.add(file)

    def is_lost(self, path):
        """A message's file is written once: a sync that succeeded before any failed has put all of it on the disk."""
        return MESSAGE.search(path) and self.file_at(path) in self.failed - self.good

    def removed(self, path):
        if self.is_lost(path):
            self.problems.append(f"a file whose sync failed stood for a message until it was removed: {path}")
        self.named.pop(path, None)

    def left(self):
        return [f"a file whose sync failed stands for a message: {path}" for path in self.named if self.is_lost(path)]


def hidden_failures(*paths):
    """What is wrong with how programs have gone on after syncs that failed."""
    files = Files()
    for edge, call in calls(merged(*paths)):
        if edge == "end" and call.result is not None:
            files.take(call)
    return files.problems + files.left()
