#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What lives beside podpilot in a pod: sockets, by path and abstract, and a registry that is slow.

neighbour.py FOLDER ANSWER PORT

FOLDER gets the sockets "stream" and "datagram", open to all. The registry on 127.0.0.1:PORT answers
once the file ANSWER is there, and has nothing.
"""
import http.server
import os
import socket
import sys
import time

FOLDER, ANSWER, PORT = sys.argv[1:4]


class Registry(http.server.BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def do_GET(self):
        while not os.path.exists(ANSWER):
            time.sleep(0.05)
        ping = self.path.rstrip("/") == "/v2"
        self.send_response(200 if ping else 404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_HEAD = do_GET


sockets = []
for kind, name in (socket.SOCK_STREAM, "stream"), (socket.SOCK_DGRAM, "datagram"):
    path = os.path.join(FOLDER, name)
    if os.path.exists(path):
        os.unlink(path)
    for address in path, "\0podpilot-test-" + name:
        sockets.append(socket.socket(socket.AF_UNIX, kind))
        sockets[-1].bind(address)
        if kind == socket.SOCK_STREAM:
            sockets[-1].listen()
    os.chmod(path, 0o777)
server = http.server.ThreadingHTTPServer(("127.0.0.1", int(PORT)), Registry)
print("ready", flush=True)
server.serve_forever()
