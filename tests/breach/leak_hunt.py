#!/usr/bin/env python3
"""Secrets in the memory of processes that must not have them.

leak_hunt.py BOX TABLE    BOX is a running sandbox, its variables (BOX/env) are in the environment; TABLE is what
                          `intruder --secrets` prints: a line for each secret with the places that may hold it

Secrets go through the system, each on a connection of its own: passwords that are right and wrong, messages that come in and go
out, the keys of a TLS connection.  While sessions of another account, logins of all kinds and a connection to another host are
there, the memory of every process is searched for them.  SINK is the directory of a sink (tests/sink) that is smart.test, does not
answer content, and knows the user campus with SMARTHOST_PASSWORD.  Prints lines for report_of of tests/system/lib.sh.
"""
import collections
import glob
import imaplib
import os
import poplib
import re
import secrets
import smtplib
import socket
import ssl
import subprocess
import sys
import time

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "system"))
from memory_search import found_in, key_forms

PATIENCE = 60  # seconds
ENV = os.environ
Process = collections.namedtuple("Process", "pid place name")


def random_word():
    return "canary" + secrets.token_hex(16)


# Beyond ASCII a password goes through ICU (libcommon/text/saslprep), which keeps short strings elsewhere than long ones.
def beyond_ascii():
    return ["canary\u00e4" + secrets.token_hex(8), "canary\u00e4" + secrets.token_hex(32)]


def remains(word):
    """What malloc() leaves of it when it is freed."""
    return [encoded[16:] for encoded in (word.encode(), word.encode("utf-16-le"))]


# ---- processes


def status(pid, key):
    with open(f"/proc/{pid}/status") as file:
        return re.search(rf"^{key}:\s*(\d+)", file.read(), re.M).group(1)


def name_of(pid):
    with open(f"/proc/{pid}/cmdline", "rb") as file:
        return file.read().split(b"\0")[0].decode()


def children(pid):
    answer = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True).stdout
    return [int(each) for each in answer.split()]


# Places of what forks and of what it forks, as daemons/process_walls.h has them.
FORKING = {
    "smtpd": ("smtp-listener", "smtp-connection"),
    "pop3d": ("listener", "connection"),
    "imapd": ("listener", "connection"),
    "kpopd": ("listener", "connection"),
    "relayd": ("relayd", "relay-connection"),
}


def processes(settings):
    """The supervisor's children, and theirs."""
    supervisor = int(ENV["PID"])
    found = [Process(supervisor, "mailroomd", "mailroomd")]
    for pid in children(supervisor):
        name = name_of(pid)
        place, place_of_children = FORKING.get(name.split("-")[0], (name, None))
        found.append(Process(pid, place, name))
        for child in children(pid):
            place = "session" if int(status(child, "Uid")) >= settings["uid-base.accounts"] else place_of_children
            found.append(Process(child, place, f"{place} of {name}"))
    return found


# ---- secrets


def stored_hashes(box):
    """What crypt(3) made of the passwords, as authd's store has it."""
    hashes = set()
    for path in glob.glob(f"{box}/state/authd/*"):
        with open(path, "rb") as file:
            hashes |= set(re.findall(rb"\$(?:y|7|6|5|2b|gy)\$[./A-Za-z0-9$=,]{20,}", file.read()))
    return sorted(hashes)


def scram_keys(box):
    """StoredKey and ServerKey of the SHA-256 verifiers (daemons/authd/scram_verifier.h), as authd's store has them."""
    salt, key = rb"\x10\0\0\0.{16}", rb"\x20\0\0\0(.{32})"
    keys = set()
    for path in glob.glob(f"{box}/state/authd/*"):
        with open(path, "rb") as file:
            for found in re.finditer(salt + (32768).to_bytes(4, "little") + key + key, file.read(), re.DOTALL):
                keys |= set(found.groups())
    return sorted(keys)


def keytab_keys(path):
    """Of each entry (MIT's keytab format, version 2), in octets."""
    with open(path, "rb") as file:
        octets = file.read()
    keys, at = [], 2
    while at + 4 <= len(octets):
        size = int.from_bytes(octets[at : at + 4], "big", signed=True)
        entry, at = octets[at + 4 : at + 4 + abs(size)], at + 4 + abs(size)
        if size <= 0:  # a hole
            continue
        place = 2
        for _ in range(int.from_bytes(entry[:2], "big") + 1):  # realm and components
            place += 2 + int.from_bytes(entry[place : place + 2], "big")
        place += 4 + 4 + 1 + 2  # type of name, time, version, type of key
        length = int.from_bytes(entry[place : place + 2], "big")
        keys.append(entry[place + 2 : place + 2 + length])
    return keys


def traffic_secrets(path):
    with open(path, encoding="ascii") as file:
        return [bytes.fromhex(line.split()[2]) for line in file if "_TRAFFIC_SECRET_0" in line]


# ---- clients


def tls_context(keylog=None):
    context = ssl.create_default_context(cafile=ENV["CAFILE"])
    if keylog:
        context.keylog_filename = keylog
    return context


def imap_client(keylog=None):
    return imaplib.IMAP4_SSL("localhost", int(ENV["IMAPS_PORT"]), ssl_context=tls_context(keylog), timeout=PATIENCE)


def eventually(condition, what):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise RuntimeError(f"never: {what}")


def newest_child(listener, known):
    return eventually(lambda: [pid for pid in children(listener) if pid not in known], "a process for the connection")[-1]


def wrong_login(password):
    """A connection that has been refused once, and stays."""
    client = imap_client()
    try:
        client.login(ENV["USER1"], password)
    except imaplib.IMAP4.error:
        return client
    raise RuntimeError("a wrong password was good")


def account(*arguments, given=None):
    subprocess.run([f"{ENV['TOOLS']}/mr-account", "--config", ENV["CONFIG"], *arguments], input=given, text=True, check=True,
                   capture_output=True)


def sessions_of_another():
    """By IMAP and by POP3; of an account that has none of the secrets."""
    password = random_word()
    account("add", "dora", "--password-stdin", given=f"{password}\n")
    imap = imap_client()
    imap.login("dora", password)
    imap.select("INBOX")
    pop3 = poplib.POP3_SSL("localhost", int(ENV["POP3S_PORT"]), context=tls_context(), timeout=PATIENCE)
    pop3.user("dora")
    pop3.pass_(password)
    return imap, pop3


def submitting(password):
    """A connection that has logged in and stays."""
    client = smtplib.SMTP_SSL("localhost", int(ENV["SMTPS_PORT"]), "client.test", context=tls_context(), timeout=PATIENCE)
    client.login(ENV["USER2"], password)
    return client


def send_away(client, mark):
    """To a host that takes the content and says nothing of it: its connection stays."""
    client.sendmail(f"{ENV['USER2']}@{ENV['DOMAIN']}", ["anna@smart.test"],
                    f"From: {ENV['USER2']}@{ENV['DOMAIN']}\r\nSubject: {mark}\r\n\r\n" + f"{mark}\r\n" * 50)
    eventually(lambda: os.path.exists(f"{ENV['SINK']}/000001.eml"), "a message at the other host")


def kdc_login(password):
    """A login of an account whose password the KDC has."""
    environment = {**ENV, "KRB5_KDC_PROFILE": f"{os.path.dirname(ENV['KRB5_CONFIG'])}/kdc.conf"}
    subprocess.run(["kadmin.local", "-r", ENV["REALM"], "addprinc", "-pw", password, "carol"], env=environment, check=True,
                   capture_output=True)
    account("add", "carol", "--kerberos", f"carol@{ENV['REALM']}")
    with imap_client() as client:
        client.login("carol", password)


def send(mark):
    with smtplib.SMTP("localhost", int(ENV["SMTP_PORT"]), "client.test", timeout=PATIENCE) as client:
        client.sendmail("a@client.test", [f"{ENV['USER2']}@{ENV['DOMAIN']}"], f"Subject: {mark}\r\n\r\n" + f"{mark}\r\n" * 50)


def busy_mix():
    """What is overwritten in an honest day's work is not found; what is kept is."""
    for number in range(10):
        with imap_client() as client:
            client.login(ENV["USER1"], ENV["PASS1"])
            client.append("INBOX", None, None, f"Subject: {number}\r\n\r\nx\r\n".encode())
        send(f"other{number}")


def set_smarthost_password(password):
    subprocess.run([f"{ENV['TOOLS']}/mr-credential", "--config", ENV["CONFIG"], "set", "smart.test", "campus", "--password-stdin"],
                   input=password + "\n", text=True, check=True, capture_output=True)


def set_password(user, password):
    account("passwd", user, "--password-stdin", given=f"{password}\n")


# ---- the hunt


def main(box, table):
    with open(table, encoding="ascii") as lines:
        holders = {name: set(places) for name, *places in (line.split() for line in lines)}
    shown = subprocess.run([f"{ENV['TOOLS']}/mr-conf", "show", ENV["CONFIG"]], capture_output=True, text=True, check=True).stdout
    settings = {"uid-base.accounts": int(re.search(r"^uid-base.accounts\s+(\d+)", shown, re.M).group(1))}
    listener = next(p.pid for p in processes(settings) if p.name == "imapd")
    own = {}  # secret -> processes of the very connection that it is of

    right, wrong, last, mark, mark_away, kdc = (random_word() for _ in range(6))
    smarthost = ENV["SMARTHOST_PASSWORD"]
    set_password(ENV["USER2"], right)
    set_smarthost_password(smarthost)
    known = children(listener)
    refused = wrong_login(wrong)
    own["wrong-password"] = {newest_child(listener, known)}
    keylog = f"{box}/keylog"
    session = imap_client(keylog)
    session.login(ENV["USER2"], right)
    session_pid = eventually(lambda: [p.pid for p in processes(settings) if p.place == "session"], "its session")[0]
    send(mark)
    eventually(lambda: session.select("INBOX")[1] == [b"1"], "the message")
    session.fetch("1", "(RFC822)")
    others = sessions_of_another()
    listener_of_submission = next(p.pid for p in processes(settings) if p.name == "smtpd-submission")
    known = children(listener_of_submission)
    submission = submitting(right)
    own["right-password"] = own["mail-away"] = {newest_child(listener_of_submission, known)}
    send_away(submission, mark_away)
    if "keytab" in holders:
        kdc_login(kdc)
    busy_mix()
    known = children(listener)
    refused_last = wrong_login(last)  # after which nothing overwrites anything
    own["last-password"] = {newest_child(listener, known)}
    new = beyond_ascii()
    for password in new:
        set_password(ENV["USER1"], password)
    own["mail"] = own["traffic-keys"] = {session_pid}

    places = [process.place for process in processes(settings)]
    wanted = {"session": 3, "connection": 2, "smtp-connection": 1, "relay-connection": 1}
    missing = [place for place, number in wanted.items() if places.count(place) < number]
    report("sessions of two accounts are there, connections, and one to another host", not missing, missing)

    needles = {
        "tls-key": key_forms(f"{box}/tls/key.pem"),
        "password-hash": stored_hashes(box),
        "scram-keys": scram_keys(box),
        "right-password": [right.encode()],
        "wrong-password": [wrong.encode()],
        "last-password": [last.encode()],
        "new-password": [form for password in new for form in remains(password)],
        "smarthost-password": [smarthost.encode()],
        "mail": [mark.encode()],
        "mail-away": [mark_away.encode()],
        "traffic-keys": traffic_secrets(keylog),
    }
    if "keytab" in holders:
        needles["keytab"] = keytab_keys(f"{box}/kdc/keytab")
        needles["kdc-password"] = [kdc.encode()]
    assert all(needles.values()) and set(needles) == set(holders), (needles, holders)
    # A search that finds nothing proves nothing: this process has them all.
    mine = found_in(os.getpid(), needles)
    report("the search finds what is there", mine == set(needles), sorted(set(needles) - mine))
    seen = collections.defaultdict(set)
    for process in processes(settings):
        leaked = set()
        for name in found_in(process.pid, needles):
            seen[name].add(process.pid)
            if process.place not in holders[name] and process.pid not in own.get(name, ()):
                leaked.add(name)
        report(f"{process.name}: no secret that is not its own", not leaked, sorted(leaked))
    for name in ("tls-key", "password-hash", "scram-keys", "mail", "traffic-keys", "wrong-password"):
        report(f"{name}: its owner has it", bool(seen[name]))
    for client in (refused, refused_last, session, others[0]):
        client.shutdown()
    others[1].close()
    submission.close()


def report(what, good, problems=()):
    print(("ok - " if good else "not ok - ") + what)
    for problem in problems:
        print(f"# {problem}")


if __name__ == "__main__":
    main(*sys.argv[1:3])
