#!/usr/bin/env python3
"""kill -9 of each process of the table, at a moment of chance, while clients send, read, remove, append, move, flag and relay: what was
acknowledged is there, once, and the others go on.

kill_processes.py BOX BUILD    BOX is a sandbox that was stopped; SINK_DIR the other host's directory; SEED=N for other moments
Prints lines for report_of of tests/system/lib.sh.
"""
import os
import random
import sys
import threading
import time

from box import Box, alive, children, eventually, name_of
from power_work import MailAndRemoval, add_account
from workloads import CUT_OFF, Changes, Mail, Relayed

CLIENTS = {"kmail": Mail, "kpop": MailAndRemoval, "kimap": Changes, "krelay": Relayed}
ROUND = 0.4  # seconds, about
ALL_END_WITH = {"mailroomd", "supervisor"}


class Nemesis:
    def __init__(self, box, chance):
        self.box, self.chance = box, chance

    def processes(self):
        """name -> pid, without those that listeners fork"""
        own = self.box.mailroomd.pid
        return {"mailroomd": own, **{name_of(pid): pid for pid in children(own)}}

    def strike(self, name):
        """What is wrong with the others afterwards."""
        before = self.processes()
        time.sleep(self.chance.uniform(0, ROUND))
        os.kill(before[name], 9)
        if name in ALL_END_WITH:
            eventually(self.box.has_ended, "the end of mailroomd")
            eventually(lambda: not any(map(alive, before.values())), "the end of all with it")
            self.box.kill()
            return [] if self.box.start() else ["the system does not start again"]
        eventually(lambda: self.processes().get(name, before[name]) != before[name], f"{name}, started again")
        return [f"{other} has ended" for other, pid in before.items() if other != name and not alive(pid)]


def work(client):
    try:
        client.round()
    except CUT_OFF:
        pass


def harm(nemesis, clients, name):
    """What is wrong after a round in which the process was killed."""
    for client in clients:
        client.prepare()
    threads = [threading.Thread(target=work, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    found = nemesis.strike(name)
    for thread in threads:
        thread.join()
    return found + [f"{client.name}: {problem}" for client in clients for problem in client.verify()]


def report(good, what, problems=()):
    print(("ok - " if good else "not ok - ") + what, flush=True)
    for problem in problems:
        print(f"# {problem}", flush=True)


def main(path, build):
    box = Box(path, build)
    seed = os.environ.get("SEED", str(random.randrange(1 << 32)))
    chance = random.Random(seed)
    print(f"# SEED={seed}", flush=True)
    if not box.start():
        sys.exit("the system does not start")
    try:
        clients = []
        for name, kind in CLIENTS.items():
            clients.append(kind(box, name))
            clients[-1].user = name
            add_account(box, name, clients[-1].password)
        nemesis = Nemesis(box, chance)
        names = list(nemesis.processes())
        chance.shuffle(names)
        for name in names:
            found = harm(nemesis, clients, name)
            report(not found, f"{name} is killed: nothing lost, nothing twice, the others go on", found)
        for client in clients:
            print(f"# {client.name}: {client.acknowledged} acknowledged, of {client.unknown} in question {client.unknown_there} had happened")
        report(all(client.acknowledged > 0 for client in clients), "work was acknowledged in between")
        if "TALLY" in os.environ:
            with open(os.environ["TALLY"], "a", encoding="ascii") as tally:
                tally.write(f"kills {len(names)}\n")
    finally:
        box.kill()


if __name__ == "__main__":
    main(*sys.argv[1:])
