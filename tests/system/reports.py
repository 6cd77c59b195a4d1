"""Mail with the wishes of RFC 3461, and the reports that come of it, read by Python's email package.

  reports.py submit FROM TO [NOTIFY]   logs in as the first user of the sandbox ($USER1 ...); FROM may be <>
  reports.py show                      a report on standard input, as lines "FIELD: value" of what programs read
"""
import email
import email.policy
import os
import smtplib
import ssl
import sys


def submit(sender, recipient, notify=""):
    tls = ssl.create_default_context(cafile=os.environ["CAFILE"])
    with smtplib.SMTP_SSL(os.environ["HOST"], int(os.environ["SMTPS_PORT"]), context=tls, timeout=60) as server:
        server.login(os.environ["USER1"], os.environ["PASS1"])
        own = f"{os.environ['USER1']}@{os.environ['DOMAIN']}"
        text = f"From: {own}\r\nTo: <{recipient}>\r\nSubject: to {recipient}\r\n\r\nWords.\r\n"
        server.sendmail("" if sender == "<>" else sender, [recipient], text.encode(),
                        mail_options=["RET=HDRS", "ENVID=QQ+2B314"],
                        rcpt_options=[f"NOTIFY={notify}"] if notify else [])


def show():
    report = email.message_from_binary_file(sys.stdin.buffer, policy=email.policy.SMTP)
    parts = report.get_payload()
    print("Type:", report.get_content_type(), report.get_param("report-type"))
    for name in ("Subject", "To", "Auto-Submitted", "Return-Path"):
        print(f"{name}: {report[name]}")
    for block in parts[1].get_payload():
        for name, value in block.items():
            print(f"{name}: {value}")
    print("Words:", " ".join(parts[0].get_content().split()))
    print("Third:", parts[2].get_content_type())


{"submit": submit, "show": show}[sys.argv[1]](*sys.argv[2:])
