#!/usr/bin/env python3
"""Compares the MIME parser with the IMAP oracle, without a server.

  oracle_check.py ORACLE_FETCH DIFFERENCES.json

The questions and comparisons are golden.py's own (it lies in $MAILROOM_SHARED/oracle, by default ../shared from the source
root); only its connection is replaced by a pipe to oracle_fetch.  A difference must be in the kept list, and what is in the
list must still differ.  Without the oracle there is nothing to compare: exit code 77, skipped.
"""
import json, os, re, subprocess, sys

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', '..')
SHARED = os.environ.get('MAILROOM_SHARED', os.path.join(ROOT, '..', 'shared'))


class Pipe:
    """the connection that golden.facts() asks"""

    def __init__(self, exe):
        self.process = subprocess.Popen([exe], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def cmd(self, text, lit=None):
        if text.startswith('APPEND'):
            self.process.stdin.write(b'MESSAGE %d\n' % len(lit) + lit)
            return b'OK [APPENDUID 1 1]', []
        return b'OK', []

    def must(self, text, lit=None):
        m = re.match(r'UID FETCH \d+ \((.*)\)$', text)
        if not m:
            return []
        self.process.stdin.write(b'FETCH ' + m.group(1).encode() + b'\n')
        self.process.stdin.flush()
        return [self.process.stdout.read(int(self.process.stdout.readline()))]


def load_golden():
    path = os.path.join(SHARED, 'oracle', 'golden.py')
    source = open(path).read()
    names = {'__file__': path, '__name__': 'golden'}
    exec(compile(source[:source.rindex('\nmain()')], path, 'exec'), names)
    return names


def main():
    if not os.path.exists(os.path.join(SHARED, 'oracle', 'golden.json')):
        print('no oracle below %s' % SHARED)
        sys.exit(77)
    golden = load_golden()
    norm, want_all = golden['norm'], json.load(open(os.path.join(SHARED, 'oracle', 'golden.json')))
    known = {(d['message'], d['fact']) for d in json.load(open(sys.argv[2]))}
    pipe, seen, wrong, messages = Pipe(sys.argv[1]), set(), 0, 0
    for name, digest, data in golden['files'](os.path.join(SHARED, 'corpus')):
        want = want_all.get(digest)
        if not want:
            continue
        messages += 1
        want['BODY[]'] = golden['dig'](data)
        got = golden['facts'](pipe, data)
        for fact, value in want.items():
            if fact == 'name' or norm(fact, got.get(fact, '(absent)')) == value:
                continue
            seen.add((name, fact))
            if (name, fact) not in known:
                wrong += 1
                print('%s %s: want %.200r got %.200r' % (name, fact, value, got.get(fact, '(absent)')))
    for name, fact in sorted(known - seen):
        wrong += 1
        print('%s %s: listed as a difference, but is none' % (name, fact))
    print('%d messages, %d explained differences, %d wrong' % (messages, len(seen & known), wrong))
    sys.exit(1 if wrong or not messages else 0)


main()
