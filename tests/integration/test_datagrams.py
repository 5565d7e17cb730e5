"""What a datagram keeps on its way: its bytes, its marks, and the address it is answered from."""
import os
import socket
import struct

import pytest

from counters import counters
from free_ports import SERVER_PORTS, free_port, free_ports
from namespace import Namespace
from proxyd_process import SERVER_SIDE, configuration

LOOPBACKS = ["127.0.0.1", "::1"]


def start(proxyd, peer, address, **rule):
    """(daemon, server, client, listener)"""
    server, client, listener = peer(address), peer(address), (address, free_port())
    return proxyd(configuration(listener, server.text, rule)), server, client, listener


@pytest.mark.parametrize("address", LOOPBACKS)
def test_the_largest_and_the_empty_datagram_pass_unchanged(proxyd, peer, address):
    """[K-47] Both ways, several in a row, and they are counted."""
    daemon, server, client, listener = start(proxyd, peer, address)
    payloads = [os.urandom(65507), b"", os.urandom(65507), os.urandom(1), b"", os.urandom(9000), os.urandom(65506)]
    for payload in payloads:
        client.send(payload, listener)
        received, source = server.receive()
        assert received == payload
        server.send(payload[::-1], source)
        assert client.receive() == (payload[::-1], listener)
    daemon.stop()
    record, = daemon.records()
    for direction in ("CIN", "COUT", "SIN", "SOUT"):
        assert record[f"DATAGRAMS-{direction}"] == str(len(payloads))
        assert record[f"BYTES-{direction}"] == str(sum(map(len, payloads)))


def test_an_empty_datagram_opens_a_session(proxyd, peer):
    """[K-47] [K-32]"""
    daemon, server, client, listener = start(proxyd, peer, "127.0.0.1")
    client.send(b"", listener)
    assert server.receive()[0] == b""
    assert counters(daemon)["created"] == 1


def test_bytes_of_any_value_and_length_pass(proxyd, peer):
    """[K-47] No content means anything to a plain proxy."""
    _, server, client, listener = start(proxyd, peer, "127.0.0.1")
    for length in [*range(0, 70), 511, 512, 1471, 1472, 1473, 4096, 16384]:
        payload = bytes((length * 7 + i) & 0xff for i in range(length))
        client.send(payload, listener)
        assert server.receive()[0] == payload


class Marked:
    """A peer that sends with a traffic class and sees that of what it gets."""

    def __init__(self, peer, address):
        self.peer = peer(address)
        self.v6 = ":" in address
        self.level, self.type = (socket.IPPROTO_IPV6, 67) if self.v6 else (socket.IPPROTO_IP, 1)  # TCLASS, TOS
        self.peer.socket.setsockopt(self.level, 66 if self.v6 else 13, 1)  # RECVTCLASS, RECVTOS

    def send(self, data, to, tos):
        self.peer.socket.sendmsg([data], [(self.level, self.type, struct.pack("i", tos))], 0, to)

    def receive(self):
        """(source, traffic class)"""
        self.peer.socket.settimeout(2)
        _, control, _, source = self.peer.socket.recvmsg(100, 100)
        marks = [data[0] for level, kind, data in control if (level, kind) == (self.level, self.type)]
        return source, marks[0] if marks else 0


@pytest.mark.parametrize("address", LOOPBACKS)
@pytest.mark.parametrize("rule, to_server, to_client", [
    ({}, lambda tos: tos, lambda tos: tos),
    ({"dscp": {"to-server": 46, "to-client": 0}}, lambda tos: 46 << 2 | tos & 3, lambda tos: tos & 3),
], ids=["kept", "set"])
def test_dscp_and_ecn(proxyd, peer, address, rule, to_server, to_client):
    """[K-49] DSCP is kept or set for each side; ECN is always kept, both ways."""
    server, client, listener = Marked(peer, address), Marked(peer, address), (address, free_port())
    proxyd(configuration(listener, server.peer.text, rule))
    for tos in [0, 1, 2, 3, 46 << 2, 46 << 2 | 3, 10 << 2 | 1, 0xfc, 0]:
        client.send(b"x", listener, tos)
        source, seen = server.receive()
        assert seen == to_server(tos), f"to the server, sent with {tos:#x}"
        server.send(b"y", source, tos)
        assert client.receive()[1] == to_client(tos), f"to the client, sent with {tos:#x}"


@pytest.mark.parametrize("address", LOOPBACKS)
def test_dscp_as_a_condition(proxyd, peer, address):
    """[K-49]"""
    server, client, listener = peer(address), Marked(peer, address), (address, free_port())
    daemon = proxyd(configuration(listener, server.text, {"dscp": {"match": [46, 10]}}))
    for tos in (0, 47 << 2, 3):
        client.send(b"no", listener, tos)
    server.receive_nothing(0.1)
    client.send(b"yes", listener, 46 << 2 | 1)
    assert server.receive()[0] == b"yes"
    assert counters(daemon)["refused by acl"] == 3


def test_replies_leave_from_the_address_that_was_asked(proxyd, peer):
    """[K-44] [O-17] A wildcard listener; one client at several addresses has as many sessions."""
    server, client, port = peer(), peer("127.0.0.1"), free_port()
    daemon = proxyd(configuration(("0.0.0.0", port), server.text))
    sources = {}
    for address in ("127.0.0.1", "127.0.0.2", "127.45.6.7", "127.255.0.9"):
        client.send(address.encode(), (address, port))
        data, sources[address] = server.receive()
        assert data.decode() == address
    assert len(set(sources.values())) == 4
    for address, source in reversed(sources.items()):
        server.send(b"answer", source)
        assert client.receive() == (b"answer", (address, port))
    daemon.stop()
    assert {r["LISTENER"] for r in daemon.records()} == {f"{address}:{port}" for address in sources}


def test_replies_leave_from_the_address_that_was_asked_v6(proxyd, peer, started):
    """[K-44] [O-17] Global and link-local addresses of an interface, asked from another host."""
    inside, outside = Namespace("net/ipv6/conf/all/disable_ipv6=0"), Namespace("net/ipv6/conf/all/disable_ipv6=0")
    started += [inside, outside]
    inside.connect("eth", outside, "eth")
    inside.address("eth", "fd00:9::1/64", "fd00:9::2/64", "fe80::1/64")
    outside.address("eth", "fd00:9::9/64", "fe80::9/64")
    with inside:
        server = peer("fd00:9::1")
        proxyd(configuration(("::", 4053), server.text))
    with outside:
        client, index = peer("::"), socket.if_nametoindex("eth")
    for address in ("fd00:9::2", "fd00:9::1", "fe80::1"):
        client.send(address.encode(), (address, 4053, 0, index if address.startswith("fe80") else 0))
        data, source = server.receive()
        assert data.decode() == address
        server.send(b"answer", source)
        data, (answered_from, port) = client.receive()
        assert (answered_from.split("%")[0], port) == (address, 4053)


def test_v4_and_v6_wildcards_share_a_port(proxyd, peer):
    """[L-13] An IPv6 listener takes no IPv4; both coexist, and addresses appear in their own form."""
    server, port = peer(), free_port()
    config = configuration(("0.0.0.0", port), server.text)
    config["listen-on"].append({"address": "::", "port": port})
    daemon = proxyd(config)
    for address in ("127.0.0.1", "::1"):
        client = peer(address)
        client.send(address.encode(), (address, port))
        data, source = server.receive()
        server.send(data, source)
        assert client.receive() == (address.encode(), (address, port))
    daemon.stop()
    assert {(r["CLIENT-IP"], r["LISTENER"]) for r in daemon.records()} == {
        ("127.0.0.1", f"127.0.0.1:{port}"), ("::1", f"[::1]:{port}")}


def test_a_v6_wildcard_alone_takes_no_v4(proxyd, peer):
    """[L-13] Whatever net.ipv6.bindv6only says."""
    server, client, port = peer(), peer(), free_port()
    daemon = proxyd(configuration(("::", port), server.text))
    client.send(b"x", ("127.0.0.1", port))
    server.receive_nothing(0.2)
    assert counters(daemon)["created"] == counters(daemon)["refused"] == 0


def test_sessions_cross_the_families(proxyd, peer):
    """[K-28] IPv6 clients reach an IPv4 server and the other way round."""
    for listen, target in (("::1", "127.0.0.1"), ("127.0.0.1", "::1")):
        server, client, port = peer(target), peer(listen), free_port()
        proxyd(configuration((listen, port), server.text))
        client.send(b"question", (listen, port))
        data, source = server.receive()
        server.send(b"answer", source)
        assert (data, client.receive()) == (b"question", (b"answer", (listen, port)))


def test_port_0_is_a_free_port_that_can_be_read_back(proxyd, peer):
    """[L-32] The line about the start names it; several workers share it."""
    server, client = peer(), peer()
    config = configuration(("127.0.0.1", 0), server.text)
    config["udpserver"]["workers"] = 2
    daemon = proxyd(config)
    port = int(daemon.lines("UDPS-210-K")[0].text.rsplit(":", 1)[1])
    assert port > 0
    client.send(b"x", ("127.0.0.1", port))
    data, source = server.receive()
    server.send(data, source)
    assert client.receive() == (b"x", ("127.0.0.1", port))


def raw_datagram(source, source_port, to, payload):
    """Sends a UDP datagram with any source, as a raw socket may."""
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
        udp = struct.pack("!HHHH", source_port, to[1], 8 + len(payload), 0) + payload
        header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0,
                             socket.inet_aton(source), socket.inet_aton(to[0]))
        raw.sendto(header + udp, to)


def test_a_datagram_that_cannot_be_answered_is_dropped(proxyd, peer):
    """[L-21] Source port 0: counted, no session; what comes with it in one batch is served."""
    daemon, server, client, listener = start(proxyd, peer, "127.0.0.1")
    for number in range(5):
        raw_datagram("127.0.0.1", 0, listener, b"nobody")
        client.send(b"%d" % number, listener)
    assert [server.receive()[0] for _ in range(5)] == [b"%d" % number for number in range(5)]
    server.receive_nothing(0.05)
    counts = counters(daemon)
    assert (counts["bad source"], counts["created"]) == (5, 1)


@pytest.mark.parametrize("family", ["v4", "v6"])
def test_the_source_address_is_the_configured_one(proxyd, peer, started, family):
    """[K-45]"""
    server_address, wanted = ("127.0.0.1", "127.3.2.1") if family == "v4" else ("fd00:4::1", "fd00:4::77")
    if family == "v6":
        namespace = Namespace("net/ipv6/conf/all/disable_ipv6=0")
        started.append(namespace)
        namespace.address("lo", "fd00:4::1/128", "fd00:4::77/128")
        namespace.__enter__()
    try:
        _, server, client, listener = start(proxyd, peer, server_address, **{"source-address": wanted})
        client.send(b"x", listener)
        data, source = server.receive()
        assert source[0] == wanted
        server.send(b"y", source)
        assert client.receive() == (b"y", listener)
    finally:
        if family == "v6":
            namespace.__exit__()


def test_a_source_address_that_is_not_there_is_told_at_the_start(proxyd):
    """[K-45] No session could be had with it: the proxy does not start and says why."""
    daemon = proxyd(configuration(("127.0.0.1", free_port()), "127.0.0.1:9", {"source-address": "192.0.2.77"}),
                    ready=False)
    assert daemon.wait() == 1
    assert "192.0.2.77" in daemon.error_text()


def test_source_ports_are_of_the_configured_range(proxyd, peer):
    """[K-45]"""
    server, listener, first = peer(), ("127.0.0.1", free_port()), free_ports(20)
    proxyd(configuration(listener, server.text, {"source-port": f"{first}-{first + 19}"}))
    ports = set()
    for number in range(20):
        client = peer()
        client.send(b"%d" % number, listener)
        data, (_, port) = server.receive()
        assert data == b"%d" % number
        ports.add(port)
    assert ports == set(range(first, first + 20))


def test_source_ports_cannot_be_foretold(proxyd, peer):
    """[K-45] Of the system's range, in no order."""
    server, listener = peer(), ("127.0.0.1", free_port())
    proxyd(configuration(listener, server.text))
    ports = []
    for _ in range(30):
        peer().send(b"x", listener)
        ports.append(server.receive()[1][1])
    system = open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii").read().split()
    low, high = map(int, system) if SERVER_SIDE == "own" else (SERVER_PORTS[0], SERVER_PORTS[-1])
    assert all(low <= port <= high for port in ports) and len(set(ports)) == 30
    assert ports != sorted(ports) and ports != sorted(ports, reverse=True)
    assert len({b - a for a, b in zip(ports, ports[1:])}) > 15
