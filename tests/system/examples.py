#!/usr/bin/env python3
"""Runs the examples of a manual page as they stand there, and compares what they show.

    examples.py PAGE SECTION [PATTERN]     those literal blocks of the section that the pattern is found in

In a block with prompts, each line behind "# " or "$ " is a command, and the lines below are its output; in one without,
each line is a command that must succeed.  A line that ends with a backslash goes on.  In an output "..." stands for
anything; blanks and line ends are all the same, and so are times.
"""
import re
import subprocess
import sys


def blocks(page, section):
    inside = literal = False
    for line in open(page):
        line = line.rstrip("\n")
        if line.startswith(".Sh "):
            inside = line[4:] == section
        elif line.startswith(".Bd -literal") and inside:
            literal, block = True, []
        elif line == ".Ed" and literal:
            literal = False
            yield block
        elif literal:
            block.append(line.replace("\\(aq", "'").replace("\\&", "").replace("\\e", "\\"))


def steps(block):
    """Commands with the output that is shown of each; None: it is not shown."""
    prompts = any(re.match(r"[#$] ", line) for line in block)
    found = []
    for line in block:
        if found and found[-1][0].endswith("\\"):
            found[-1][0] = found[-1][0][:-1] + line.strip()
        elif not prompts:
            found.append([line, None])
        elif re.match(r"[#$] ", line):
            found.append([line[2:], None])
        else:
            found[-1][1] = (found[-1][1] or []) + [line]
    return found


def plain(text):
    return re.sub(r"\d{4}-\d\d-\d\dT[\d:]+Z", "TIME", " ".join(text.split()))


def shows(output, shown):
    pattern = ".*".join(re.escape(plain(part)) for part in re.split(r"\.\.\.", "\n".join(shown)))
    return re.search(pattern, plain(output)) is not None


def main():
    page, section = sys.argv[1:3]
    chosen = [b for b in blocks(page, section) if re.search(sys.argv[3] if len(sys.argv) > 3 else "", "\n".join(b))]
    if not chosen:
        print(f"not ok - {page} has such examples")
    for block in chosen:
        for command, shown in steps(block):
            # What asks for a password asks at the terminal.
            to = None if shown is None else subprocess.PIPE
            done = subprocess.run(["bash", "-c", command], text=True, stdout=to, stderr=to and subprocess.STDOUT)
            good = done.returncode == 0 and (shown is None or shows(done.stdout, shown))
            print(f"{'ok' if good else 'not ok'} - {' '.join(command.split())[:100]}")
            if not good:
                print(f"status {done.returncode}, said: {done.stdout}")
                print(f"shown: {shown}")
            sys.stdout.flush()


main()
