#!/usr/bin/python3
"""A network that is cut within TLS: relays connections to a server, and ends each where its address says.

  cut_proxy.py listen SERVER DIRECTORY ADDRESS:PORT...
      DIRECTORY/port gets the port (that of the first when it is 0).  The first connection to an address since DIRECTORY/cases says so is cut
      as it says for that address, a JSON object of {"way": "in"|"out", "record": N, "octets": K, "how": "close"|"reset"}: when K octets of TLS
      record N (from 0) of that way have been passed on, "out" to the server and "in" from it; other connections are whole.
      DIRECTORY/CONNECTION.json tells of each: its address, what was said for it, and what has been passed on as [way, record, octets,
      whole].
  cut_proxy.py cases DIRECTORY PREFIX FIRST PLACES HOW...
      writes the cases for addresses PREFIX.N from FIRST on (PREFIX of two numbers: PREFIX.(N/256).(N%256)), by the whole connection
      that is told of, and their number to standard output.  PLACES is "some": the end of each record, and within it after 1 octet,
      its header, half of it and all but the last; or "all": after each octet.  Each by close, by reset, or by both.
  cut_proxy.py check DIRECTORY SINK-DIRECTORY CLASS
      case N has been of a message for uN@cN.CLASS.test, numbers of four digits.  Each came whole, over TLS, and once; twice only when
      the content had been passed on and the reply to it had not.  A reset may take that reply with it when it comes right behind it.
"""
import collections
import json
import os
import select
import socket
import struct
import sys
import threading

HEADER = 5  # of a record (RFC 8446 5.1)
QUIT = HEADER + len("QUIT\r\n") + 1 + 16  # as a record of TLS 1.3: with its type and the tag


class Way:
    """Octets of one direction, and which TLS record they belong to."""

    def __init__(self):
        self.tls = False
        self.record, self.done, self.length = 0, 0, None
        self.header = b""

    def room(self, waiting):
        """How many of these octets end no later than the current record does."""
        if not self.tls:
            return len(waiting)
        return min((self.length or HEADER) - self.done, len(waiting))

    def passed(self, octets):
        """These were passed on.  True when they end a record."""
        if not self.tls:
            return False
        self.done += len(octets)
        if len(self.header) < HEADER:
            self.header += octets
            if len(self.header) == HEADER:
                self.length = HEADER + struct.unpack(">H", self.header[3:])[0]
        if self.length is None or self.done < self.length:
            return False
        self.record, self.done, self.length, self.header = self.record + 1, 0, None, b""
        return True


class Cut(Exception):
    pass


class Connection:
    def __init__(self, directory, number, client, server, address, case):
        self.path = os.path.join(directory, f"{number}.json")
        self.sockets = {"out": (client, server), "in": (server, client)}
        self.ways = {"out": Way(), "in": Way()}
        self.address, self.case, self.log = address, case, []
        self.seen = b""

    def start_tls(self, way, octets):
        """The server's first reply after STARTTLS is the last octet of plaintext that it sends; a client's next is TLS."""
        if way == "out" and not self.ways["out"].tls:
            self.seen = (self.seen + octets)[-16:]
        elif way == "in" and self.seen.upper().endswith(b"STARTTLS\r\n") and octets.endswith(b"\n"):
            self.ways["in"].tls = self.ways["out"].tls = True

    def limit(self, way, octets):
        """Of octets within one record: as many as may pass before the cut."""
        state, case = self.ways[way], self.case
        if not case or not state.tls or case["way"] != way or case["record"] != state.record:
            return len(octets)
        return min(len(octets), case["octets"] - state.done)

    def pass_on(self, way):
        source, sink = self.sockets[way]
        data = source.recv(65536)
        if not data:
            return False
        while data:
            part = data[: self.ways[way].room(data)]
            part = part[: self.limit(way, part)]
            sink.sendall(part)
            state = self.ways[way]
            record, before = state.record, state.done
            is_whole = state.passed(part)
            if state.tls:
                self.note(way, record, before + len(part), is_whole)
                self.check(way, record, before + len(part), is_whole)
            self.start_tls(way, part)
            data = data[len(part):]
        return True

    def note(self, way, record, octets, is_whole):
        if self.log and self.log[-1][:2] == [way, record]:
            self.log.pop()
        self.log.append([way, record, octets, is_whole])

    def check(self, way, record, octets, is_whole):
        """A record that holds a signature may be an octet shorter than the one that the case was made by."""
        case = self.case
        if case and case["way"] == way and case["record"] == record and (is_whole or octets >= case["octets"]):
            raise Cut

    def run(self):
        try:
            open_ways = {"out", "in"}
            while open_ways:
                ready = select.select([self.sockets[way][0] for way in open_ways], [], [], 120)[0]
                if not ready:
                    break
                for way in sorted(open_ways):
                    if self.sockets[way][0] in ready and not self.pass_on(way):
                        open_ways.discard(way)
                        self.sockets[way][1].shutdown(socket.SHUT_WR)
        except Cut:
            if self.case["how"] == "reset":
                for each in self.sockets["out"]:
                    each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except OSError:
            pass
        for each in self.sockets["out"]:
            each.close()
        with open(self.path + ".new", "w") as file:
            json.dump({"address": self.address, "cut": self.case, "passed": self.log}, file)
        os.rename(self.path + ".new", self.path)


def accept(listening, server, directory, used, lock):
    while True:
        client, _ = listening.accept()
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        address = client.getsockname()[0]
        with lock:
            try:
                with open(os.path.join(directory, "cases")) as file:
                    cases = json.load(file)
            except FileNotFoundError:
                cases = {}
            said = cases.get(address)
            case = said if used[address, str(said)] == 0 else None
            used[address, str(said)] += 1
            number = used.total()
        upstream = socket.create_connection(server)
        upstream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=Connection(directory, number, client, upstream, address, case).run, daemon=True).start()


def place(text):
    host, _, port = text.rpartition(":")
    return host, int(port)


def listen(server, directory, *places):
    os.makedirs(directory, exist_ok=True)
    used, lock, port = collections.Counter(), threading.Lock(), 0
    sockets = []
    for each in places:
        listening = socket.create_server(place(each), backlog=128)
        port = port or listening.getsockname()[1]
        sockets.append(listening)
    with open(os.path.join(directory, "port.new"), "w") as file:
        file.write(f"{port}\n")
    os.rename(os.path.join(directory, "port.new"), os.path.join(directory, "port"))
    threads = [threading.Thread(target=accept, args=(each, place(server), directory, used, lock)) for each in sockets]
    for each in threads:
        each.start()


def whole_dialogue(directory):
    """[way, record, octets] of the records of a connection that was not cut, in their order."""
    for name in sorted(os.listdir(directory)):
        if not name.endswith(".json"):
            continue
        with open(os.path.join(directory, name)) as file:
            told = json.load(file)
        if not told["cut"] and told["passed"]:
            return [each[:3] for each in told["passed"] if each[3]]
    sys.exit("no whole connection")


def cases(directory, prefix, first, places, *hows):
    out, number = {}, int(first)
    for way, record, octets in whole_dialogue(directory):
        some = {octets, 1, HEADER, octets // 2, octets - 1}
        for at in sorted(some) if places == "some" else range(1, octets + 1):
            for how in hows:
                address = f"{prefix}.{number}" if prefix.count(".") == 2 else f"{prefix}.{number // 256}.{number % 256}"
                out[address] = {"way": way, "record": record, "octets": at, "how": how}
                number += 1
    with open(os.path.join(directory, "cases"), "w") as file:
        json.dump(out, file)
    print(len(out))


class Dialogue:
    """What the records of a whole connection were for."""

    def __init__(self, directory):
        whole = whole_dialogue(directory)
        quit_at = max((n for n, (way, _, octets) in enumerate(whole) if way == "out" and octets == QUIT), default=len(whole))
        self.content = max(n for n in range(quit_at) if whole[n][0] == "out")
        self.reply = max(n for n in range(quit_at) if whole[n][0] == "in")
        self.before_content = max(n for n in range(self.content) if whole[n][0] == "in")
        self.whole = whole

    def may_repeat(self, case):
        place = next(n for n, each in enumerate(self.whole) if each[:2] == [case["way"], case["record"]])
        is_whole = case["octets"] >= self.whole[place][2]
        if case["way"] == "out":
            return place == self.content and is_whole
        return self.before_content < place and (place < self.reply or place == self.reply and (not is_whole or case["how"] == "reset"))


def check(directory, sink, name):
    came = collections.defaultdict(list)
    for each in os.listdir(sink):
        if each.endswith(".json"):
            with open(os.path.join(sink, each)) as file, open(os.path.join(sink, each.removesuffix(".json") + ".eml"), "rb") as content:
                facts, is_whole = json.load(file), content.read().endswith(b"\r\n\r\n.Words.\r\n")
            for recipient in facts["recipients"]:
                came[recipient].append(is_whole and bool(facts["tls"]))
    with open(os.path.join(directory, "cases")) as file:
        by_address = json.load(file)
    all_cases = list(by_address.values())
    dialogue, wrong, again = Dialogue(directory), [], 0
    for number, case in enumerate(all_cases):
        each = came[f"u{number:04d}@c{number:04d}.{name}.test"]
        again += len(each) > 1
        if not each or not all(each) or len(each) > (2 if dialogue.may_repeat(case) else 1):
            wrong.append((number, case, each))
    cut = 0
    for each in os.listdir(directory):
        if each.endswith(".json"):
            with open(os.path.join(directory, each)) as file:
                told = json.load(file)
            cut += told["cut"] is not None and told["cut"] == by_address.get(told["address"])
    for line in wrong[:20]:
        print(*line)
    print(f"{cut} of {len(all_cases)} connections were cut in TLS; {again} messages came twice")
    sys.exit(bool(wrong) or cut < len(all_cases))


{"listen": listen, "cases": cases, "check": check}[sys.argv[1]](*sys.argv[2:])
