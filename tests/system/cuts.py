"""Mail to a host at each of many addresses, and what came of it at tests/sink.

  cuts.py submit CLASS FROM TO          one message for uFROM@cFROM.CLASS.test to uTO@cTO.CLASS.test, numbers of four digits
  cuts.py length SINK-DIRECTORY         octets received and sent in the first dialogue, up to its final reply
  cuts.py check SINK-DIRECTORY CLASS FROM TO FINAL [reset]
      each recipient has the message whole; a second time only when the connection was cut before octet FINAL of what the far side
      sends: before the end of its reply to the content (0: never).  A reset may take that reply with it when it comes behind it
"""
import collections
import glob
import json
import os
import smtplib
import ssl
import sys


def address(number, name):
    return f"u{number:04d}@c{number:04d}.{name}.test"


def submit(name, first, last):
    own = f"{os.environ['USER1']}@{os.environ['DOMAIN']}"
    tls = ssl.create_default_context(cafile=os.environ["CAFILE"])
    with smtplib.SMTP_SSL(os.environ["HOST"], int(os.environ["SMTPS_PORT"]), context=tls, timeout=60) as server:
        server.login(os.environ["USER1"], os.environ["PASS1"])
        text = f"From: {own}\r\nTo: everybody\r\nSubject: {name}\r\nMessage-ID: <{name}@x>\r\n\r\n.Words.\r\n"
        server.sendmail(own, [address(n, name) for n in range(int(first), int(last) + 1)], text.encode())


def records(directory):
    for path in sorted(glob.glob(os.path.join(directory, "*.json"))):
        with open(path) as file, open(path.removesuffix(".json") + ".eml", "rb") as content:
            yield json.load(file), content.read()


def length(directory):
    facts, _ = next(records(directory))
    print(os.path.getsize(os.path.join(directory, "connection-1.in")), facts["sent"])


def check(directory, name, first, last, final, how="close"):
    came = collections.defaultdict(list)
    for facts, content in records(directory):
        for recipient in facts["recipients"]:
            came[recipient].append((facts["replies"], content.endswith(b"\r\n\r\n.Words.\r\n")))
    final, wrong = int(final), []
    again = 0
    for number in range(int(first), int(last) + 1):
        each = came[address(number, name)]
        replied = [replies == ["250"] for replies, _ in each]
        again += len(each) > 1
        if not each or not all(whole for _, whole in each):
            wrong.append((number, "lost", each))
        elif len(each) > 2 or (len(each) == 2 and (replied[0] or number >= final + (how == "reset"))):
            wrong.append((number, "twice", each))
        elif not replied[-1] and number < final:
            wrong.append((number, "never replied to", each))
    for line in wrong[:20]:
        print(*line)
    print(f"{again} of {int(last) - int(first) + 1} came twice")
    sys.exit(bool(wrong))


{"submit": submit, "length": length, "check": check}[sys.argv[1]](*sys.argv[2:])
