#!/usr/bin/python3
"""A web server of MTA-STS policies: sts_server.py ADDRESS PORT CHAIN KEY DIRECTORY; serves DIRECTORY/DOMAIN for the
host mta-sts.DOMAIN, and writes each domain it was asked for to DIRECTORY/asked.  What is posted, to any host, goes to
DIRECTORY/posted, and its request line and header to DIRECTORY/posted.header."""
import http.server
import os
import ssl
import sys

address, port, chain, key, directory = sys.argv[1:]


class Policies(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        domain = os.path.basename(self.headers.get("Host", "").split(":")[0].removeprefix("mta-sts."))
        with open(os.path.join(directory, "asked"), "a") as asked:
            asked.write(domain + "\n")
        path = os.path.join(directory, domain)
        if self.path != "/.well-known/mta-sts.txt" or not os.path.exists(path):
            self.send_error(404)
            return
        with open(path, "rb") as file:
            policy = file.read()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(policy)))
        self.end_headers()
        self.wfile.write(policy)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with open(os.path.join(directory, "posted.header"), "w") as header:
            header.write(f"{self.requestline}\n{self.headers}")
        with open(os.path.join(directory, "posted.new"), "wb") as posted:
            posted.write(body)
        os.rename(os.path.join(directory, "posted.new"), os.path.join(directory, "posted"))
        self.send_response(201)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *words):
        pass


server = http.server.ThreadingHTTPServer((address, int(port)), Policies)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(chain, key)
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
