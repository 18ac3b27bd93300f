#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Passes HTTP/2 over TLS on to a server that speaks it, frame by frame, and breaks bodies off.

http2_faults.py UPSTREAM CERTIFICATE KEY FAULTS

FAULTS is read anew for each body's frame. Its one line says what becomes of a body (RFC 9113) once so
many bytes of it were passed on, xN: for the first N bodies that get so far, then no more:

    reset CODE BYTES xN           RST_STREAM with that error code; other streams go on
    goaway CODE BYTES xN          GOAWAY that disowns this stream and later ones, then the end
    cut BYTES xN                  the end of the connection, without a word

Prints "listening on ADDRESS:PORT", then a line for each fault. Python's standard library only.
"""
import asyncio
import ssl
import struct
import sys

UPSTREAM, CERTIFICATE, KEY, FAULTS = sys.argv[1:5]
DATA, RST_STREAM, GOAWAY, WINDOW_UPDATE = 0, 3, 7, 8
PREFACE = len(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
done = {}


class Cut(Exception):
    pass


def frame(kind, stream, payload):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, 0, stream) + payload


async def read_frame(reader):
    head = await reader.readexactly(9)
    size = int.from_bytes(head[:3], "big")
    stream = int.from_bytes(head[5:], "big") & 0x7FFFFFFF
    return head[3], stream, head + await reader.readexactly(size)


def fault_at(passed):
    """The action, if a body of which so much was passed on is to be broken off now."""
    with open(FAULTS, encoding="ascii") as file:
        line = file.readline().strip()
    if not line:
        return None
    action, *numbers, times = line.split()
    if passed < int(numbers[-1]) or done.get(line, 0) >= int(times[1:]):
        return None
    done[line] = done.get(line, 0) + 1
    print(f"{line}: after {passed}", flush=True)
    return action, int(numbers[0])


async def requests(client, server):
    server.write(await client.readexactly(PREFACE))
    while True:
        _, _, whole = await read_frame(client)
        server.write(whole)
        await server.drain()


async def answers(server, to_server, client):
    passed, broken = {}, set()
    while True:
        kind, stream, whole = await read_frame(server)
        if stream in broken:
            # What the client never sees it cannot acknowledge.
            if kind == DATA and len(whole) > 9:
                to_server.write(frame(WINDOW_UPDATE, 0, struct.pack(">I", len(whole) - 9)))
            continue
        fault = fault_at(passed.get(stream, 0)) if kind == DATA and len(whole) > 9 else None
        if not fault:
            if kind == DATA:
                passed[stream] = passed.get(stream, 0) + len(whole) - 9
            client.write(whole)
            await client.drain()
            continue
        action, code = fault
        if action == "reset":
            broken.add(stream)
            client.write(frame(RST_STREAM, stream, struct.pack(">I", code)))
            to_server.write(frame(RST_STREAM, stream, struct.pack(">I", code)))
            to_server.write(frame(WINDOW_UPDATE, 0, struct.pack(">I", len(whole) - 9)))
            continue
        if action == "goaway":
            client.write(frame(GOAWAY, 0, struct.pack(">II", max(stream - 2, 0), code)))
            await client.drain()
        raise Cut


async def connection(reader, writer):
    host, port = UPSTREAM.rsplit(":", 1)
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    server, to_server = await asyncio.open_connection(host.strip("[]"), port, ssl=context)
    tasks = [asyncio.create_task(requests(reader, to_server)),
             asyncio.create_task(answers(server, to_server, writer))]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for end in (writer, to_server):
        end.transport.abort()


async def main():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE, KEY)
    context.set_alpn_protocols(["h2"])
    server = await asyncio.start_server(connection, "127.0.0.1", 0, ssl=context)
    print("listening on localhost:%d" % server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
