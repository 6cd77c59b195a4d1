#!/usr/bin/env python3
"""Runs a command at a terminal of its own, and types PASSWORD and a new line for whatever asks for a password or master key, or for it again.

at_terminal.py PASSWORD COMMAND [ARGUMENT...]   exits as the command does; 124 when it takes longer than a minute
"""
import os
import pty
import re
import select
import sys
import time

QUESTION = re.compile(rb"(password|master key|again)[^\r\n]*: ?$", re.IGNORECASE)
PATIENCE = 60  # seconds


def main():
    password, command = sys.argv[1].encode(), sys.argv[2:]
    child, terminal = pty.fork()
    if child == 0:
        os.execvp(command[0], command)
    said, end = b"", time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if not select.select([terminal], [], [], 1)[0]:
            continue
        try:
            octets = os.read(terminal, 4096)
        except OSError:  # how a terminal says that nobody is there any more
            octets = b""
        if not octets:
            return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        sys.stdout.buffer.write(octets)
        sys.stdout.buffer.flush()
        said = (said + octets)[-200:]
        if QUESTION.search(said):
            os.write(terminal, password + b"\n")
            said = b""
    os.kill(child, 9)
    return 124


sys.exit(main())
