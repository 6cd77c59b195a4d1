"""What operators do by the tools while the system is harmed, and what logins leave behind: workloads as in workloads.py.  Each change
is a fact with a value; what was acknowledged is the value, what was asked may be.
"""
import json
import os
import poplib
import re
import smtplib
import socket

from box import PATIENCE, eventually
from ledger import body_of
from workloads import Workload, login


class Facts(Workload):
    """fact -> the values that it may have.  Subclasses say what is asked, and what is there."""

    def __init__(self, box, name):
        super().__init__(box, name)
        self.facts = {}
        self.prefix = f"{type(self).__name__.lower()}{os.getpid()}x"  # of names that no run before had

    def change(self, fact, value, *command, given=None):
        """Whether it was acknowledged."""
        self.ask(fact, value)
        answer = self.box.tool(*command, given=given)
        if answer.returncode == 0:
            self.acknowledge(fact, value)
        return answer.returncode == 0

    def ask(self, fact, value):
        self.facts.setdefault(fact, {None}).add(value)
        self.note()

    def acknowledge(self, fact, value):
        self.facts[fact] = {value}
        self.acknowledged += 1

    def listed(self, *command):
        """What a tool tells, as soon as it does."""
        def answer():
            told = self.box.tool(*command)
            return (json.loads(told.stdout),) if told.returncode == 0 else None
        return eventually(answer, f"an answer to {command}")[0]

    def inspect(self):
        values = self.values()
        found = []
        for fact, may_be in self.facts.items():
            value = values.get(fact)
            if value not in may_be:
                found.append(f"{fact} is {value}, may be {may_be}")
            if len(may_be) > 1:
                self.unknown += 1
                self.unknown_there += value is not None
            self.facts[fact] = {value}
        return found


class Credentials(Facts):
    """What we log in with at other hosts."""

    def round(self):
        self.rounds += 1
        for step in range(2):
            user = f"user{step}.{self.rounds}"
            if not self.change("far.test", user, "credential", "set", "far.test", user, "--password-stdin", given="secret\n"):
                return
            if step == 0 and not self.change("far.test", None, "credential", "remove", "far.test"):
                return

    def values(self):
        return {each["route"]: each["user"] for each in self.listed("credential", "--json", "list")}


class Removals(Facts):
    """Accounts come and go, and with them their directories; no id comes again."""

    def __init__(self, box, name):
        super().__init__(box, name)
        self.ids = {}

    def round(self):
        self.rounds += 1
        names = [f"{self.prefix}{self.rounds}{letter}" for letter in "ab"]
        for name in names:
            if not self.change(name, "there", "account", "add", name, "--no-password"):
                return
        self.change(names[0], None, "account", "remove", names[0])

    def values(self):
        ids = {each["name"]: each["id"] for each in self.listed("account", "--json", "list")}
        self.strangers = [each for each in ids if each.startswith(self.prefix) and each not in self.facts]
        self.now = {name: number for name, number in ids.items() if name.startswith(self.prefix)}
        return dict.fromkeys(ids, "there")

    def inspect(self):
        before, found = dict(self.ids), super().inspect()
        found += [f"phantom: account {name}" for name in self.strangers]
        self.ids.update(self.now)
        for name, number in self.now.items():
            if before.get(name, number) != number or list(self.ids.values()).count(number) != 1:
                found.append(f"renumbered: account {name} is {number}, of {self.ids}")
        for name, number in self.ids.items():
            directory = f"{self.box.path}/spool/mail/{number}"
            eventually(lambda: os.path.isdir(directory) == (name in self.now), f"the directory of {name} made or put aside: {directory}")
        return found


class Grants(Facts):
    """Who has read their mail may send from that address (POP-before-SMTP): granted before the login is answered; revoked."""

    def round(self):
        self.rounds += 1
        addresses = [f"127.0.{7 + self.rounds // 100}.{2 * (self.rounds % 100) + each}" for each in (1, 2)]
        for address in addresses:
            self.ask(address, self.user)
            self.log_in(address)
            self.acknowledge(address, self.user)
        self.change(addresses[0], None, "access", "revoke", "--network", addresses[0])

    def log_in(self, address):
        pop3 = PopFrom(address, self.box.port("POP3_PORT"))
        pop3.user(self.user)
        pop3.pass_(self.password)
        pop3.quit()

    def values(self):
        return {each["network"].removesuffix("/32"): each["account"] for each in self.listed("access", "--json", "grants")}


class PopFrom(poplib.POP3):
    def __init__(self, address, port):
        self.address = address
        super().__init__("127.0.0.1", port, timeout=PATIENCE)

    def _create_socket(self, timeout):
        return socket.create_connection((self.host, self.port), timeout, (self.address, 0))


class Verifiers(Facts):
    """The first login with a password whose hash was given makes what SCRAM needs: the password is good before, after and in between,
    and no other is."""

    HASH = "$5$rounds=1000$mailroom$usiEX44OplFWjAP9Xbf1Ak/THPkMhaT3e1Q4JPwE/K/"  # of "secret"

    def prepare(self):
        self.names = [eventually(self.add, "an account that is added") for _ in "ab"]
        self.facts = {name: {"secret"} for name in self.names}

    def add(self):
        """A name, unless authd is dying or in its next life."""
        self.rounds += 1
        name = f"{self.prefix}{self.rounds}"
        return name if self.box.tool("account", "add", name, "--hash", self.HASH).returncode == 0 else None

    def round(self):
        for name in self.names:
            self.note()
            if login(self.box, name, "secret") == "yes":
                self.acknowledged += 1

    def values(self):
        """The good password of each, of two."""
        return {name: self.good_password(name) for name in self.names}

    def good_password(self, name):
        good = [each for each in ("secret", "another")
                if eventually(lambda: login(self.box, name, each), "an answer to a login") == "yes"]
        return good[0] if len(good) == 1 else good


class Holds(Facts):
    """Messages for a host that is down: held, removed; and the destination held and released."""

    DESTINATION = "smtp:127.0.0.1:1"

    def round(self):
        self.rounds += 1
        smtp = smtplib.SMTP("127.0.0.1", self.box.port("SUBMISSION_PORT"), "client.test", timeout=PATIENCE)
        smtp.login(self.user, self.password)
        held, removed, left = [self.submit(smtp) for _ in range(3)]
        self.change(held, "held", "queue", "hold", held)
        self.change(removed, None, "queue", "remove", removed)
        for step, value in (("hold", "held"), ("release", None), ("hold", "held")):
            if not self.change(self.DESTINATION, value, "queue", step, self.DESTINATION):
                return
        self.change(left, None, "queue", "remove", left)

    def submit(self, smtp):
        """The id of a message that was acknowledged."""
        sender = f"{self.user}@{self.box.env['DOMAIN']}"
        smtp.mail(sender)
        smtp.rcpt("nobody@dead.test")
        code, text = smtp.data(body_of(f"{self.name}.{self.rounds}", sender))
        if code != 250:
            raise smtplib.SMTPDataError(code, text)
        identity = re.search(rb"Message (\w+) accepted", text).group(1).decode()
        self.facts[identity] = {"there"}
        self.acknowledged += 1
        return identity

    def values(self):
        there = {each["id"]: "held" if each["state"] == "held" else "there" for each in self.listed("queue", "--json", "list")}
        held = {each["destination"]: "held" for each in self.listed("queue", "--json", "destinations") if each["state"] == "held"}
        return {**there, **held}

    def tidy(self):
        """Removed for good: whatever is there at the next check and was there before was asked for, or has come back."""
        for identity, value in self.facts.items():
            if value != {None} and identity != self.DESTINATION:
                eventually(lambda: self.box.tool("queue", "remove", identity).returncode == 0, "a message that is removed")
                self.facts[identity] = {None}
