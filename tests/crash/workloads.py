"""What clients do while the system is harmed, each with books of its own (ledger.py): prepare() makes, by what is not harmed, what
the round needs; round() asks for something and may be cut off anywhere; verify() says what is wrong afterwards.
"""
import collections
import glob
import json
import os
import poplib
import re
import smtplib
import socket

from box import PATIENCE, NotInTime, eventually
from ledger import SENDER, Folders, Ledger, Numbers, body_of, identity_in, order

CUT_OFF = (OSError, EOFError, smtplib.SMTPException, poplib.error_proto)


class Workload:
    """What all have in common.  note() is called before each request and after the last answer of a round: the books are then what
    they must be for a system that is harmed at that moment."""

    deaths = 2  # of a program in one round, at most
    all_die = False  # of all, at the end of a round
    account = 1  # of the sandbox's two

    def __init__(self, box, name):
        self.box, self.name = box, name
        self.user, self.password = box.env[f"USER{self.account}"], box.env[f"PASS{self.account}"]
        self.rounds = 0
        self.unknown_there = self.unknown = self.acknowledged = 0
        self.noted = lambda: None

    def note(self):
        self.noted()

    def books(self):
        """All that is not the system's."""
        return {name: value for name, value in vars(self).items() if name not in ("box", "noted", "session")}

    def prepare(self):
        pass

    def verify(self):
        """What is wrong; afterwards the next round can come."""
        found = self.inspect()
        self.tidy()
        return found

    def tidy(self):
        """So that a check does not grow."""


class Mail(Workload):
    """Messages by SMTP, read and removed by POP3."""

    retries = False  # what failed would be tried again much later
    wishes = ()  # for each recipient (RFC 3461)

    def __init__(self, box, name):
        super().__init__(box, name)
        self.retries = self.retries or box.disk_fails
        self.ledger = Ledger()

    @property
    def address(self):
        return f"{self.user}@{self.box.env['DOMAIN']}"

    def round(self):
        """Three messages on one connection."""
        self.rounds += 1
        smtp = smtplib.SMTP("127.0.0.1", self.box.port("SMTP_PORT"), "client.test", timeout=PATIENCE)
        for number in range(3):
            self.send(smtp, f"{self.name}.{number}.{self.rounds}", SENDER, [self.address])
        smtp.quit()

    def send(self, smtp, identity, sender, recipients):
        self.ledger.attempt(identity)
        self.note()
        try:
            smtp.sendmail(sender, recipients, body_of(identity, sender), rcpt_options=self.wishes)
            self.ledger.acknowledge(identity)
            self.acknowledged += 1
        except (smtplib.SMTPRecipientsRefused, smtplib.SMTPDataError, smtplib.SMTPSenderRefused) as refused:
            code = refused.smtp_code if hasattr(refused, "smtp_code") else 0
            if code != 421:  # which ends the connection, after whatever
                self.ledger.refuse(identity)
        self.note()

    def settled(self):
        def empty():
            if self.retries:
                self.box.tool("queue", "retry", "--all")
            return self.box.pending() == 0
        eventually(empty, "an empty queue")

    def inspect(self):
        self.settled()
        self.session, messages = eventually(self.read_all, "a POP3 session")
        self.there = [identity_in(octets) for octets in messages]
        return self.judge(messages)

    def judge(self, messages):
        found, there, unknown = self.ledger.problems(messages)
        self.unknown_there += there
        self.unknown += unknown
        self.ledger.settle(messages)
        return found

    def open(self):
        pop3 = poplib.POP3("127.0.0.1", self.box.port("POP3_PORT"), timeout=PATIENCE)
        pop3.user(self.user)
        pop3.pass_(self.password)
        return pop3

    def read_all(self):
        """A session and what it has read."""
        try:
            pop3 = self.open()
            return pop3, [octets_of(pop3, n + 1) for n in range(pop3.stat()[0])]
        except CUT_OFF:
            return None

    def tidy(self):
        """If the session is cut off, the next one to remove what is there does it."""
        try:
            self.remove(self.session, self.there)
        except CUT_OFF:
            pass

    def remove(self, pop3, identities):
        """All that is there."""
        for number in range(len(identities)):
            pop3.dele(number + 1)
        for identity in identities:
            self.ledger.attempt_removal(identity)
        self.note()
        pop3.quit()
        for identity in identities:
            self.ledger.acknowledge_removal(identity)
        self.note()


class MailTakenIn(Mail):
    """A session takes into the mailbox what has been delivered, also what is going to be delivered again."""

    SOON = 1  # seconds in which all is delivered, unless something has failed

    def round(self):
        super().round()
        try:
            eventually(self.all_taken_in, "all messages in a session", self.SOON)
        except NotInTime:
            pass

    def all_taken_in(self):
        pop3 = self.open()
        count = pop3.stat()[0]
        pop3.quit()
        return count == 3


def octets_of(pop3, number):
    return b"\r\n".join(pop3.retr(number)[1]) + b"\r\n"


class Removal(Mail):
    """A POP3 session that removes what is there is cut off: all of it is gone or none."""

    deaths = 1

    def prepare(self):
        super().round()
        self.settled()

    def round(self):
        pop3 = self.open()
        self.in_question = [identity_in(octets_of(pop3, n + 1)) for n in range(pop3.stat()[0])]
        self.remove(pop3, self.in_question)

    in_question = ()

    def judge(self, messages):
        asked = set(self.in_question)
        left = asked & {identity_in(octets) for octets in messages}
        found = [] if left in (set(), asked) else [f"half removed: of {sorted(asked)} there are {sorted(left)}"]
        if any(self.ledger.removal.get(identity) == "unknown" for identity in asked):
            self.unknown += 1
            self.unknown_there += not left
        self.in_question = ()
        return found + super().judge(messages)


class FirstRemoval(Removal):
    """The same, by the first session of an account: its calls make the mailbox."""

    def prepare(self):
        self.user, self.ledger = f"first{os.getpid()}x{self.rounds}", Ledger()
        added = self.box.tool("account", "add", self.user, "--password-stdin", given=f"{self.password}\n")
        if added.returncode != 0:
            raise RuntimeError(added.stderr)
        super().prepare()


class Relayed(Mail):
    """Messages by submission, to a recipient at another host (tests/sink in SINK_DIR) and to one that it refuses: they arrive, twice
    only if the program died in between, and the sender gets one report."""

    retries = True
    SINK = "SINK_DIR"
    ANNA, NOBODY = "anna@far.test", "refused@far.test"
    PARTS = ([ANNA], [NOBODY], [ANNA, NOBODY])

    def round(self):
        self.rounds += 1
        sent = {f"{self.name}.{number}.{self.rounds}": part for number, part in enumerate(self.PARTS)}
        self.recipients = {**self.recipients, **sent}
        smtp = smtplib.SMTP("127.0.0.1", self.box.port("SUBMISSION_PORT"), "client.test", timeout=PATIENCE)
        smtp.login(self.user, self.password)
        for identity, recipients in sent.items():
            self.send(smtp, identity, self.address, recipients)
        smtp.quit()

    recipients = {}

    def judge(self, messages):
        reports = collections.Counter(identity_in(octets) for octets in messages)
        arrived = collections.Counter(self.take_arrived())
        found = [f"phantom: {identity}" for identity in {*reports, *arrived} - {*self.recipients}]
        for identity, recipients in self.recipients.items():
            found += self.problems_of(identity, recipients, arrived[identity], reports[identity])
        self.recipients = {}
        return found

    def problems_of(self, identity, recipients, arrivals, reports):
        fate, self.ledger.fate[identity] = self.ledger.fate.get(identity), "judged"
        arrives, is_reported = self.ANNA in recipients, self.NOBODY in recipients
        served = arrives <= arrivals <= arrives * (1 + self.deaths) and reports == is_reported
        nothing = arrivals == reports == 0
        self.unknown += fate == "unknown"
        self.unknown_there += fate == "unknown" and served
        good = {"acknowledged": served, "refused": nothing}.get(fate, served or nothing)
        return [] if good else [f"{identity}, {fate}, to {recipients}: arrived {arrivals} times, reported {reports} times"]

    def take_arrived(self):
        """Identities of what the other host has received to its end since the last time."""
        for path in glob.glob(f"{os.environ[self.SINK]}/*.eml"):
            yield self.identity_of(path)
            os.unlink(path)

    def identity_of(self, path):
        with open(path, "rb") as content:
            octets = content.read()
        identity = identity_in(octets)
        whole = octets.endswith(body_of(identity, self.address).partition("\r\n")[2].encode())
        return identity if whole else f"changed: {identity}"


class Told(Relayed):
    """Messages of which the sender asks to hear that they have arrived, to a host that makes no reports (tests/sink in PLAIN_DIR) and to
    a mailbox here: the sender gets one report of each recipient."""

    SINK = "PLAIN_DIR"
    wishes = ("NOTIFY=SUCCESS",)
    ANNA = "anna@plain.test"

    def __init__(self, box, name):
        super().__init__(box, name)
        self.bob = f"{box.env['USER2']}@{box.env['DOMAIN']}"
        self.PARTS = ([self.ANNA], [self.bob], [self.ANNA, self.bob])

    def judge(self, messages):
        reports = collections.Counter((identity_in(octets), *told) for octets in messages for told in told_by(octets))
        arrived = collections.Counter(self.take_arrived())
        found = [f"phantom: {identity}" for identity in {each[0] for each in reports} | {*arrived} if identity not in self.recipients]
        for identity, recipients in self.recipients.items():
            told = [reports[identity, "delivered" if each == self.bob else "relayed", each] for each in recipients]
            found += self.problems_of(identity, recipients, arrived[identity], told)
        self.recipients = {}
        return found

    def problems_of(self, identity, recipients, arrivals, reports):
        fate, self.ledger.fate[identity] = self.ledger.fate.get(identity), "judged"
        arrives = self.ANNA in recipients
        served = arrives <= arrivals <= arrives * (1 + self.deaths) and set(reports) == {1}
        nothing = arrivals == 0 and set(reports) == {0}
        self.unknown += fate == "unknown"
        self.unknown_there += fate == "unknown" and served
        good = {"acknowledged": served, "refused": nothing}.get(fate, served or nothing)
        return [] if good else [f"{identity}, {fate}, to {recipients}: arrived {arrivals} times, told of {reports} times"]


def told_by(octets):
    """(action, recipient) of each recipient that a report is about."""
    fields = re.findall(rb"^Final-Recipient: rfc822; (\S+)\r\nAction: (\w+)\r$", octets, re.M)
    return [(action.decode(), recipient.decode()) for recipient, action in fields]


class Imap:
    """A connection, one command at a time; throws CUT_OFF when it ends."""

    def __init__(self, box, user, password):
        self.socket = socket.create_connection(("127.0.0.1", box.port("IMAP_PORT")), timeout=PATIENCE)
        self.file = self.socket.makefile("rb")
        self.line()
        if self.ask(f"LOGIN {user} {password}")[0] != "OK":  # the session that was to come has been killed
            raise EOFError

    def line(self):
        line = self.file.readline()
        if not line.endswith(b"\n"):
            raise EOFError
        return line

    def ask(self, command, literal=None):
        """(OK, NO or BAD; all lines, with literals)"""
        text = f"a {command}" + (f" {{{len(literal)}+}}" if literal is not None else "")
        self.socket.sendall(text.encode() + b"\r\n" + (literal + b"\r\n" if literal is not None else b""))
        answer = b""
        while True:
            line = self.line()
            answer += line
            size = re.search(rb"\{(\d+)\}\r\n$", line)
            if size:
                answer += self.file.read(int(size.group(1)))
            elif line.startswith(b"a "):
                return line.split()[1].decode(), answer

    @staticmethod
    def numbers(answer, code):
        """What APPENDUID or COPYUID tells, or the code UIDVALIDITY: (UIDVALIDITY, the last set of UIDs or nothing)"""
        found = re.search(rb"\[%s (\d+)(?: (?:\S+ )?(\d+))?\]" % code, answer)
        return int(found.group(1)), found.group(2) and int(found.group(2))


# What is asked, with which literal; the code of its answer that tells numbers, and of which folder; what it does to the model.
Step = collections.namedtuple("Step", "command literal code folder act")


class Changes(Workload):
    """IMAP commands that change a mailbox; whichever is cut off has happened or not."""

    account = 2

    def __init__(self, box, name):
        super().__init__(box, name)
        self.before, self.after = Folders(), Folders()
        self.numbers = Numbers()
        self.complaints = []

    def prepare(self):
        self.rounds += 1

    def identity(self, number):
        return f"{self.name}.{number}.{self.rounds}"

    def steps(self):
        a, b, c = (f"{self.rounds}.{name}" for name in "abc")
        one, two, three, four = (self.identity(number) for number in (1, 2, 3, 4))

        def add(name, identity, flags=""):
            def act(folders):
                folder = folders.folders[name]
                folder[f"+{len(folder)}{identity}"] = (identity, flags)
            return act

        def flag(name, flags, which=min):
            def act(folders):
                folder = folders.folders[name]
                uid = which(folder, key=order)
                folder[uid] = (folder[uid][0], flags)
            return act

        def move(source, target, keep):
            def act(folders):
                origin, goal = folders.folders[source], folders.folders[target]
                uid = min(origin, key=order)
                goal[f"+{len(goal)}{uid}"] = origin[uid]
                if not keep:
                    del origin[uid]
            return act

        def expunge(name):
            def act(folders):
                folders.folders[name] = {u: m for u, m in folders.folders[name].items() if "Deleted" not in m[1]}
            return act

        return [
            Step(f"CREATE {a}", None, None, a, lambda folders: folders.create(a)),
            Step(f"APPEND {a}", one, b"APPENDUID", a, add(a, one)),
            Step(f"APPEND {a}", two, b"APPENDUID", a, add(a, two)),
            Step(f"APPEND {a} (\\Seen)", three, b"APPENDUID", a, add(a, three, "\\Seen")),
            Step(f"SELECT {a}", None, b"UIDVALIDITY", a, lambda folders: None),
            Step("STORE 1 FLAGS (\\Flagged word)", None, None, a, flag(a, "\\Flagged word")),
            Step(f"CREATE {b}", None, None, b, lambda folders: folders.create(b)),
            Step(f"COPY 1 {b}", None, b"COPYUID", b, move(a, b, keep=True)),
            Step(f"MOVE 1 {b}", None, b"COPYUID", b, move(a, b, keep=False)),
            Step("STORE 2 FLAGS (\\Deleted)", None, None, a, flag(a, "\\Deleted", max)),
            Step("EXPUNGE", None, None, a, expunge(a)),
            Step(f"APPEND {a}", four, b"APPENDUID", a, add(a, four)),
            Step(f"RENAME {b} {c}", None, None, c, lambda folders: folders.rename(b, c)),
            Step(f"DELETE {a}", None, None, a, lambda folders: folders.delete(a)),
        ]

    def round(self):
        imap = Imap(self.box, self.user, self.password)
        for step in self.steps():
            self.after = self.before.copy()
            step.act(self.after)
            self.note()
            status, answer = imap.ask(step.command, body_of(step.literal).encode() if step.literal else None)
            if status == "OK":
                self.before = self.after
                self.acknowledged += 1
                self.take_numbers(step, answer)
            elif not self.may_refuse(step.command, status):
                raise AssertionError(f"{step.command}: {answer}")
            else:
                self.after = self.before
                return  # what comes next needs it
        self.note()

    def take_numbers(self, step, answer):
        if step.code is None:
            return
        validity, uid = Imap.numbers(answer, step.code)
        self.complaints += self.before.told_validity(step.folder, validity)
        if uid is not None:
            self.complaints += self.numbers.given(validity, uid, step.literal or self.identity(1))

    def may_refuse(self, command, status):
        return status == "NO" and self.box.disk_fails

    def state(self):
        """The folders of this program's rounds as they are."""
        try:
            imap = Imap(self.box, self.user, self.password)
            names = re.findall(rb'^\* LIST \([^)]*\) \S+ "?([^"\r\n]+)"?\r$', imap.ask('LIST "" *')[1], re.M)
            folders = Folders()
            for name in (each.decode() for each in names if each != b"INBOX"):
                status, answer = imap.ask(f"EXAMINE {name}")
                if status != "OK":
                    return None
                folders.validities[name], _ = Imap.numbers(answer, b"UIDVALIDITY")
                fetched = imap.ask("UID FETCH 1:* (UID FLAGS BODY.PEEK[])")[1] if b"* 0 EXISTS" not in answer else b""
                folders.folders[name] = dict(self.messages(fetched))
            imap.ask("LOGOUT")
            return folders
        except CUT_OFF:
            return None

    def messages(self, fetched):
        for part in re.split(rb"(?m)^\* \d+ FETCH \(", fetched)[1:]:
            uid = int(re.search(rb"UID (\d+)", part).group(1))
            flags = re.search(rb"FLAGS \(([^)]*)\)", part).group(1).decode()
            octets = part[part.index(b"}\r\n") + 3 :]
            identity = identity_in(octets)
            if body_of(identity).encode() not in octets:
                identity = f"changed {identity}"
            yield uid, (identity, " ".join(flag for flag in flags.split() if flag != "\\Recent"))

    def inspect(self):
        folders = eventually(self.state, "an IMAP session")
        found, self.complaints = self.complaints, []
        in_question = self.before != self.after
        self.unknown += in_question
        self.unknown_there += in_question and folders == self.after
        if folders not in (self.before, self.after):
            found.append(f"is {folders}, may be {self.before} or {self.after}")
        expected = self.after if folders == self.after else self.before
        for name, messages in folders.folders.items():
            found += expected.told_validity(name, folders.validities[name])
            found += [f"{name}: {problem}" for problem in self.numbers.problems(folders.validities[name], messages)]
        self.before = self.after = folders
        return found

    def tidy(self):
        def remove_all():
            try:
                imap = Imap(self.box, self.user, self.password)
                for name in list(self.before.folders):
                    status, answer = imap.ask(f"DELETE {name}")
                    if status != "OK" and b"[NONEXISTENT]" not in answer:  # which it is after a connection that was cut off
                        return False
                    self.before.delete(name)
                return True
            except CUT_OFF:
                return False
        eventually(remove_all, "an IMAP session that removes")
        self.after = self.before


def login(box, user, password):
    """Whether one can log in: "yes" or "no"; nothing when there is no answer."""
    try:
        pop3 = poplib.POP3("127.0.0.1", box.port("POP3_PORT"), timeout=PATIENCE)
        pop3.user(user)
        pop3.pass_(password)
        pop3.quit()
        return "yes"
    except poplib.error_proto as refused:
        return "no" if "[AUTH]" in str(refused) else None
    except CUT_OFF:
        return None


class Passwords(Workload):
    """An account's password is changed, by the tool: what was acknowledged is good, and nothing that was before it."""

    account = 2

    def __init__(self, box, name):
        super().__init__(box, name)
        self.good, self.asked, self.former = self.password, None, None

    def prepare(self):
        self.rounds += 1

    def round(self):
        for step in range(3):
            self.asked = f"{self.name}.{step}.{self.rounds}"
            self.note()
            answer = self.box.tool("account", "passwd", self.user, "--password-stdin", given=f"{self.asked}\n")
            if answer.returncode != 0:
                return
            self.former, self.good, self.asked = self.good, self.asked, None
            self.acknowledged += 1
            self.note()

    def inspect(self):
        may_be = {self.good, self.asked} - {None}
        good = {each for each in may_be | {self.former} - {None}
                if eventually(lambda: login(self.box, self.user, each), "an answer to a login") == "yes"}
        self.unknown += self.asked is not None
        self.unknown_there += self.asked in good
        found = [] if len(good) == 1 and good <= may_be else [f"good passwords: {good}, may be: {may_be}"]
        self.good, self.asked = next(iter(good & may_be), self.good), None
        return found


class Accounts(Workload):
    """Accounts, aliases and devices, by the tool."""

    def __init__(self, box, name):
        super().__init__(box, name)
        self.accounts = {}  # name -> "acknowledged" or "unknown"
        self.aliases = {}  # address -> set of what it may lead to: accounts in their order
        self.devices = {}  # name -> the steps that were acknowledged
        self.ids = {}
        self.prefix = f"user{os.getpid()}x"  # of names that no run before had

    def round(self):
        self.rounds += 1
        name = f"{self.prefix}{self.rounds}"
        address = f"{name}.alias@{self.box.env['DOMAIN']}"
        self.accounts[name] = "unknown"
        if not self.done("account", "add", name, "--no-password"):
            return
        self.accounts[name] = "acknowledged"
        shown = self.box.tool("account", "--json", "show", name)
        if shown.returncode == 0:
            self.ids[name] = json.loads(shown.stdout)["id"]
        for accounts in (name,), (), (self.user,), tuple(sorted((name, self.user))):
            self.aliases.setdefault(address, {()}).add(accounts)
            if not self.done("account", "alias", *(["set", address, *accounts] if accounts else ["remove", address])):
                return
            self.aliases[address] = {accounts}
        self.device_round(name)

    def device_round(self, name):
        """One device through all of its life."""
        given = [f"--{each}" for each in ("dns-name", "from", "contact", "purpose")]
        values = [f"{name}.devices.test", "office@devices.test", "office@devices.test", "test"]
        request = [word for pair in zip(given, values) for word in pair]
        self.devices[name] = []
        for step, more in (("request", request), ("approve", []), ("suspend", []), ("resume", []),
                           ("edit", ["--purpose", "another"]), ("remove", [])):
            if not self.done("device", step, name, *more, "--why", step):
                return
            self.devices[name].append(step)
        self.note()

    def device_problems(self, name):
        """One step may be there that was not acknowledged: the last one."""
        steps = [each["step"] for each in eventually(lambda: self.history(name), "an answer of policyd")[0]]
        done = self.devices[name]
        self.devices[name] = steps
        good = steps[:len(done)] == done and len(steps) <= len(done) + 1
        return [] if good else [f"device {name}: its history is {steps}, acknowledged were {done}"]

    def history(self, name):
        """A list of one: the history, empty when there is no such device."""
        answer = self.box.tool("device", "--json", "history", name)
        if answer.returncode == 0:
            return [json.loads(answer.stdout)]
        return [[]] if "no device of that name" in answer.stderr else None

    def done(self, *command):
        self.note()
        answer = self.box.tool(*command)
        self.acknowledged += answer.returncode == 0
        return answer.returncode == 0

    def listed(self):
        accounts, aliases = self.box.tool("account", "--json", "list"), self.box.tool("account", "--json", "alias", "list")
        if accounts.returncode != 0 or aliases.returncode != 0:
            return None
        return json.loads(accounts.stdout), json.loads(aliases.stdout)

    def inspect(self):
        accounts, aliases = eventually(self.listed, "an answer of policyd")
        there = {each["name"]: each["id"] for each in accounts}
        found = []
        for name, fate in self.accounts.items():
            if fate == "acknowledged" and name not in there:
                found.append(f"lost: account {name}")
            if fate == "unknown":
                self.unknown += 1
                self.unknown_there += name in there
        for name, number in there.items():
            if self.ids.setdefault(name, number) != number:
                found.append(f"renumbered: account {name} was {self.ids[name]} and is {number}")
        if len(set(self.ids.values())) != len(self.ids):
            found.append(f"an id of two accounts: {self.ids}")
            eventually(lambda: os.path.isdir(f"{self.box.path}/spool/mail/{number}"), f"the directory of account {name}")
        found += [f"phantom: account {name}" for name in there.keys() - self.accounts.keys() if name.startswith(self.prefix)]
        self.accounts = {name: "acknowledged" for name in self.accounts if name in there}
        leads_to = {each["address"]: tuple(sorted(each["accounts"])) for each in aliases}
        unknown = leads_to.keys() - self.aliases.keys()
        found += [f"phantom: alias {address}" for address in unknown if address.startswith(self.prefix)]
        for address, may_be in self.aliases.items():
            accounts = leads_to.get(address, ())
            if accounts not in may_be:
                found.append(f"alias {address}: leads to {accounts}, may lead to {may_be}")
            self.aliases[address] = {accounts}
        for name in self.devices:
            found += self.device_problems(name)
        return found
