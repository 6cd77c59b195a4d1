"""find_key.py KEY.PEM PID: says "found" if the EC private key is anywhere in the process's memory, else "absent"."""
import sys

from memory_search import found_in, key_forms

key, pid = sys.argv[1:]
print("found" if found_in(pid, {"key": key_forms(key)}) else "absent")
