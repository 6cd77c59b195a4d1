#!/usr/bin/env python3
"""What FETCH says of the large corpus is what the references say, but for the differences that are explained.

oracle.py SHARED DIFFERENCES.json SHARDS   with the environment of a sandbox that allows logins without TLS

Runs SHARDS times `golden.py check`, each over its share of the corpus, in a mailbox of its own.  The differences must be
exactly those of the list: none more, and none fewer, since a difference that has gone is no longer one.  Prints 'ok' or 'not ok'
lines without numbers, one for each GROUP of messages and one for what the list has too much.
"""
import collections
import json
import os
import re
import subprocess
import sys
import tempfile

GROUP = 500  # messages of one line
FACT = re.compile(r"(?:^|; )([A-Za-z0-9.\[\]-]+): want ")  # as golden.py names it


def corpus_files(corpus):
    return sorted(
        os.path.relpath(os.path.join(path, name), corpus)
        for path, _, names in os.walk(corpus)
        for name in names
        if name.endswith(".eml")
    )


def make_shares(corpus, names, shards, below):
    """Directories with links to every SHARDS-th message, under its own relative name."""
    shares = [os.path.join(below, f"share{n}") for n in range(shards)]
    for number, name in enumerate(names):
        link = os.path.join(shares[number % shards], name)
        os.makedirs(os.path.dirname(link), exist_ok=True)
        os.symlink(os.path.join(corpus, name), link)
    return shares


def check(shared, share, number, output):
    command = [sys.executable, os.path.join(shared, "oracle/golden.py"), "check", share, os.path.join(shared, "oracle/golden.json")]
    return subprocess.Popen(command, env=dict(os.environ, MAILBOX=f"golden{number}", VERBOSE="1"), stdout=output, stderr=output)


def verdicts(output):
    """{message: set of facts that differ}, and what did not look like a verdict.  A failure that names no fact, or not all
    of them, differs in the whole line."""
    seen, rest = {}, []
    for line in output.splitlines():
        if line.startswith("ok   "):
            seen[line[5:]] = set()
        elif line.startswith("FAIL "):
            name, _, why = line[5:].partition(": ")
            facts = set(FACT.findall(why))
            seen[name] = facts if facts and not re.search(r" \(\+\d+\)$", why) else {why}
        elif not line.startswith("note "):
            rest.append(line)
    return seen, rest


def main():
    shared, list_name, shards = os.path.abspath(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    corpus = os.path.join(shared, "corpus")
    with open(list_name, encoding="utf-8") as file:
        explained = collections.defaultdict(set)
        for entry in json.load(file):
            explained[entry["message"]].add(entry["fact"])

    seen, closing = {}, []
    with tempfile.TemporaryDirectory() as below:
        shares = make_shares(corpus, corpus_files(corpus), shards, below)
        outputs = [open(os.path.join(below, f"out{n}"), "w+", encoding="utf-8", errors="replace") for n in range(shards)]
        runs = [check(shared, share, n, outputs[n]) for n, share in enumerate(shares)]
        for run, output in zip(runs, outputs):
            run.wait()
            output.seek(0)
            share_seen, rest = verdicts(output.read())
            seen.update(share_seen)
            closing.append(rest)

    bad = 0
    for lines in closing:  # each run must have come to its end
        if len(lines) != 1 or not re.fullmatch(r"\d+ passed, \d+ failed", lines[0]):
            print("not ok - golden.py ends as it should\n" + "\n".join("# " + line for line in lines[-20:]))
            bad += 1
    names = sorted(seen)
    for first in range(0, len(names), GROUP):
        group = names[first : first + GROUP]
        wrong = [(name, seen[name] - explained[name]) for name in group if seen[name] - explained[name]]
        print(("not ok" if wrong else "ok") + f" - messages {first + 1} to {first + len(group)} are as the references say")
        for name, facts in wrong:
            print(f"# {name}: {', '.join(sorted(facts))}")
        bad += len(wrong)
    gone = [(name, facts - seen.get(name, set())) for name, facts in explained.items() if facts - seen.get(name, set())]
    print(("not ok" if gone else "ok") + " - every explained difference is there")
    for name, facts in gone:
        print(f"# {name}: {', '.join(sorted(facts))}")
    print(f"# {len(names)} messages compared, {sum(map(len, explained.values()))} differences explained")
    sys.exit(1 if bad or gone or not names else 0)


main()
