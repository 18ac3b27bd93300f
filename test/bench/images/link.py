#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A link with a rate and a delay between two network namespaces, for kernels without netem: two tun
devices and this process between them. `near` stays in the namespace where it starts, `far` goes to the
namespace of a process; the caller gives them addresses and sets them up. Prints "ready", then carries
packets until SIGTERM, and on SIGUSR1 prints the bytes (IP packets, whole) that went to `far` so far."""

import argparse
import collections
import contextlib
import fcntl
import os
import select
import signal
import struct
import subprocess
import time

TUNSETIFF = 0x400454CA  # linux/if_tun.h
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000
MTU = 1500
QUEUE_SECONDS = 0.1  # of the rate: what is more is dropped, as a switch does


def open_tun(name):
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    return fd


class Direction:
    def __init__(self, source, target, rate, delay):
        self.source, self.target = source, target
        self.bytes_per_second, self.delay = rate / 8, delay
        self.free_at = 0.0  # when the wire has sent all that waits
        self.waiting = collections.deque()
        self.carried = 0

    def receive(self, now):
        try:
            while True:
                packet = os.read(self.source, MTU)
                start = max(now, self.free_at)
                if start - now > QUEUE_SECONDS:
                    continue
                self.free_at = start + len(packet) / self.bytes_per_second
                self.waiting.append((self.free_at + self.delay, packet))
        except BlockingIOError:
            pass

    def deliver(self, now):
        while self.waiting and self.waiting[0][0] <= now:
            packet = self.waiting.popleft()[1]
            with contextlib.suppress(OSError):  # EIO: that end is not up yet
                os.write(self.target, packet)
                self.carried += len(packet)

    def next_time(self):
        return self.waiting[0][0] if self.waiting else float("inf")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("near")
    parser.add_argument("far")
    parser.add_argument("process", help="pid in the far namespace")
    parser.add_argument("--rate", type=float, default=100e6, help="bits a second, each way")
    parser.add_argument("--delay", type=float, default=0.010, help="seconds, each way")
    options = parser.parse_args()
    near, far = open_tun(options.near), open_tun(options.far)
    subprocess.run(["ip", "link", "set", options.far, "netns", options.process], check=True)
    to_far = Direction(near, far, options.rate, options.delay)
    to_near = Direction(far, near, options.rate, options.delay)
    signal.signal(signal.SIGUSR1, lambda *_: print(to_far.carried, flush=True))
    print("ready", flush=True)
    poll = select.epoll()
    poll.register(near, select.EPOLLIN)
    poll.register(far, select.EPOLLIN)
    while True:
        wait = min(to_far.next_time(), to_near.next_time()) - time.monotonic()
        poll.poll(None if wait == float("inf") else max(wait, 0))
        now = time.monotonic()
        for direction in (to_far, to_near):
            direction.receive(now)
            direction.deliver(now)


if __name__ == "__main__":
    main()
