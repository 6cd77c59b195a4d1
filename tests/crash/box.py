"""A sandbox (tools/mr-sandbox) whose processes are harmed: started and killed as a whole in a fifth of a second, and any program
of it started under strace with an injection.
"""
import os
import re
import signal
import subprocess
import time

PATIENCE = 60  # seconds, for a loaded machine


class NotInTime(Exception):
    pass


def eventually(condition, what, patience=PATIENCE):
    end = time.monotonic() + patience
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise NotInTime(what)
        time.sleep(0.01)


class Box:
    """An existing sandbox that is not running."""

    def __init__(self, path, build):
        self.path, self.build = path, build
        self.read_env()
        self.mailroomd = None
        self.disk_fails = False

    def read_env(self):
        with open(f"{self.path}/env", encoding="utf-8") as lines:
            self.env = dict(re.findall(r"^(?:export )?(\w+)='?([^'\n]*)'?$", lines.read(), re.M))

    def port(self, name):
        return int(self.env[name])

    # ---- the whole tree

    def start(self):
        ready, ours = os.pipe()
        command = [f"{self.path}/libexec/mailroomd", "--config", f"{self.path}/mailroom.conf", "--ready-fd", str(ours)]
        if os.getuid() != 0:
            command.append("--unprivileged")
        with open(f"{self.path}/log", "ab") as log:
            self.mailroomd = subprocess.Popen(command, pass_fds=[ours], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                              start_new_session=True)
        os.close(ours)
        with os.fdopen(ready, "rb") as answer:
            return answer.read(6) == b"ready\n"

    def everyone(self):
        found, parents = [], [self.mailroomd.pid]
        while parents:
            answer = subprocess.run(["pgrep", "-P", ",".join(map(str, parents))], capture_output=True, text=True)
            parents = [int(each) for each in answer.stdout.split()]
            found += parents
        return found

    def kill(self):
        """kill -9 of all of them: of mailroomd, which all end with."""
        if self.mailroomd is None:
            return
        others = self.everyone()
        self.mailroomd.send_signal(signal.SIGKILL)
        self.mailroomd.wait()
        self.mailroomd = None
        eventually(lambda: not any(alive(pid) for pid in others), "the end of all processes")

    # ---- harm

    def arm(self, program, options):
        """The next start of the program, and only that, is under strace with these options."""
        armed = f"{self.path}/armed.{program}"
        with open(armed, "w", encoding="ascii"):
            pass
        script = f"{self.path}/libexec/{program}"
        if os.path.lexists(script):
            os.unlink(script)
        real = f"{self.build}/daemons/{program}/{program}"
        with open(script, "w", encoding="ascii") as file:
            file.write(f'#!/bin/sh\nrm {armed} 2> /dev/null || exec {real}\nexec strace -D -f -qq {options} {real}\n')
        os.chmod(script, 0o755)

    def disarm(self, program):
        script = f"{self.path}/libexec/{program}"
        if os.path.lexists(script):
            os.unlink(script)
        os.symlink(f"{self.build}/daemons/{program}/{program}", script)

    # ---- tools

    def tool(self, name, *arguments):
        return subprocess.run([f"{self.build}/tools/mr-{name}", "--config", f"{self.path}/mailroom.conf", *arguments],
                              capture_output=True, text=True, timeout=PATIENCE)

    def pending(self):
        """Messages in the queue; nothing when queued does not answer."""
        answer = subprocess.run([f"{self.build}/tools/mr-sandbox", "pending", self.path], capture_output=True, text=True)
        return int(answer.stdout) if answer.returncode == 0 else None


def alive(pid):
    try:
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            return re.search(r"^State:\s*[ZX]", file.read(), re.M) is None
    except (FileNotFoundError, ProcessLookupError):
        return False
