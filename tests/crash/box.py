"""A sandbox (tools/mr-sandbox) whose processes are harmed: started and killed as a whole in a fifth of a second, and any program
of it started under strace with an injection.
"""
import glob
import os
import re
import signal
import socket
import subprocess
import time

PATIENCE = 60  # seconds, for a loaded machine


class NotInTime(Exception):
    pass


class Ended(NotInTime):
    """All of them have ended, and nobody will answer."""


def eventually(condition, what, patience=PATIENCE):
    end = time.monotonic() + patience
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise NotInTime(what)
        time.sleep(0.03)


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
        eventually(self.ports_are_free, "free ports")
        ready, ours = os.pipe()
        command = [f"{self.path}/libexec/mailroomd", "--config", f"{self.path}/mailroom.conf", "--ready-fd", str(ours)]
        if os.getuid() != 0:
            command.append("--unprivileged")
        with open(f"{self.path}/log", "ab") as log:
            self.log_at_start = log.tell()
            self.mailroomd = subprocess.Popen(command, pass_fds=[ours], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                              start_new_session=True)
        os.close(ours)
        with os.fdopen(ready, "rb") as answer:
            return answer.read(6) == b"ready\n"

    def ports_are_free(self):
        """Also of those who end with a mailroomd that has ended; the name server of a zone goes on."""
        try:
            for port in (int(value) for name, value in self.env.items() if name.endswith("_PORT") and name != "DNS_PORT"):
                with socket.socket() as probe:
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    probe.bind(("127.0.0.1", port))
            return True
        except OSError:
            return False

    def has_ended(self):
        return self.mailroomd.poll() is not None

    def everyone(self):
        found, parents = [], [self.mailroomd.pid]
        while parents:
            parents = [child for parent in parents for child in children(parent)]
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

    def stop(self):
        """Tells all of them to end, and waits until they have, if they run."""
        self.mailroomd.send_signal(signal.SIGTERM)
        self.mailroomd.wait(PATIENCE)

    def log_since(self, offset):
        with open(f"{self.path}/log", encoding="latin-1") as log:
            log.seek(offset)
            return log.read()

    def log_of_this_start(self):
        return self.log_since(self.log_at_start)

    def ends_of(self, program):
        """How it has ended since the start, each time."""
        return re.findall(rf' process-(?:died|ended) process={program}#\d+ .*reason="([^"]*)"', self.log_of_this_start())

    def kill_process(self, program):
        """And waits until it is there again."""
        before = self.pids_of(program)
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        eventually(lambda: self.pids_of(program) - before, f"{program}, started again")

    def pids_of(self, program):
        return {pid for pid in children(self.mailroomd.pid) if os.path.basename(name_of(pid)) == program}

    # ---- harm

    def arm(self, program, tracers):
        """The next starts of the program are under these, each under its own; those after them are not."""
        self.disarm(program)
        for life, each in enumerate(tracers):
            with open(f"{self.path}/armed.{program}.{life}", "w", encoding="ascii") as file:
                file.write(each)
        script, real = self.places_of(program)
        os.unlink(script)
        with open(script, "w", encoding="ascii") as file:
            file.write(f"""#!/bin/sh
for armed in {self.path}/armed.{program}.*; do
    [ -e "$armed" ] || break
    tracer=$(cat "$armed")
    rm "$armed"
    exec $tracer {real} "$@"
done
exec {real} "$@"
""")
        os.chmod(script, 0o755)

    def disarm(self, program):
        for armed in glob.glob(f"{self.path}/armed.{program}.*"):
            os.unlink(armed)
        script, real = self.places_of(program)
        if os.path.lexists(script):
            os.unlink(script)
        os.symlink(real, script)

    def places_of(self, program):
        """(what mailroomd starts, what there is to start)"""
        return f"{self.path}/libexec/{program}", f"{self.build}/daemons/{program}/{program}"

    # ---- tools

    def tool(self, name, *arguments, given=None):
        if self.mailroomd is not None and self.has_ended():
            raise Ended(f"an answer to mr-{name}")
        return subprocess.run([f"{self.build}/tools/mr-{name}", "--config", f"{self.path}/mailroom.conf", *arguments],
                              input=given, capture_output=True, text=True, timeout=PATIENCE)

    def pending(self):
        """Messages in the queue; nothing when queued does not answer."""
        answer = self.tool("queue", "pending")
        return int(answer.stdout) if answer.returncode == 0 else None


def children(pid):
    try:
        found = []
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children", encoding="ascii") as file:
                found += map(int, file.read().split())
        return found
    except (FileNotFoundError, ProcessLookupError):
        return []


def name_of(pid):
    """Processes are started with their name as the first argument."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read().split(b"\0")[0].decode()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def alive(pid):
    try:
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            return re.search(r"^State:\s*[ZX]", file.read(), re.M) is None
    except (FileNotFoundError, ProcessLookupError):
        return False
