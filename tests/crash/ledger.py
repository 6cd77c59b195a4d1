"""What was asked of a mail system, what it acknowledged, and whether what is there afterwards agrees.

The books of the crash tests: they know messages, folders and removals, and nothing of how the system was harmed.

    lost      acknowledged, and not there
    twice     there more than once in one mailbox
    phantom   there, and never sent
    revived   refused, or acknowledged as removed, and there
    changed   there with other octets than were sent
    renumbered  a UID that was another message's before, or one below those given before; another UIDVALIDITY
"""
import collections
import hashlib
import random
import re


SENDER = "load@client.test"


def body_of(identity, sender=SENDER):
    """A message that can be told from every other, with octets that follow from its identity alone.  Identities that differ after
    their last "." are as long: a repetition makes the same calls."""
    size = random.Random(identity.rpartition(".")[0]).choice((40, 2000, 9000, 90000, 300000))
    line = "".join(random.Random(identity).choices("abcdefghijklmnopqrstuvwxyz0123456789", k=70)) + "\r\n"
    return f"From: {sender}\r\nX-T: {identity}\r\n\r\n" + line * (size // len(line) + 1)


def identity_in(octets):
    found = re.search(rb"^X-T: (\S+)\r$", octets, re.M)
    return found.group(1).decode() if found else None


def digest(octets):
    """Of what the sender wrote: delivery puts lines on top."""
    at = octets.find(f"From: {SENDER}\r\n".encode())
    return hashlib.sha256(octets[at:]).hexdigest() if at >= 0 else None


class Ledger:
    """Of one mailbox that mail is sent to."""

    def __init__(self):
        self.fate = {}  # identity -> "unknown", "acknowledged", "refused"
        self.removal = {}  # identity -> "unknown", "acknowledged"

    def attempt(self, identity):
        self.fate[identity] = "unknown"

    def acknowledge(self, identity):
        self.fate[identity] = "acknowledged"

    def refuse(self, identity):
        self.fate[identity] = "refused"

    def attempt_removal(self, identity):
        self.removal[identity] = "unknown"

    def acknowledge_removal(self, identity):
        self.removal[identity] = "acknowledged"

    def count(self, fate):
        return sum(each == fate for each in self.fate.values())

    def problems(self, messages):
        """messages: the octets of each that is there.  What is wrong, and how many of unknown fate are there."""
        seen = collections.Counter()
        found = []
        for octets in messages:
            identity = identity_in(octets)
            seen[identity] += 1
            if identity not in self.fate:
                found.append(f"phantom: {identity}")
            elif digest(octets) != hashlib.sha256(body_of(identity).encode()).hexdigest():
                found.append(f"changed: {identity}")
            if self.fate.get(identity) == "refused":
                found.append(f"revived: {identity} was refused")
            if self.removal.get(identity) == "acknowledged":
                found.append(f"revived: {identity} was removed")
        found += [f"twice: {identity}" for identity, count in seen.items() if count > 1]
        for identity, fate in self.fate.items():
            if fate == "acknowledged" and identity not in seen and identity not in self.removal:
                found.append(f"lost: {identity}")
        unknown = [identity for identity, fate in self.fate.items() if fate == "unknown"]
        return found, sum(identity in seen for identity in unknown), len(unknown)

    def settle(self, messages):
        """After a check: what is there stays, what is not there was never accepted."""
        seen = {identity_in(octets) for octets in messages}
        for identity, fate in list(self.fate.items()):
            if fate == "unknown":
                self.fate[identity] = "acknowledged" if identity in seen else "refused"
        for identity, state in list(self.removal.items()):
            if state == "unknown":
                if identity in seen:
                    del self.removal[identity]
                else:
                    self.removal[identity] = "acknowledged"


class Folders:
    """A model of folders: name -> {uid or a place-holder: (identity, flags)}.  Steps are values: Folders is copied for each."""

    def __init__(self, folders=None, validities=None):
        self.folders = {name: dict(messages) for name, messages in (folders or {}).items()}
        self.validities = dict(validities or {})  # name -> UIDVALIDITY, as far as it was told

    def copy(self):
        return Folders(self.folders, self.validities)

    def create(self, name):
        self.folders[name] = {}

    def rename(self, name, new):
        self.folders[new] = self.folders.pop(name)
        if name in self.validities:
            self.validities[new] = self.validities.pop(name)

    def delete(self, name):
        del self.folders[name]
        self.validities.pop(name, None)

    def told_validity(self, name, validity):
        """What is wrong with it: it changes only with a folder's UIDs (RFC 9051 2.3.1.1), and these are for good."""
        known = self.validities.setdefault(name, validity)
        return [] if known == validity else [f"renumbered: the UIDVALIDITY of {name} was {known}, and is {validity}"]

    def __eq__(self, other):
        return self.contents() == other.contents()

    def contents(self):
        """Without UIDs, in their order: what two states have in common when only numbers are not known."""
        return {name: [messages[uid] for uid in sorted(messages, key=order)] for name, messages in self.folders.items()}

    def __str__(self):
        return str(self.contents())


def order(uid):
    """A UID that is not known yet, a place-holder that counts, is higher than those that are."""
    return (isinstance(uid, str), uid)


class Numbers:
    """Which message had which UID: for good (RFC 9051 2.3.1.1)."""

    def __init__(self):
        self.owners = {}  # (uidvalidity, uid) -> identity
        self.highest = collections.Counter()

    def problems(self, uidvalidity, messages):
        found = []
        for uid, (identity, _) in sorted(messages.items()):
            owner = self.owners.get((uidvalidity, uid))
            if owner is None and uid <= self.highest[uidvalidity]:
                found.append(f"renumbered: {identity} has {uid}, though {self.highest[uidvalidity]} was given before")
            elif owner not in (None, identity):
                found.append(f"renumbered: {uid} was {owner}, and is {identity}")
        for uid, (identity, _) in messages.items():
            self.owners[uidvalidity, uid] = identity
        self.highest[uidvalidity] = max([self.highest[uidvalidity], *messages])
        return found

    def given(self, uidvalidity, uid, identity):
        """The server said so: also if the message is gone before anybody looks.  What is wrong with that."""
        found = []
        if uid <= self.highest[uidvalidity]:
            found.append(f"renumbered: {identity} is given {uid}, though {self.highest[uidvalidity]} was given before")
        self.owners[uidvalidity, uid] = identity
        self.highest[uidvalidity] = max(self.highest[uidvalidity], uid)
        return found
