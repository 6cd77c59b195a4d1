"""Reports, read by Python's email package: usage: parse.py SAMPLES-PROGRAM"""
import email
import email.policy
import subprocess
import sys
import tempfile
import unittest

SAMPLES = sys.argv.pop()


def read(directory, name):
    with open(f"{directory}/{name}", "rb") as file:
        return email.message_from_binary_file(file, policy=email.policy.SMTP)


class Reports(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory()
        subprocess.run([SAMPLES, cls.directory.name], check=True)

    @classmethod
    def tearDownClass(cls):
        cls.directory.cleanup()

    def parts(self, name, third):
        report = read(self.directory.name, name)
        self.assertEqual(report.get_content_type(), "multipart/report")
        self.assertEqual(report.defects, [])
        parts = report.get_payload()
        self.assertEqual(len(parts), 3)
        self.assertEqual(parts[0].get_content_type(), "text/plain")
        self.assertEqual(parts[2].get_content_type(), third)
        for part in parts:
            self.assertEqual(part.defects, [])
        return report, parts

    def test_actions(self):
        for action, status in (("failed", "5.1.1"), ("delayed", "4.0.0"), ("delivered", "2.0.0"),
                               ("relayed", "2.0.0"), ("expanded", "2.0.0")):
            with self.subTest(action):
                report, parts = self.parts(action, "text/rfc822-headers")
                self.assertEqual(report.get_param("report-type"), "delivery-status")
                self.assertEqual(parts[1].get_content_type(), "message/delivery-status")
                message, recipient = parts[1].get_payload()
                self.assertEqual(message["Reporting-MTA"], "dns; mail.campus.example")
                self.assertEqual(recipient["Action"], action)
                self.assertEqual(recipient["Status"], status)
                self.assertEqual(recipient["Final-Recipient"], "rfc822; nobody@far.example")
                self.assertEqual("Will-Retry-Until" in recipient, action == "delayed")

    def test_two_recipients_and_the_message(self):
        report, parts = self.parts("whole", "message/rfc822")
        message, first, second = parts[1].get_payload()
        self.assertEqual(message["Original-Envelope-Id"], "QQ+314159")
        self.assertNotIn("Original-Recipient", first)
        self.assertEqual(second["Original-Recipient"], "rfc822; someone+else@campus.example")
        self.assertTrue(second["Diagnostic-Code"].startswith("smtp; 552 5.2.2 mmm"))
        self.assertTrue(second["Diagnostic-Code"].endswith("mailbox full"))
        original = parts[2].get_payload(0)
        self.assertEqual(original["Subject"], "Lunch on Monday")
        self.assertIn("--=_report_0123456789ab.1--", original.get_payload())
        self.assertIn("552 5.2.2", parts[0].get_content())
        self.assertEqual(str(report["To"].addresses[0].addr_spec), "anna@campus.example")

    def test_what_a_narrow_way_does_not_carry(self):
        self.parts("narrow", "text/rfc822-headers")
        with open(f"{self.directory.name}/narrow", "rb") as file:
            self.assertTrue(file.read().isascii())

    def test_international_recipient(self):
        _, parts = self.parts("xtext", "message/rfc822")
        self.assertEqual(parts[1].get_payload(1)["Final-Recipient"], r"utf-8; j\x{F6}rg@far.example")
        self.assertIn("jörg@far.example", parts[0].get_content())

    def test_international_sender(self):
        report, parts = self.parts("global", "message/global")
        self.assertEqual(report.get_param("report-type"), "global-delivery-status")
        self.assertEqual(parts[1].get_content_type(), "message/global-delivery-status")
        self.assertIn("jörg@far.example", parts[0].get_content())


unittest.main()
