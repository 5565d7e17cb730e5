"""A name server scripted by a test: it answers right, late, wrong, or not at all. One port for UDP and TCP.

    dns = EvilDns()
    dns.set("srv.example.test", "A", addresses("127.0.0.21", ttl=2))     # from now on, always
    dns.set("srv.example.test", "A", servfail(), addresses("127.0.0.21"))  # once, then always
    dns.host("srv.example.test", "127.0.0.21")   # A as said, AAAA: no data
    dns.client("127.7.0.1", "host.example.test") # PTR, and the name's address
    dns.asked("srv.example.test", "A")           # the queries so far

Names that are not set do not exist (NXDOMAIN). All of it may be called at any time, from any thread.
"""
import collections
import dataclasses
import heapq
import ipaddress
import itertools
import selectors
import socket
import struct
import threading
import time

from deadline import wait_for
from dns_packet import (NOERROR, NXDOMAIN, REFUSED, SERVFAIL, Question, Record, make_answer, pack_name, read_question,
                        reverse_name)
from free_ports import free_port

_LONGEST_UDP = 512  # what does not fit is cut off, with the truncated bit, as servers do


@dataclasses.dataclass(frozen=True)
class Query:
    """A question received."""
    time: float           # monotonic, when it came
    transport: str        # udp or tcp
    source: tuple         # (address, port)
    question: Question

    @property
    def key(self):
        return self.question.key

    @property
    def id(self):
        return self.question.id

    @property
    def port(self):
        return self.source[1]


@dataclasses.dataclass(frozen=True)
class Behaviour:
    """What happens to a query. The default is an empty answer; functions below make the usual ones, `but` changes
    them: `addresses("127.0.0.1").but(delay=1)`."""
    answers: tuple = ()         # of Record; an empty name: the question's
    authority: tuple = ()
    additional: tuple = ()
    rcode: int = NOERROR
    delay: float = 0
    silent: bool = False
    copies: int = 1
    truncated: bool = False     # over UDP: no records, but the truncated bit
    any_size: bool = False      # over UDP: whole, however long
    other_id: bool = False
    letter_case: str = ""       # "lower", "swap": the question is returned in that case
    other_question: str = ""    # the question is returned with this name
    other_port: bool = False    # over UDP: from a port that was not asked
    raw: bytes = None           # these bytes instead of an answer
    tcp_bytes: int = None       # over TCP: this number of bytes of the message, then close
    close: bool = False         # over TCP: close at once

    def but(self, **changes):
        return dataclasses.replace(self, **changes)

    def message(self, question, transport):
        if self.raw is not None:
            return self.raw
        parts = [tuple(r if r.name else dataclasses.replace(r, name=question.name) for r in part)
                 for part in (self.answers, self.authority, self.additional)]
        changes = {"rcode": self.rcode, "section": self._section(question),
                   "number": question.id ^ 0x5555 if self.other_id else None}
        whole = make_answer(question, *parts, **changes)
        if transport == "udp" and (self.truncated or len(whole) > _LONGEST_UDP and not self.any_size):
            return make_answer(question, truncated=True, **changes)
        return whole

    def _section(self, question):
        tail = question.raw[-4:]
        if self.other_question:
            return pack_name(self.other_question) + tail
        if self.letter_case:
            return pack_name(getattr(question.name, {"lower": "lower", "swap": "swapcase"}[self.letter_case])()) + tail
        return question.raw


def records(*found):
    """These records, in this order."""
    return Behaviour(tuple(found))


def addresses(*texts, ttl=60):
    """Addresses of the name that was asked for; IPv4 and IPv6 each where they belong."""
    return Behaviour(tuple(Record("", "AAAA" if ":" in text else "A", text, ttl) for text in texts))


def pointers(*names, ttl=60):
    return Behaviour(tuple(Record("", "PTR", name, ttl) for name in names))


def alias(target, *more, ttl=60):
    """A CNAME, and more records after it."""
    return Behaviour((Record("", "CNAME", target, ttl), *more))


def _denial(rcode, ttl):
    return Behaviour(rcode=rcode, authority=(Record("test", "SOA", "test", ttl),))


def nxdomain(ttl=1):
    return _denial(NXDOMAIN, ttl)


def nodata(ttl=1):
    return _denial(NOERROR, ttl)


def servfail():
    return Behaviour(rcode=SERVFAIL)


def refused():
    return Behaviour(rcode=REFUSED)


def silence():
    return Behaviour(silent=True)


def garbage(data=b"\xff" * 40):
    return Behaviour(raw=data)


class EvilDns:
    """See the top of this file. `address` and `port` may be given, for a second life of the same server."""

    def __init__(self, address="127.0.0.1", port=None):
        self._lock = threading.Lock()
        self._plans = {}            # (name, type): deque of behaviours, the last one remains
        self._queries = []
        self._later = []            # heap of (time, number, function)
        self._numbers = itertools.count()
        self.default = nxdomain()
        self._selector = selectors.DefaultSelector()
        self._udp, self._tcp = _open(address, port)
        self.address = self._udp.getsockname()
        self.text = f"{self.address[0]}:{self.address[1]}"
        self._other = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._other.bind((address, 0))
        self._wake, self._waker = socket.socketpair()
        self._selector.register(self._udp, selectors.EVENT_READ, self._read_udp)
        self._selector.register(self._tcp, selectors.EVENT_READ, self._accept)
        self._selector.register(self._wake, selectors.EVENT_READ, lambda: self._wake.recv(100))
        self._connections = {}      # socket: bytes so far
        self._ended = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    # --- what happens

    def set(self, name, type_name, *behaviours):
        """From now on: the first behaviour for the first query, …, the last one from then on."""
        with self._lock:
            self._plans[name.lower().rstrip("."), type_name] = collections.deque(behaviours)

    def host(self, name, *texts, ttl=60, **changes):
        """The name has these addresses; of a family without any it has none (no data)."""
        for type_name, version in (("A", 4), ("AAAA", 6)):
            mine = [text for text in texts if ipaddress.ip_address(text).version == version]
            self.set(name, type_name, (addresses(*mine, ttl=ttl) if mine else nodata(min(ttl, 1))).but(**changes))

    def every(self, name, *behaviours):
        """The same for addresses of both families."""
        for type_name in ("A", "AAAA"):
            self.set(name, type_name, *behaviours)

    def client(self, address, name, ttl=60, confirmed=True):
        """The reverse name of an address, and (confirmed) the address of that name."""
        self.set(reverse_name(address), "PTR", pointers(name, ttl=ttl))
        if confirmed:
            self.host(name, address, ttl=ttl)

    # --- what happened

    def queries(self, name=None, type_name=None):
        """All queries so far, or those for a name, of a type."""
        with self._lock:
            return [query for query in self._queries
                    if name in (None, query.key[0]) and type_name in (None, query.key[1])]

    asked = queries

    def forget(self):
        with self._lock:
            self._queries.clear()

    def wait_query(self, name=None, type_name=None, count=1, seconds=5):
        """The count-th such query, as soon as it is there."""
        def enough():
            found = self.queries(name, type_name)
            return found[count - 1] if len(found) >= count else None
        return wait_for(enough, seconds, lambda: f"{count} queries for {name} {type_name}; there were "
                                                 f"{[query.key for query in self.queries()]}")

    # --- by hand

    def answer(self, query, behaviour):
        """Answers a UDP query that `silence()` has left open."""
        self._send_udp(query, behaviour)

    def send(self, data, to):
        """Any bytes, from the port of the server."""
        self._udp.sendto(data, to)

    def close(self):
        self._ended = True
        self._waker.send(b"x")
        self._thread.join(5)
        for thing in (self._udp, self._tcp, self._other, self._wake, self._waker, *self._connections):
            thing.close()
        self._selector.close()

    # --- the loop

    def _run(self):
        while not self._ended:
            now = time.monotonic()
            while self._later and self._later[0][0] <= now:
                heapq.heappop(self._later)[2]()
            wait = self._later[0][0] - time.monotonic() if self._later else None
            for key, _ in self._selector.select(None if wait is None else max(0, wait)):
                key.data()

    def _at(self, seconds, function):
        if seconds <= 0:
            function()
        else:
            heapq.heappush(self._later, (time.monotonic() + seconds, next(self._numbers), function))

    def _plan(self, query):
        with self._lock:
            self._queries.append(query)
            plan = self._plans.get(query.key)
            if not plan:
                return self.default
            return plan.popleft() if len(plan) > 1 else plan[0]

    def _read_udp(self):
        for _ in range(100):
            try:
                data, source = self._udp.recvfrom(65536, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return
            except OSError:  # an ICMP error of an earlier answer
                continue
            query = self._understood(data, "udp", source)
            if query:
                behaviour = self._plan(query)
                self._at(behaviour.delay, lambda q=query, b=behaviour: self._send_udp(q, b))

    @staticmethod
    def _understood(data, transport, source):
        try:
            return Query(time.monotonic(), transport, source, read_question(data))
        except (ValueError, IndexError, struct.error):
            return None

    def _send_udp(self, query, behaviour):
        if behaviour.silent:
            return
        via = self._other if behaviour.other_port else self._udp
        for _ in range(behaviour.copies):
            try:
                via.sendto(behaviour.message(query.question, "udp"), query.source)
            except OSError:
                pass

    def _accept(self):
        connection, source = self._tcp.accept()
        connection.setblocking(False)
        self._connections[connection] = b""
        self._selector.register(connection, selectors.EVENT_READ, lambda: self._read_tcp(connection, source))

    def _read_tcp(self, connection, source):
        try:
            data = connection.recv(65536)
        except OSError:
            data = b""
        if not data:
            self._hang_up(connection)
            return
        buffer = self._connections[connection] + data
        while len(buffer) >= 2 and len(buffer) >= 2 + struct.unpack_from("!H", buffer)[0]:
            length = struct.unpack_from("!H", buffer)[0]
            query, buffer = self._understood(buffer[2:2 + length], "tcp", source), buffer[2 + length:]
            if query:
                behaviour = self._plan(query)
                self._at(behaviour.delay, lambda q=query, b=behaviour: self._send_tcp(connection, q, b))
        if connection in self._connections:
            self._connections[connection] = buffer

    def _send_tcp(self, connection, query, behaviour):
        if behaviour.silent or connection not in self._connections:
            return
        message = behaviour.message(query.question, "tcp")
        message = struct.pack("!H", len(message)) + message
        try:
            connection.setblocking(True)
            if not behaviour.close:
                connection.sendall(message[:behaviour.tcp_bytes])
            connection.setblocking(False)
        except OSError:
            self._hang_up(connection)
            return
        if behaviour.close or behaviour.tcp_bytes is not None:
            self._hang_up(connection)

    def _hang_up(self, connection):
        if self._connections.pop(connection, None) is not None:
            self._selector.unregister(connection)
            connection.close()


def _open(address, port):
    """A UDP and a listening TCP socket on the same port."""
    for _ in range(1 if port else 20):
        number = port or free_port()
        udp, tcp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        try:
            udp.bind((address, number))
            tcp.bind((address, number))
            tcp.listen(200)
            return udp, tcp
        except OSError:
            udp.close()
            tcp.close()
    raise RuntimeError("no port that is free for UDP and for TCP")
