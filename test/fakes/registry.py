#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An HTTP server that misbehaves to order.

Reads a script from stdin, prints "port N", and serves 127.0.0.1:N (one thread a connection) until
its stdin is closed. Python's standard library only.

The script is a JSON list of rules; the first that fits a request answers it:
  path      the request's path without its query (required)
  method    only of this one; without it HEAD is answered as GET, but for the body
  has, lacks  [header, value]: fits only with / without it ("" is any value)
  times     fits this many requests, then never again
  status    200 if absent
  headers   [[name, value], ...]; {port} and {query} are replaced in values and in body
  body      text, or
  size      this many bytes of the pattern that byte_at() defines
  length    the Content-Length that is claimed; -1: none (the end of the connection ends the body)
  range     "honour" (206), "ignore" (the default), "shift" (206, one byte too early), "total" (of
            another size), "missing" (206 without Content-Range), "multipart" (in one part), "short"
            (70000 bytes at most), "refuse" (416)
  cut       closes the connection after this many body bytes, hard
  stall     sends this many body bytes, then nothing
  endless   the body again and again
  drip      [bytes, seconds]: the body in small pieces
  raw       sent instead of an HTTP answer, with drip as that says
  hang      reads the request, answers nothing
GET /_log gives a JSON list of what came: {"method", "path", "query", "headers", "body"}.
With --tls CERT KEY it speaks https.
"""

import argparse
import json
import os
import socket
import socketserver
import ssl
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler


def byte_at(offset):
    return (offset * 7 + offset // 251) % 256


PERIOD = bytes(byte_at(i) for i in range(251 * 256))


def pattern(first, last):
    return (PERIOD * (last // len(PERIOD) + 1))[first:last]


class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, rules):
        super().__init__(("127.0.0.1", 0), Handler)
        self.rules = rules
        self.log = []
        self.lock = threading.Lock()
        self.port = self.server_address[1]

    def handle_error(self, request, client_address):
        pass  # clients that leave are what the tests are about

    def rule_for(self, method, path, headers):
        with self.lock:
            for rule in self.rules:
                if (
                    rule["path"] == path
                    and rule.get("method", method) == method
                    and fits(rule, headers)
                    and rule.get("times", 1) > 0
                ):
                    if "times" in rule:
                        rule["times"] -= 1
                    return rule
        return {"path": path, "status": 404, "body": '{"errors":[{"code":"NO_RULE"}]}'}


def fits(rule, headers):
    def is_there(header):
        value = headers.get(header[0])
        return value is not None and header[1] in ("", value)

    return ("has" not in rule or is_there(rule["has"])) and (
        "lacks" not in rule or not is_there(rule["lacks"])
    )


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def do_GET(self):
        path, _, query = self.path.partition("?")
        if path == "/_log":
            with self.server.lock:
                return self.answer({"body": json.dumps(self.server.log)}, "")
        body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
        with self.server.lock:
            self.server.log.append(
                {
                    "method": self.command,
                    "path": path,
                    "query": query,
                    "headers": {name.lower(): value for name, value in self.headers.items()},
                    "body": body,
                }
            )
        self.answer(self.server.rule_for(self.command, path, self.headers), query)

    do_POST = do_GET
    do_HEAD = do_GET

    def answer(self, rule, query):
        if "hang" in rule:
            return self.wait()
        if "raw" in rule:
            self.close_connection = True
            return self.send_body(rule, rule["raw"].encode("latin-1"))

        def filled(text):
            return text.replace("{port}", str(self.server.port)).replace("{query}", query)

        size = rule.get("size")
        text = filled(rule.get("body", "")).encode()
        total = len(text) if size is None else size
        first, last, status, extra = self.ranged(rule, total)
        body = text[first:last] if size is None else pattern(first, last)
        if status == 416:
            body = b""
        self.send_response(rule.get("status", status))
        for name, value in rule.get("headers", []) + extra:
            self.send_header(name, filled(value))
        length = rule.get("length", len(body))
        if length >= 0:
            self.send_header("Content-Length", str(length))
        else:
            self.close_connection = True
        self.end_headers()
        if self.command == "HEAD":
            return
        self.send_body(rule, body)
        if length > len(body):
            self.close_connection = True

    def ranged(self, rule, total):
        """First byte, end, status and headers."""
        kind = rule.get("range", "ignore")
        asked = self.headers.get("Range", "")
        if kind == "ignore" or not asked.startswith("bytes="):
            return 0, total, 200, []
        first = int(asked[6:].rstrip("-")) - (kind == "shift")
        last = min(first + 70000, total) if kind == "short" else total
        told = f"bytes {first}-{last - 1}/{total + (kind == 'total')}"
        if kind == "refuse":
            return first, last, 416, [["Content-Range", f"bytes */{total}"]]
        if kind == "missing":
            return first, last, 206, []
        if kind == "multipart":
            return first, last, 206, [["Content-Type", "multipart/byteranges; boundary=b"]]
        return first, last, 206, [["Content-Range", told]]

    def send_body(self, rule, body):
        if "drip" in rule:
            step, pause = rule["drip"]
            for at in range(0, len(body), step):
                self.wfile.write(body[at : at + step])
                time.sleep(pause)
        elif "endless" in rule:
            while True:
                self.wfile.write(body)
        elif "stall" in rule:
            self.wfile.write(body[: rule["stall"]])
            self.wait()
        elif "cut" in rule:
            self.wfile.write(body[: rule["cut"]])
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_WR)
        else:
            self.wfile.write(body)

    def wait(self):
        """Until the client gives up."""
        self.close_connection = True
        try:
            self.connection.recv(1)
        except OSError:
            pass


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tls", nargs=2, metavar=("CERT", "KEY"))
    options = parser.parse_args()
    script = sys.stdin.readline()
    server = Server(json.loads(script))
    if options.tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*options.tls)
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"port {server.port}", flush=True)
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
