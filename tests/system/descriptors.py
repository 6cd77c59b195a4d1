#!/usr/bin/env python3
"""Every descriptor of every process of the sandbox of the file that MAILROOM_ENV names, by kind and by who has the other end.

One line for each process: its name, then what it has open, sorted, as often as it has it:
    null, memfd:NAME, eventpoll, signalfd, inotify, PATH (of the file system), listen:PORT,
    tcp:PEER, pipe>NAME or pipe<NAME (own: nobody else has it), channel:NAME (a pair of Unix sockets, of which NAME has the
    other end; own: nobody else has it; tools: it listens for them)
Connections and sessions are called LISTENER/PEER, by the address of their client.
"""
import collections
import os
import re
import subprocess
import sys

with open(os.environ["MAILROOM_ENV"], encoding="utf-8") as lines:
    ENV = dict(re.findall(r"^(?:export )?(\w+)='?([^'\n]*)'?$", lines.read(), re.M))
BOX = os.path.dirname(os.path.realpath(os.environ["MAILROOM_ENV"]))
PORTS = {value: name[: -len("_PORT")].lower() for name, value in ENV.items() if name.endswith("_PORT")}


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return [int(child) for child in file.read().split()]


def name_of(pid):
    with open(f"/proc/{pid}/cmdline", encoding="latin-1") as file:
        return file.read().split("\0")[0]


def tree(pid):
    return [pid] + [each for child in children(pid) for each in tree(child)]


def descriptors(pid):
    """number -> (what it leads to, whether it can be written to)"""
    found = {}
    for fd in os.listdir(f"/proc/{pid}/fd"):
        with open(f"/proc/{pid}/fdinfo/{fd}", encoding="ascii") as file:
            flags = int(re.search(r"^flags:\s*(\d+)", file.read(), re.M).group(1), 8)
        found[int(fd)] = (os.readlink(f"/proc/{pid}/fd/{fd}"), flags & os.O_ACCMODE != os.O_RDONLY)
    return found


def unix_peers():
    """inode -> that of the other end"""
    listed = subprocess.run(["ss", "-xanH"], capture_output=True, text=True, check=True).stdout
    return {row[5]: row[7] for row in map(str.split, listed.splitlines()) if len(row) >= 8}


def address(text):
    octets, port = text.split(":")
    return ".".join(str(int(octets[i : i + 2], 16)) for i in (6, 4, 2, 0)), str(int(port, 16))


def tcp_sockets():
    """inode -> "listen:SERVICE" or the peer's address"""
    with open("/proc/net/tcp", encoding="ascii") as file:
        rows = [line.split() for line in file][1:]
    listening = "0A"
    return {
        row[9]: "listen:" + PORTS.get(address(row[1])[1], "?") if row[3] == listening else "tcp:" + address(row[2])[0]
        for row in rows
    }


MAILROOMD = int(ENV["PID"])
OPEN = {pid: descriptors(pid) for pid in tree(MAILROOMD)}
TCP, PEERS = tcp_sockets(), unix_peers()


def inode(link):
    return re.sub(r"\D", "", link)


def title(pid):
    name = "mailroomd" if pid == MAILROOMD else name_of(pid)
    client = [TCP.get(inode(link), "") for link, _ in OPEN[pid].values() if link.startswith("socket:")]
    client = [each[len("tcp:") :] for each in client if each.startswith("tcp:")]
    return f"{name}/{client[0]}" if client else name


TITLES = {pid: title(pid) for pid in OPEN}


def others(pid, kind, number):
    """Who has it, but for this process; of a pipe of the log, logd."""
    holders = {TITLES[each] for each in OPEN for link, _ in OPEN[each].values() if link == f"{kind}:[{number}]"}
    if kind == "pipe" and "logd" in holders:
        return "logd"
    if holders == {TITLES[pid]}:
        return "own"
    return "+".join(sorted(holders)) or "outside"


def words(pid, link, writes):
    if link.startswith("socket:"):
        number = inode(link)
        if number in TCP:
            return TCP[number]
        peer = PEERS.get(number, "0")
        return "channel:" + (others(pid, "socket", peer) if peer != "0" else "tools")
    if link.startswith("pipe:"):
        return ("pipe>" if writes else "pipe<") + others(pid, "pipe", inode(link))
    if link.startswith("anon_inode:"):
        return link[len("anon_inode:") :].strip("[]")
    if link.startswith("/memfd:"):
        return "memfd:" + link[len("/memfd:") :].split(" ")[0]
    return {"/dev/null": "null"}.get(link, link.replace(BOX, "DIR"))


for pid in OPEN:
    counts = collections.Counter(words(pid, link, writes) for link, writes in OPEN[pid].values())
    print(TITLES[pid], *(f"{count}*{what}" if count > 1 else what for what, count in sorted(counts.items())))
