"""Mail with wishes about TLS, and the reports on TLS that come of it.

  outbound_mail.py submit TO [--mail PARAMETER]... [--field LINE]...   logs in as the first user of the sandbox ($USER1 ...)
  outbound_mail.py tlsrpt FILE    a report by mail (RFC 8460) read by Python: lines "PATH: value"
  outbound_mail.py posted FILE    the same of one that was posted
"""
import argparse
import email
import email.policy
import gzip
import json
import os
import smtplib
import ssl
import sys


def submit(to, parameters, fields):
    own = f"{os.environ['USER1']}@{os.environ['DOMAIN']}"
    tls = ssl.create_default_context(cafile=os.environ["CAFILE"])
    with smtplib.SMTP_SSL(os.environ["HOST"], int(os.environ["SMTPS_PORT"]), context=tls, timeout=60) as server:
        server.login(os.environ["USER1"], os.environ["PASS1"])
        header = [f"From: {own}", f"To: {to}", "Subject: wishes", *fields]
        server.sendmail(own, [to], ("\r\n".join(header) + "\r\n\r\nWords.\r\n").encode(), mail_options=parameters)


def show(value, path):
    if isinstance(value, dict):
        for key, each in value.items():
            show(each, f"{path}/{key}")
    elif isinstance(value, list):
        for number, each in enumerate(value):
            show(each, f"{path}/{number}")
    else:
        print(f"{path}: {value}")


def tlsrpt(path):
    with open(path, "rb") as file:
        report = email.message_from_binary_file(file, policy=email.policy.SMTP)
    print("Type:", report.get_content_type(), report.get_param("report-type"))
    for name in ("To", "Subject", "TLS-Report-Domain", "TLS-Report-Submitter"):
        print(f"{name}: {report[name]}")
    parts = report.get_payload()
    print("Parts:", *[part.get_content_type() for part in parts])
    print("File:", parts[1].get_filename())
    show(json.loads(gzip.decompress(parts[1].get_payload(decode=True))), "")


if sys.argv[1] == "tlsrpt":
    tlsrpt(sys.argv[2])
elif sys.argv[1] == "posted":
    with gzip.open(sys.argv[2]) as posted:
        show(json.load(posted), "")
else:
    parser = argparse.ArgumentParser()
    parser.add_argument("to")
    parser.add_argument("--mail", action="append", default=[])
    parser.add_argument("--field", action="append", default=[])
    options = parser.parse_args(sys.argv[2:])
    submit(options.to, options.mail, options.field)
