#!/usr/bin/env python3
"""The report's message is what Python's own parsers make of RFC 8460 5.3: usage: read_report.py tlsrpt_test"""
import email
import email.policy
import gzip
import json
import os
import subprocess
import sys
import tempfile

with tempfile.TemporaryDirectory() as directory:
    path = os.path.join(directory, "report")
    subprocess.run([sys.argv[1], "the message"], env={**os.environ, "REPORT_FILE": path}, check=True,
                   stdout=subprocess.DEVNULL)
    octets = open(path, "rb").read()

message = email.message_from_bytes(octets, policy=email.policy.SMTP)
assert not message.defects, message.defects
assert max(len(line) for line in octets.split(b"\r\n")) <= 998
assert message.get_content_type() == "multipart/report", message.get_content_type()
assert message["Content-Type"].params["report-type"] == "tlsrpt"
assert message["TLS-Report-Domain"] == "company-y.example"
assert message["TLS-Report-Submitter"] == "mail.campus.example"
assert message["Subject"] == ("Report Domain: company-y.example Submitter: mail.campus.example "
                              "Report-ID: <2026-11-22_company-y.example@mail.campus.example>"), message["Subject"]
text, report = message.iter_parts()
assert "303 failed" in text.get_content()
assert report.get_content_type() == "application/tlsrpt+gzip"
assert report.get_filename() == "mail.campus.example!company-y.example!1795305600!1795391999!001.json.gz"
content = json.loads(gzip.decompress(report.get_content()))
assert content["date-range"]["end-datetime"] == "2026-11-22T23:59:59Z"
sts, none = content["policies"]
assert sts["summary"] == {"total-successful-session-count": 5326, "total-failure-session-count": 303}
assert [row["failed-session-count"] for row in sts["failure-details"]] == [100, 203]
assert none["policy"]["policy-type"] == "no-policy-found"
