"""Forged answers, as many as go: an attacker that sees the questions' ports and names, but not their ids and
letter cases. Their source is the name server's own address and port, as if the network did not filter forged ones."""
import os
import random
import re
import socket
import struct
import threading
import time

from dns_packet import make_answer, make_question, read_question


def asking_ports(pid, server):
    """Source ports of the UDP sockets of that process that are connected to the name server (address, port)."""
    inodes = set()
    for entry in os.listdir(f"/proc/{pid}/fd"):
        try:
            found = re.fullmatch(r"socket:\[(\d+)\]", os.readlink(f"/proc/{pid}/fd/{entry}"))
        except OSError:
            continue
        if found:
            inodes.add(found[1])
    remote = f"{struct.unpack('=I', socket.inet_aton(server[0]))[0]:08X}:{server[1]:04X}"
    ports = set()
    with open(f"/proc/{pid}/net/udp", encoding="ascii") as table:
        for row in table:
            columns = row.split()
            if columns[2] == remote and columns[9] in inodes:
                ports.add(int(columns[1].split(":")[1], 16))
    return ports


class Sprayer:
    """Sends forged answers to every port that `pid` asks `dns` from, until it has sent `total` or is stopped. Each
    says that `behaviour` is the answer for `name`; ids go through all 65,536, letter cases are guessed."""

    def __init__(self, dns, pid, name, type_name, behaviour, total, per_second=25_000):
        self._dns, self._pid, self._name, self._type = dns, pid, name, type_name
        self._behaviour, self._total, self._pause = behaviour, total, 50 / per_second
        self.sent = 0
        self.ports = set()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _packet(self, number):
        name = self._name
        if number % 2:
            name = "".join(letter.upper() if random.getrandbits(1) else letter for letter in name)
        question = read_question(make_question(name, self._type, number & 0xffff))
        parts = self._behaviour
        answers = tuple(type(r)(r.name or name, r.type, r.value, r.ttl) for r in parts.answers)
        return make_answer(question, answers, parts.authority, parts.additional, parts.rcode)

    def _run(self):
        packets = [self._packet(number) for number in range(4096)]
        while self.sent < self._total and not self._ended.is_set():
            ports = asking_ports(self._pid, self._dns.address)
            if not ports:
                time.sleep(0.001)
                continue
            self.ports |= ports
            for port in ports:
                self._burst(packets, port)

    def _burst(self, packets, port):
        for _ in range(20):  # then it is looked for new ports
            for _ in range(50):
                body = packets[self.sent % len(packets)]
                try:
                    self._dns.send(struct.pack("!H", self.sent & 0xffff) + body[2:], ("127.0.0.1", port))
                except OSError:  # the port is closed by now
                    return
                self.sent += 1
            time.sleep(self._pause)

    def wait(self, seconds=30):
        self._thread.join(seconds)
        assert not self._thread.is_alive(), f"{self.sent} of {self._total} forged answers after {seconds} s"

    def close(self):
        self._ended.set()
        self._thread.join(10)
