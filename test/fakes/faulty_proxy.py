#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A registry that misbehaves: passes requests on to a real one, and spoils answers on demand.

faulty_proxy.py UPSTREAM FAULTS REQUESTS

FAULTS is read anew for each request. The first line that fits the request's path counts:

    REGEX ACTION [ARGUMENT...] [xN]      xN: for the first N requests that it fits, then no more

    status CODE [NAME=VALUE...]   that status, with these headers, and no body
    truncate BYTES                the true length, but only so many bytes, then the end
    stall BYTES                   so many bytes, then nothing for ever
    rate BYTES                    so many bytes a second
    flip                          one bit of the body is wrong
    append BYTES                  so many bytes too many, told in the length too
    replace OLD NEW               in the body
    html                          200 with a page for people, as from a captive portal

REQUESTS gets a line "METHOD PATH STATUS" for each request.
"""
import http.client
import http.server
import re
import sys
import threading
import time

UPSTREAM, FAULTS, REQUESTS = sys.argv[1:4]
lock = threading.Lock()
used = {}


def fault_for(path):
    with lock, open(FAULTS) as lines:
        for line in lines:
            words = line.split()
            if not words or not re.search(words[0], path):
                continue
            if re.fullmatch(r"x\d+", words[-1]):
                used[line] = used.get(line, 0) + 1
                if used[line] > int(words[-1][1:]):
                    continue
                words.pop()
            return words[1:]
    return ["none"]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def note(self, status):
        with lock, open(REQUESTS, "a") as out:
            out.write(f"{self.command} {self.path} {status}\n")

    def answer(self, status, headers, body=b""):
        self.note(status)
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_GET(self):
        action, *arguments = fault_for(self.path)
        if action == "status":
            headers = [a.split("=", 1) for a in arguments[1:]]
            return self.answer(int(arguments[0]), headers)
        if action == "html":
            return self.answer(200, [("Content-Type", "text/html")], b"<html>Please log in</html>")
        upstream = http.client.HTTPConnection(UPSTREAM)
        headers = {n: v for n, v in self.headers.items() if n.lower() != "connection"}
        upstream.request(self.command, self.path, headers=headers)
        answer = upstream.getresponse()
        body = bytearray(answer.read())
        length = int(answer.getheader("Content-Length", len(body)))
        if action == "flip":
            body[len(body) // 2] ^= 1
        elif action == "append":
            body += b"x" * int(arguments[0])
            length = len(body)
        elif action == "replace":
            body = bytearray(bytes(body).replace(arguments[0].encode(), arguments[1].encode()))
            length = len(body)
        self.note(answer.status)
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("content-length", "connection", "date", "server"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        if self.command == "HEAD":
            return
        if action in ("truncate", "stall"):
            self.wfile.write(body[: int(arguments[0])])
            self.wfile.flush()
            while action == "stall":
                time.sleep(3600)
            self.close_connection = True
        elif action == "rate":
            step = max(1, int(arguments[0]) // 20)
            for at in range(0, len(body), step):
                self.wfile.write(body[at : at + step])
                time.sleep(0.05)
        else:
            self.wfile.write(body)

    do_HEAD = do_GET


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # the client went away, which is its right


server = Server(("127.0.0.1", 0), Handler)
print(f"listening on 127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
