#!/usr/bin/python3
"""Makes states that a power cut could have left behind from a block_recorder log, mounts each, and has it checked.

usage: replay.py IMAGE LOG COUNT SEED WORKDIR MOUNTPOINT COMMAND...

A state is the disk as it was at the last flush before the cut, and of what was written after that flush a random part:
each write whole, not at all, or some of its sectors.  Where that has torn the superblock of ext4, which its journal
cannot mend, e2fsck takes another, as at boot.  COMMAND is run with two more arguments: MOUNTPOINT, where the state
is mounted, and a file with the marks that had been made before the cut.  It succeeds when nothing is missing.
EVIDENCE=DIR keeps the states that are not good.
Exit status: 0 when all states are good.
"""
import os
import random
import shutil
import struct
import subprocess
import sys

WRITE, FLUSH, MARK = 1, 2, 3
HEAD = struct.Struct("<IIQ")
SECTOR = 512


def events_of(path):
    with open(path, "rb") as log:
        data = log.read()
    at = 0
    while at + HEAD.size <= len(data):
        kind, length, offset = HEAD.unpack_from(data, at)
        at += HEAD.size
        yield kind, offset, data[at : at + length]
        at += length


class Disk:
    """The image at growing cuts, so that making a state costs no more than what has happened since the last."""

    def __init__(self, image, events):
        with open(image, "rb") as base:
            self.durable = bytearray(base.read())
        self.events = events
        self.applied = 0  # events that the durable image holds

    def state_at(self, cut):
        flushes = [i for i in range(self.applied, cut) if self.events[i][0] == FLUSH]
        if flushes:
            for kind, offset, data in self.events[self.applied : flushes[-1]]:
                if kind == WRITE:
                    self.durable[offset : offset + len(data)] = data
            self.applied = flushes[-1]
        state = bytearray(self.durable)
        for kind, offset, data in self.events[self.applied : cut]:
            if kind == WRITE:
                self.apply_part(state, offset, data)
        return state

    @staticmethod
    def apply_part(state, offset, data):
        fate = random.random()
        if fate < 0.4:
            state[offset : offset + len(data)] = data
        elif fate < 0.6:
            for at in range(0, len(data), SECTOR):
                if random.random() < 0.5:
                    sector = data[at : at + SECTOR]
                    state[offset + at : offset + at + len(sector)] = sector


def run(*command):
    return subprocess.run(command, capture_output=True, text=True)


def check(state, marks, workdir, where, command):
    image, list_of_marks = (os.path.join(workdir, name) for name in ("state.img", "marks"))
    if os.path.exists(image):
        os.unlink(image)  # whatever still has the last state open shall not see this one
    with open(image, "wb") as out:
        out.write(state)
    with open(list_of_marks, "wb") as out:
        out.write(b"".join(marks))
    loop = run("losetup", "-f", "--show", image).stdout.strip()
    try:
        mounted = run("mount", "-o", "noatime", loop, where)
        if mounted.returncode != 0:
            run("e2fsck", "-y", loop)
            mounted = run("mount", "-o", "noatime", loop, where)
        if mounted.returncode != 0:
            return "cannot be mounted: " + mounted.stderr.strip()
        try:
            checked = run(*command, where, list_of_marks)
            return None if checked.returncode == 0 else (checked.stdout + checked.stderr).strip()
        finally:
            run("umount", where)
    finally:
        run("losetup", "-d", loop)


def keep_evidence(workdir, cut):
    """The disk and the marks of a state that is not good, in the directory that EVIDENCE names."""
    if "EVIDENCE" in os.environ:
        for name in ("state.img", "marks"):
            shutil.copy(os.path.join(workdir, name), os.path.join(os.environ["EVIDENCE"], f"{os.getpid()}-{cut}-{name}"))


def main():
    image, log, count, seed, workdir, where, *command = sys.argv[1:]
    random.seed(int(seed))
    events = list(events_of(log))
    marks = [i for i, event in enumerate(events) if event[0] == MARK]
    kinds = [sum(event[0] == kind for event in events) for kind in (WRITE, FLUSH, MARK)]
    print("# %d writes, %d flushes, %d marks" % tuple(kinds))
    # Half of the cuts come shortly after something was acknowledged, the others anywhere.
    first = marks[0] if marks else 0
    cuts = sorted(
        min(len(events), random.choice(marks) + 1 + random.randint(0, 3))
        if marks and i % 2 == 0
        else random.randint(first, len(events))
        for i in range(int(count))
    )
    disk = Disk(image, events)
    bad = 0
    for cut in cuts:
        problem = check(disk.state_at(cut), [e[2] for e in events[:cut] if e[0] == MARK], workdir, where, command)
        if problem:
            bad += 1
            keep_evidence(workdir, cut)
            print("# cut at event %d: %s" % (cut, problem.replace("\n", "\n#   ")))
    print("# %d states, %d bad" % (len(cuts), bad))
    if "TALLY" in os.environ:
        with open(os.environ["TALLY"], "a", encoding="ascii") as tally:
            tally.write(f"states {len(cuts)}\n")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
