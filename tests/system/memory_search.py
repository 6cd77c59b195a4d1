"""What is in the memory of a process, and in what forms a private key may be there."""
import re
import subprocess


def key_forms(path):
    """The number as DER has it, as OpenSSL's big numbers have it, and the key file's text."""
    text = subprocess.run(["openssl", "pkey", "-in", path, "-noout", "-text"], capture_output=True, text=True, check=True).stdout
    digits = re.search(r"priv:\s*([0-9a-f:\s]+)", text).group(1)
    number = bytes.fromhex(re.sub(r"[^0-9a-f]", "", digits))[-32:]
    with open(path, encoding="ascii") as file:
        return [number, number[::-1], file.read().split("\n")[1].encode()]


def areas(pid):
    with open(f"/proc/{pid}/maps") as maps:
        for line in maps:
            addresses, permissions = line.split()[:2]
            if "r" in permissions and "[v" not in line:
                yield [int(address, 16) for address in addresses.split("-")]


def found_in(pid, needles):
    """Which of the secrets (name -> forms) are in the process's memory."""
    found = set()
    with open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for begin, end in areas(pid):
            try:
                memory.seek(begin)
                octets = memory.read(end - begin)
            except OSError:
                continue
            found |= {name for name, forms in needles.items() if any(form in octets for form in forms)}
    return found
