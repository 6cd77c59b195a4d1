"""What the conformance tests share: a raw connection, and TAP-like lines for report of lib.sh."""
import socket


class Wire:
    def __init__(self, port):
        self.socket = socket.create_connection(('127.0.0.1', port), timeout=60)
        self.input = self.socket.makefile('rb')

    def send(self, data):
        self.socket.sendall(data if isinstance(data, bytes) else data.encode())

    def line(self):
        return self.input.readline().decode('latin-1')

    def at_end(self):
        try:
            return self.input.read(1) == b''
        except ConnectionResetError:
            return True


def check(what, good, seen=''):
    print(('ok - ' if good else 'not ok - ') + what, flush=True)
    if not good:
        print('# seen: %r' % (seen,), flush=True)
