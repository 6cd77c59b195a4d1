#!/usr/bin/env python3
"""Every persistence call of a process, one after the other, is the one before which it is killed (or which fails), while clients
work; afterwards everything that was acknowledged is there, once.

kill_points.py BOX BUILD TARGET MOST [ERROR]    BOX is a sandbox that was stopped; TARGET a name of TARGETS below; MOST the
                                                number of points, spread evenly when there are more calls; with ERROR (EIO,
                                                ENOSPC) the call fails instead, with SHORT a write takes half
PASS=N says which lengths messages have, and their names.
Prints lines for report_of of tests/system/lib.sh; the last begins with "#".
"""
import collections
import os
import re
import sys

from box import Box, Ended, NotInTime
from policy_workloads import Counts, Limits, Policies, Reports
from traces import NAMES, hidden_failures
from tool_workloads import Credentials, Grants, Holds, Removals, Verifiers
from workloads import CUT_OFF, Accounts, Changes, FirstRemoval, Mail, MailTakenIn, Passwords, Relayed, Removal, Told

PERSISTENCE = "fsync,fdatasync,syncfs,linkat,renameat,renameat2,unlinkat,mkdirat,pwrite64,pwritev,ftruncate,msync"
CREATING = "openat,openat2"
SYNCS = "fsync,fdatasync,syncfs"
STREAM = "write,writev"
WRITES = {"write", "writev", "pwrite64", "pwritev"}
SHORT = "SHORT"

# name -> (program, workload, calls)
TARGETS = {
    "queued": ("queued", Mail, PERSISTENCE),
    "queued-relaying": ("queued", Relayed, PERSISTENCE),
    "queued-telling": ("queued", Told, PERSISTENCE),
    "queued-holding": ("queued", Holds, f"{PERSISTENCE},{STREAM}"),
    "queued-opening": ("queued", Mail, CREATING),
    "deliverd": ("deliverd", Mail, f"{PERSISTENCE},{STREAM}"),
    "deliverd-taken": ("deliverd", MailTakenIn, SYNCS),
    "deliverd-opening": ("deliverd", Mail, CREATING),
    "policyd": ("policyd", Accounts, f"{PERSISTENCE},{STREAM}"),
    "policyd-grants": ("policyd", Grants, f"{PERSISTENCE},{STREAM}"),
    "policyd-removals": ("policyd", Removals, f"{PERSISTENCE},{STREAM}"),
    "policyd-limits": ("policyd", Limits, f"{PERSISTENCE},{STREAM}"),
    "policyd-policies": ("policyd", Policies, f"{PERSISTENCE},{STREAM}"),
    "policyd-counts": ("policyd", Counts, f"{PERSISTENCE},{STREAM}"),
    "queued-counts": ("queued", Counts, PERSISTENCE),
    "policyd-reports": ("policyd", Reports, f"{PERSISTENCE},{STREAM}"),
    "queued-reports": ("queued", Reports, PERSISTENCE),
    "mailroomd": ("mailroomd", Removals, PERSISTENCE),
    "authd": ("authd", Passwords, f"{PERSISTENCE},{STREAM}"),
    "authd-credentials": ("authd", Credentials, f"{PERSISTENCE},{STREAM}"),
    "authd-verifiers": ("authd", Verifiers, f"{PERSISTENCE},{STREAM}"),
    "pop3d": ("pop3d", Removal, f"{PERSISTENCE},{STREAM}"),
    "pop3d-first": ("pop3d", FirstRemoval, f"{PERSISTENCE},{STREAM}"),
    "imapd": ("imapd", Changes, f"{PERSISTENCE},{STREAM}"),
}

# Where calls of one fail, the other, which deals with the same files, is followed.
FOLLOWED = {"deliverd": "pop3d", "pop3d": "deliverd"}

# Each session is a process of its own, the call of which fails again: others see a system whose disk is whole.
SESSIONS = {"pop3d", "imapd"}


class Harm:
    """One round under an injection, and what came of it."""

    def __init__(self, box, program, workload, calls):
        self.box, self.program, self.workload, self.calls = box, program, workload, calls
        self.struck = 0  # injections that were reached
        self.rounds_struck = 0  # rounds with one or more of them
        self.problems = []  # of rounds that were not harmed

    def trace(self, life):
        return f"{self.box.path}/trace.{life}"

    def points(self):
        """(call, number) of an undisturbed round: the calls to the disk, by their number in the thread that makes them, as strace
        counts.  Those are left out that are something else in another thread."""
        for _ in range(2):  # the first round makes what later ones find
            self.problems += self.run(self.strace(0, f"-y -e signal=none -e trace={self.calls}"))
        numbers, on_disk, counted = collections.Counter(), {}, set(self.calls.split(","))
        with open(self.trace(0), encoding="latin-1") as lines:
            for thread, call, rest in re.findall(r"^(?:(\d+) +)?(\w+)\((.*)", lines.read(), re.M):
                if call not in counted:
                    continue
                numbers[thread, call] += 1
                point = call, numbers[thread, call]
                on_disk[point] = on_disk.get(point, True) and self.box.path in rest
        return sorted(point for point, good in on_disk.items() if good)

    def run(self, *lives, beside=None, then_all_die=False):
        """What is wrong after one round.  lives: what the program runs under, and those started after it has ended; beside: another
        program, and what it runs under; then_all_die: before anybody looks."""
        self.lives = len(lives)
        for life in range(self.lives):
            open(self.trace(life), "w", encoding="ascii").close()
        self.box.arm(self.program, lives)
        if beside:
            self.box.arm(*beside)
        self.start_at_last()
        self.workload.prepare()
        self.cut_off_round()
        if self.box.has_ended():  # all end with mailroomd
            self.box.kill()
            self.start_at_last()
        if then_all_die or self.workload.all_die or (self.box.disk_fails and self.program in SESSIONS):
            self.box.kill()
            self.box.start()
        found = self.verified()
        self.box.kill()
        return found

    def verified(self):
        """What is wrong.  A later life of mailroomd, with which all end, may end while that is looked at."""
        for _ in range(self.lives):
            try:
                return self.workload.verify()
            except Ended:
                self.box.kill()
                self.start_at_last()
        return self.workload.verify()

    def strace(self, life, options):
        follow = "" if self.program == "mailroomd" else "-f"  # whose children are all the others
        return f"strace -D {follow} -qq -o {self.trace(life)} {options}"

    def kill(self, call, number):
        """What is wrong after a round in which the program is killed before a call; and again early in its next life, while it mends
        what the first has left, when the workload can bear that."""
        numbers = (number, number % 3 + 1)[:self.workload.deaths]
        return self.run(*(self.strace(life, f"-e trace={self.calls} -e inject={call}:signal=KILL:when={each}")
                          for life, each in enumerate(numbers)))

    def fail(self, call, number, error):
        """... in which one call fails."""
        options = f"-y -ttt -e trace={self.calls},{NAMES} -e inject={call}:error={error}:when={number}"
        if self.program not in FOLLOWED:
            return self.run(self.strace(0, options)) + hidden_failures(self.trace(0))
        beside = self.strace("beside", f"-y -ttt -e trace={NAMES}")
        found = self.run(self.strace(0, options), beside=(FOLLOWED[self.program], [beside]))
        return found + hidden_failures(self.trace(0), self.trace("beside"))

    def cut_short(self, call, number):
        """... in which one write takes half of what it is given: what is missing on the disk is seen when all are started again."""
        return self.run(f"{self.box.build}/tests/crash/short_writes {call} {number} {self.trace(0)}", then_all_die=True)

    def harm(self, call, number, how):
        if how is None:
            return self.kill(call, number)
        return self.cut_short(call, number) if how == SHORT else self.fail(call, number, how)

    def start_at_last(self):
        """Each life may end before all were ready."""
        for _ in range(self.lives + 1):
            if self.box.start():
                return
            self.box.mailroomd.wait()
        raise NotInTime("a start")

    def count_strikes(self, call):
        """The round is over: in which lives was the call reached?  One that failed is marked, and one before which its process was
        killed has no result; what the end of the round kills waits in calls that are not traced."""
        struck = re.compile(rf"\(INJECTED\)|\b{call}(\(| resumed).*= \?$", re.M)
        before = self.struck
        for life in range(self.lives):
            with open(self.trace(life), encoding="latin-1") as lines:
                self.struck += struck.search(lines.read()) is not None
        self.rounds_struck += self.struck > before

    def cut_off_round(self):
        try:
            self.workload.round()
        except (*CUT_OFF, Ended):
            pass


def some_of(every, most):
    """All, or `most` of them spread evenly."""
    if len(every) <= most:
        return every
    return [every[i * (len(every) - 1) // max(most - 1, 1)] for i in range(most)]


def report(good, what, problems=()):
    print(("ok - " if good else "not ok - ") + what, flush=True)
    for problem in () if good else problems:
        print(f"# {problem}", flush=True)


def main(path, build, target, most, error=None):
    program, workload_class, calls = TARGETS[target]
    box = Box(path, build)
    box.disk_fails = error is not None
    workload = workload_class(box, f"{target}.{os.environ.get('PASS', '1')}")
    try:
        harm_at_points(Harm(box, program, workload, calls), target, int(most), error)
    finally:
        for each in {program, FOLLOWED.get(program, program)}:
            box.disarm(each)
        box.kill()


def harm_at_points(harm, target, most, error):
    box, workload = harm.box, harm.workload
    every = [point for point in harm.points() if error != SHORT or point[0] in WRITES]
    chosen = some_of(every, most)
    problems = [f"not harmed: {problem}" for problem in harm.problems]
    for call, number in chosen:
        try:
            found = harm.harm(call, number, error)
            harm.count_strikes(call)
        except NotInTime as late:
            found = [f"never: {late}"]
            box.kill()
        problems += [f"{call} {number}: {problem}" for problem in found]
    harmed = f"killed {harm.struck} times before a call"
    if error:
        harmed = f"{harm.struck} times a write is cut short" if error == SHORT else f"{harm.struck} times a call fails with {error}"
    report(not problems, f"{target}: {harmed}, of {len(every)}: nothing lost, nothing twice, nothing changed", problems)
    report(workload.acknowledged > 0, f"{target}: work was acknowledged in between")
    report(0 < len(chosen) <= 2 * harm.rounds_struck, f"{target}: it was harmed in at least half of {len(chosen)} rounds",
           [f"in {harm.rounds_struck} only"])
    print(f"# {target}: {len(chosen)} rounds, {workload.acknowledged} acknowledged, of {workload.unknown} in question "
          f"{workload.unknown_there} had happened", flush=True)
    if "TALLY" in os.environ:
        with open(os.environ["TALLY"], "a", encoding="ascii") as tally:
            tally.write(f"{'failures' if error else 'kills'} {harm.struck}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
