"""What policyd remembers of those who send, and of those whom we send to, while the system is harmed: workloads as in workloads.py.
"""
import collections
import email
import email.policy
import glob
import gzip
import json
import os
import re
import smtplib
import subprocess
import time

from box import PATIENCE, eventually
from workloads import Workload


class Counted(Workload):
    """What is counted is on the disk after an orderly end; a crash takes back no more than what came since the last one.  Subclasses
    count in round(), and say what has been counted in counts()."""

    def __init__(self, box, name):
        super().__init__(box, name)
        self.least = self.most = None  # name -> what may be counted

    def prepare(self):
        self.rounds += 1

    def inspect(self):
        found = []
        counts = self.counts()
        for name, count in counts.items():
            if not self.least[name] <= count <= self.most[name]:
                found.append(f"{name}: counted {count}, may be {self.least[name]} to {self.most[name]}")
            if self.least[name] != self.most[name]:
                self.unknown += 1
                self.unknown_there += count > self.least[name]
        self.least, self.most = dict(counts), dict(counts)
        return found


class Limits(Counted):
    """Messages that count against limits.  What an operator has released is so for good."""

    deaths = 1  # of policyd in one round: what else it has counted would not be known

    def prepare(self):
        super().prepare()
        if self.least is None:
            self.least, self.most = self.counts(), self.counts()

    @property
    def passwords(self):
        return {self.box.env[f"USER{n}"]: self.box.env[f"PASS{n}"] for n in (1, 2)}

    def round(self):
        """Both send; one of them in turn is released, and sends again."""
        sent = {name: self.send(name, 2) for name in self.passwords}
        released = self.box.env[f"USER{1 + self.rounds % 2}"]
        self.least[released] = 0
        if self.box.tool("access", "release", "account", released).returncode == 0:
            self.acknowledged += 1
            self.most[released] = sent[released] = 0
        sent[released] += self.send(released, 1)
        self.box.stop()
        if self.box.ends_of("policyd") == ["exit 0"] and not self.box.disk_fails:
            self.least = {name: self.least[name] + sent[name] for name in sent}

    def send(self, name, messages):
        """How many were taken: a message counts with its first recipient."""
        address = f"{name}@{self.box.env['DOMAIN']}"
        smtp = smtplib.SMTP("127.0.0.1", self.box.port("SUBMISSION_PORT"), "client.test", timeout=PATIENCE)
        smtp.login(name, self.passwords[name])
        taken = 0
        for _ in range(messages):
            self.most[name] += 1
            smtp.mail(address)
            taken += smtp.rcpt(address)[0] == 250
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
        return {name: there.get(name, 0) for name in self.passwords}

    def tidy(self):
        """The next round begins with what is on the disk."""
        self.box.stop()


# ---- TLS to other hosts.  In the zone of 57-kill-tls.t each domain below told.test asks for reports, by mail to the host whose messages
# are in COLLECTOR_DIR, each below sts.test has an MTA-STS policy as well, if WEB has a file of its name; the mail host of all, whose
# connections are in PLAIN_DIR, has no TLS.


def connections():
    """To the host without TLS, up to this moment."""
    return len(glob.glob(f"{os.environ['PLAIN_DIR']}/connection-*.in"))


def plaintext_to(domain):
    """How many messages for it were sent without TLS."""
    count = 0
    for path in glob.glob(f"{os.environ['PLAIN_DIR']}/*.json"):
        with open(path, encoding="utf-8") as facts:
            count += f"@{domain}" in facts.read()
    return count


def send_to(box, domain):
    """One message, that was acknowledged."""
    sender = f"{box.env['USER1']}@{box.env['DOMAIN']}"
    smtp = smtplib.SMTP("127.0.0.1", box.port("SUBMISSION_PORT"), "client.test", timeout=PATIENCE)
    smtp.login(box.env["USER1"], box.env["PASS1"])
    smtp.sendmail(sender, [f"a@{domain}"], f"From: {sender}\r\n\r\nWords.\r\n")
    smtp.quit()


def tls_results(box):
    """(day, domain) -> sessions that failed, as they are counted.  Of a system that does not run."""
    lines = subprocess.run([f"{box.build}/tests/state/tls_results", f"{box.path}/state/policyd"],
                           check=True, capture_output=True, text=True).stdout.splitlines()
    return {(int(day), domain): int(failed) for day, domain, _, failed in map(str.split, lines)}


class Policies(Workload):
    """A policy of MTA-STS that was found once forbids plaintext to its domain, also when all have died since and its web server does
    not answer any more."""

    all_die = True

    def prepare(self):
        """A domain with a policy."""
        self.rounds += 1
        self.known = False
        web = os.environ["WEB"]
        self.domain = f"r{len(glob.glob(f'{web}/r*')) + 1}.sts.test"
        self.policy = f"{web}/{self.domain}"
        with open(self.policy, "w", encoding="ascii") as file:
            file.write("version: STSv1\nmode: enforce\nmx: mx.plain.test\nmax_age: 86400\n")

    def round(self):
        """A message is sent; and the policy is known, at the latest when policyd has been started again."""
        send_to(self.box, self.domain)
        self.acknowledged += 1
        eventually(lambda: self.is_enforced(self.route()), "a policy that is known")
        self.known = True

    def route(self):
        answer = self.box.tool("queue", "--json", "route", f"a@{self.domain}")
        return json.loads(answer.stdout) if answer.returncode == 0 else None

    def route_if_asked(self):
        """Nothing while policyd cannot say what it knows."""
        route = self.route()
        return route if route is not None and "cannot be asked" not in route["no_way"] else None

    @staticmethod
    def is_enforced(route):
        return route is not None and route["sts"].startswith("enforce: ")

    def inspect(self):
        os.rename(self.policy, f"{self.policy}.gone")
        there = self.is_enforced(eventually(self.route_if_asked, "an answer of policyd"))
        found = []
        if not self.known:
            self.unknown += 1
            self.unknown_there += there
        elif not there:
            found.append(f"forgotten: the policy of {self.domain}")
        eventually(self.all_tried, f"a try to send to {self.domain}")
        if self.known and plaintext_to(self.domain):
            found.append(f"in plaintext: a message to {self.domain}")
        return found

    def all_tried(self):
        """What waits has been tried in this life of the system; removed then."""
        listed = self.box.tool("queue", "--json", "list")
        if listed.returncode != 0:
            return False
        waiting = [each["id"] for each in json.loads(listed.stdout)]
        if not waiting:
            return True
        self.box.tool("queue", "retry", "--all")
        if f" destination-waits destination={self.domain} " in self.box.log_of_this_start():
            return all(self.box.tool("queue", "remove", each).returncode == 0 for each in waiting)
        return False


class Counts(Counted):
    """What came of TLS to a domain: each connection counts once."""

    def __init__(self, box, name):
        super().__init__(box, name)
        self.domain = f"{name}.{os.getpid()}.counted.test"
        self.least, self.most = {self.domain: 0}, {self.domain: 0}

    def prepare(self):
        super().prepare()
        self.before = connections()

    def round(self):
        """Some mail is sent, and all are told to end; the first time policyd dies before."""
        try:
            for _ in range(2):
                send_to(self.box, self.domain)
                self.acknowledged += 1
            eventually(lambda: self.box.pending() == 0, "mail that is sent")
            if self.rounds == 1:
                self.box.kill_process("policyd")
        finally:
            self.box.stop()
        self.lives = len(self.box.ends_of("policyd"))
        if self.box.ends_of("queued") == ["exit 0"] and self.box.ends_of("policyd")[-1:] == ["exit 0"]:
            self.least[self.domain] += connections() - self.before

    lives = 1  # of policyd in this round: what it was about to say that it has counted counts again in the next

    def counts(self):
        eventually(lambda: self.box.pending() == 0, "mail that is sent")
        self.box.stop()
        self.most[self.domain] += (connections() - self.before) * self.lives
        return {self.domain: sum(failed for (_, domain), failed in tls_results(self.box).items() if domain == self.domain)}


class Reports(Workload):
    """The report of a day that is over: sent once, and another time only for a process that has died since, as the same report."""

    SESSIONS = 2
    WAIT = 4  # seconds after a start, in which policyd begins to report

    domain = None

    def __init__(self, box, name):
        super().__init__(box, name)
        self.prefix = f"{name}.{os.getpid()}."  # of domains: reports of others belong to who was here before

    def round(self):
        if self.domain is not None:
            eventually(self.arrived, "a report")

    def arrived(self):
        """What could not be sent while policyd was dead is tried again."""
        self.box.tool("queue", "retry", "--all")
        return self.reports()

    def inspect(self):
        if self.domain is None:
            return []
        eventually(self.is_over, "the end of reporting")
        reports = [report for report in map(self.read, self.reports()) if report[0].startswith(self.prefix)]
        for path in self.reports():
            os.unlink(path)
        self.acknowledged += len(reports)
        found = [f"phantom: a report of {domain}" for domain, *_ in reports if domain != self.domain]
        numbers = collections.Counter(number for domain, number, _ in reports if domain == self.domain)
        died = len(re.findall(" process-died process=(?:policyd|queued)#", self.box.log_since(self.begins)))
        if len(numbers) != 1 or not 1 <= numbers.total() <= 1 + died:
            found.append(f"{self.domain}: is reported as {dict(numbers)}, {died} have died")
        found += [f"{domain}: {failed} sessions failed, of {self.SESSIONS}" for domain, _, failed in reports if failed != self.SESSIONS]
        self.unknown += 1
        self.unknown_there += len(reports) > 1
        return found

    @staticmethod
    def reports():
        return glob.glob(f"{os.environ['COLLECTOR_DIR']}/*.eml")

    @staticmethod
    def read(path):
        """(domain, report-id, sessions that failed)"""
        with open(path, "rb") as file:
            message = email.message_from_binary_file(file, policy=email.policy.SMTP)
        report = json.loads(gzip.decompress(message.get_payload()[1].get_payload(decode=True)))
        failed = sum(each["summary"]["total-failure-session-count"] for each in report["policies"])
        return message["TLS-Report-Domain"], report["report-id"], failed

    def is_over(self):
        """Nothing is left to be reported, and nothing on its way."""
        self.box.tool("queue", "retry", "--all")
        if self.box.pending() != 0:
            return False
        self.box.stop()
        if self.domain not in {domain for _, domain in tls_results(self.box)}:
            return True
        self.box.start()
        time.sleep(self.WAIT)
        return False

    def tidy(self):
        """A day passes, with mail to the next domain, and no harm."""
        for program in ("policyd", "queued"):
            self.box.disarm(program)
        self.rounds += 1
        self.domain = f"{self.prefix}{self.rounds}.told.test"
        if self.box.has_ended():
            self.box.start()
        for _ in range(self.SESSIONS):
            send_to(self.box, self.domain)
            eventually(lambda: self.box.pending() == 0, "mail that is sent")
        self.box.stop()
        subprocess.run([f"{self.box.build}/tests/state/tls_yesterday", f"{self.box.path}/state/policyd"], check=True,
                       capture_output=True)
        self.begins = os.path.getsize(f"{self.box.path}/log")
