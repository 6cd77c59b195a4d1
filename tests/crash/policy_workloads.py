"""What policyd remembers of those who send, and of those that we send to, while the system is harmed: workloads as in workloads.py.
"""
import json
import smtplib

from box import PATIENCE, eventually
from workloads import Workload


class Limits(Workload):
    """What counts against limits is on the disk when the system has been told to end (and now and then): a crash takes back no more than
    what came since.  What an operator has released is so for good."""

    deaths = 1  # of policyd in one round: what else it counted would not be known

    def __init__(self, box, name):
        super().__init__(box, name)
        self.names = [box.env["USER1"], box.env["USER2"]]
        self.least = self.most = None  # name -> messages that count; nothing before the first round
        self.complaints = []

    def prepare(self):
        self.rounds += 1
        counts = self.counts()
        if self.least not in (None, counts):
            self.complaints = [f"{counts} messages count after an orderly end, and {self.least} did before"]
        self.least, self.most = dict(counts), dict(counts)

    def round(self):
        """Both send; one is released, and sends again."""
        sent = {name: self.send(name, 2) for name in self.names}
        released = self.names[0]
        self.least[released] = 0
        if self.box.tool("access", "release", "account", released).returncode == 0:
            self.acknowledged += 1
            self.most[released] = sent[released] = 0
        sent[released] += self.send(released, 1)
        if self.box.stop("policyd") and not self.box.disk_fails:
            self.least = {name: self.least[name] + sent[name] for name in self.names}

    def send(self, name, messages):
        """How many were taken: a message counts with its first recipient."""
        password = self.box.env["PASS1" if name == self.names[0] else "PASS2"]
        smtp = smtplib.SMTP("127.0.0.1", self.box.port("SUBMISSION_PORT"), "client.test", timeout=PATIENCE)
        smtp.login(name, password)
        taken = 0
        for _ in range(messages):
            self.most[name] += 1
            smtp.mail(f"{name}@{self.box.env['DOMAIN']}")
            taken += smtp.rcpt(f"{name}@{self.box.env['DOMAIN']}")[0] == 250
            smtp.rset()
        smtp.quit()
        self.acknowledged += taken
        return taken

    def counts(self):
        """name -> messages of this day."""
        def answer():
            told = self.box.tool("access", "--json", "limits")
            return (json.loads(told.stdout),) if told.returncode == 0 else None
        rows = eventually(answer, "an answer to access limits")[0]
        there = {row["name"]: row["messages"] for row in rows if (row["scope"], row["period"]) == ("account", "day")}
        return {name: there.get(name, 0) for name in self.names}

    def inspect(self):
        found, self.complaints = self.complaints, []
        counts = self.counts()
        for name, count in counts.items():
            if not self.least[name] <= count <= self.most[name]:
                found.append(f"{name}: {count} messages count, may be {self.least[name]} to {self.most[name]}")
            if self.least[name] != self.most[name]:
                self.unknown += 1
                self.unknown_there += count > self.least[name]
        self.least, self.most = dict(counts), dict(counts)
        return found

    def tidy(self):
        """The next round begins with what is on the disk."""
        self.box.stop("policyd")
