#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A name server (RFC 1035) that knows one name.

name_server.py LISTEN NAME ADDRESS

Listens on the address LISTEN, as root: resolv.conf(5) knows no port but 53. Prints the questions.
"""
import socket
import struct
import sys

LISTEN, NAME, ADDRESS = sys.argv[1:4]
PORT = 53
A, IN = 1, 1
NAME_ERROR = 3


def question(message):
    """Name and type asked for, and where the question ends."""
    labels, at = [], 12
    while message[at]:
        labels.append(message[at + 1:at + 1 + message[at]].decode())
        at += 1 + message[at]
    kind, _ = struct.unpack_from("!HH", message, at + 1)
    return ".".join(labels), kind, at + 5


def answer(message):
    name, kind, end = question(message)
    print("asked", name, kind, flush=True)
    known = name.lower() == NAME
    records = known and kind == A
    flags = 0x8580 | (0 if known else NAME_ERROR)
    head = message[:2] + struct.pack("!HHHHH", flags, 1, int(records), 0, 0)
    record = struct.pack("!HHHIH", 0xC00C, A, IN, 60, 4) + socket.inet_aton(ADDRESS)
    return head + message[12:end] + (record if records else b"")


server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind((LISTEN, PORT))
print("listening on", LISTEN, flush=True)
while True:
    request, client = server.recvfrom(4096)
    server.sendto(answer(request), client)
