#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A token server for docker-registry: gives whoever has the password what they ask for.

token_server.py KEY CERTIFICATE USER PASSWORD-FILE

Prints each request's scope and whether it came with the password.
"""
import base64
import http.server
import json
import ssl
import subprocess
import sys
import time
import urllib.parse

KEY, CERTIFICATE, USER, PASSWORD_FILE = sys.argv[1:5]


def encode(data):
    if not isinstance(data, bytes):
        data = json.dumps(data).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def make_token(service, account, scopes):
    with open(CERTIFICATE) as pem:
        certificate = base64.b64encode(ssl.PEM_cert_to_DER_cert(pem.read())).decode()
    access = []
    for scope in scopes:
        kind, name, actions = scope.split(":", 2)
        access.append({"type": kind, "name": name, "actions": actions.split(",")})
    now = int(time.time())
    head = {"typ": "JWT", "alg": "RS256", "x5c": [certificate]}
    claims = {"iss": "test", "sub": account, "aud": service, "jti": str(time.time_ns()),
              "iat": now, "nbf": now - 10, "exp": now + 300, "access": access}
    signed = f"{encode(head)}.{encode(claims)}"
    signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", KEY],
                               input=signed.encode(), stdout=subprocess.PIPE, check=True).stdout
    return f"{signed}.{encode(signature)}"


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def do_GET(self):
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        with open(PASSWORD_FILE) as file:
            wanted = base64.b64encode(f"{USER}:{file.read().strip()}".encode()).decode()
        known = self.headers.get("Authorization") == f"Basic {wanted}"
        scopes = [s for text in query.get("scope", []) for s in text.split(" ")]
        print("scope", scopes, "known" if known else "unknown", flush=True)
        body = b"{}"
        if known:
            body = json.dumps({"token": make_token(query["service"][0], USER, scopes)}).encode()
        self.send_response(200 if known else 401)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(f"listening on 127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
