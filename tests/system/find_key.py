"""find_key.py KEY.PEM PID: says "found" if the EC private key is anywhere in the process's memory, else "absent"."""
import re
import subprocess
import sys


def forms(path):
    """The number as DER has it, as OpenSSL's big numbers have it, and the key file's text."""
    text = subprocess.run(["openssl", "pkey", "-in", path, "-noout", "-text"], capture_output=True, text=True, check=True).stdout
    digits = re.search(r"priv:\s*([0-9a-f:\s]+)", text).group(1)
    number = bytes.fromhex(re.sub(r"[^0-9a-f]", "", digits))[-32:]
    with open(path) as file:
        return [number, number[::-1], file.read().split("\n")[1].encode()]


def areas(pid):
    with open(f"/proc/{pid}/maps") as maps:
        for line in maps:
            addresses, permissions = line.split()[:2]
            if "r" in permissions and "[v" not in line:
                yield [int(address, 16) for address in addresses.split("-")]


def is_in_memory(pid, needles):
    with open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for begin, end in areas(pid):
            try:
                memory.seek(begin)
                octets = memory.read(end - begin)
            except OSError:
                continue
            if any(needle in octets for needle in needles):
                return True
    return False


print("found" if is_in_memory(sys.argv[2], forms(sys.argv[1])) else "absent")
