#!/usr/bin/env python3
"""Load that knows what was acknowledged.

load.py send PORT RECIPIENT SECONDS ROUND FILE   sends from four connections at once, each message with an id of its own
                                                 (which begins with ROUND), and adds the id of each that was answered 250
                                                 to FILE
load.py check PORT CAFILE USER PASSWORD FILE     reads the mailbox by POP3 and compares: every acknowledged id must be
                                                 there, and no id twice
"""
import poplib
import re
import smtplib
import ssl
import sys
import threading
import time


def send(port, recipient, seconds, round_name, file):
    end = time.monotonic() + float(seconds)
    lock = threading.Lock()
    unknown = 0
    with open(file, "a", buffering=1) as acknowledged:

        def worker(name):
            nonlocal unknown
            number = 0
            smtp = None
            while time.monotonic() < end:
                number += 1
                identity = f"{round_name}.{name}.{number}"
                text = f"From: load@client.test\r\nTo: {recipient}\r\nX-Load: {identity}\r\n\r\n" + "x" * 70 + "\r\n"
                try:
                    if smtp is None:
                        smtp = smtplib.SMTP("127.0.0.1", int(port), "client.test", timeout=30)
                    smtp.sendmail("load@client.test", [recipient], text)
                    with lock:
                        acknowledged.write(identity + "\n")
                except (smtplib.SMTPException, OSError):
                    with lock:
                        unknown += 1
                    smtp = None
                    time.sleep(0.05)

        threads = [threading.Thread(target=worker, args=(name,)) for name in "abcd"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    print(f"{unknown} refused or unknown")


def stored_ids(port, cafile, user, password):
    context = ssl.create_default_context(cafile=cafile)
    pop3 = poplib.POP3_SSL("localhost", int(port), context=context, timeout=60)
    pop3.user(user)
    pop3.pass_(password)
    ids = []
    for number in range(1, pop3.stat()[0] + 1):
        header = b"\n".join(pop3.top(number, 0)[1]).decode()
        ids.append(re.search(r"^X-Load: (\S+)", header, re.M).group(1))
    pop3.quit()
    return ids


def check(port, cafile, user, password, file):
    with open(file) as lines:
        acknowledged = set(lines.read().split())
    ids = stored_ids(port, cafile, user, password)
    lost = acknowledged - set(ids)
    twice = len(ids) - len(set(ids))
    print(f"{len(acknowledged)} acknowledged, {len(ids)} stored, {len(lost)} lost, {twice} twice")
    return 0 if acknowledged and not lost and not twice else 1


def main():
    verbs = {"send": send, "check": check}
    if len(sys.argv) < 2 or sys.argv[1] not in verbs:
        sys.exit(__doc__)
    sys.exit(verbs[sys.argv[1]](*sys.argv[2:]))


main()
