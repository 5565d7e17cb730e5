"""Servers that fall silent, and a machine that loses its address or route to them while sessions run."""
import os
import signal
import socket

import pytest

from counters import counters
from deadline import wait_for
from namespace import Namespace
from proxyd_process import configuration

PORT, SERVICE = 4053, 9053


class Network:
    """client 10.1.0.2 -- 10.1.0.1 gateway 10.2.0.1 -- 10.2.0.9 server; the same in fd01::/64 and fd02::/64"""

    def __init__(self, started):
        self.gateway, self.client, self.server = (self._add(started) for _ in range(3))
        self.gateway.connect("lan", self.client, "eth")
        self.gateway.connect("wan", self.server, "eth")
        self.gateway.address("lan", "10.1.0.1/24", "fd01::1/64")
        self.gateway.address("wan", "10.2.0.1/24", "fd02::1/64")
        self.client.address("eth", "10.1.0.2/24", "fd01::2/64")
        self.server.address("eth", "10.2.0.9/24", "fd02::9/64")

    @staticmethod
    def _add(started):
        started.append(Namespace("net/ipv6/conf/all/disable_ipv6=0", "net/ipv4/conf/all/rp_filter=0",
                                 "net/ipv4/conf/default/rp_filter=0"))
        return started[-1]


@pytest.fixture
def network(started):
    return Network(started)


class Session:
    """A client, its session through the proxy in the gateway, and the server behind it."""

    def __init__(self, network, proxyd, peer, family, rule=None):
        v6 = family == 6
        self.listener = ("fd01::1" if v6 else "10.1.0.1", PORT)
        with network.server:
            self.server = peer("fd02::9" if v6 else "10.2.0.9", SERVICE)
        with network.client:
            self.client = peer("fd01::2" if v6 else "10.1.0.2")
        with network.gateway:
            self.daemon = proxyd(configuration(self.listener, self.server.text, rule))

    def ask(self):
        """One round trip; returns the address and port that the server saw."""
        self.client.send(b"question", self.listener)
        question, source = self.server.receive()
        assert question == b"question"
        self.server.send(b"answer", source)
        assert self.client.receive() == (b"answer", self.listener)
        return source


@pytest.fixture(params=[4, 6])
def session(request, network, proxyd, peer):
    return Session(network, proxyd, peer, request.param)


def wan(network, family, *arguments):
    network.gateway.ip(*(("-6",) if family == 6 else ()), *arguments)


def test_a_session_continues_from_another_address_when_its_own_is_gone(session, network):
    """[C-2] DHCP: the address towards the server is replaced. The session's next datagram leaves from the new one."""
    old, new = ("fd02::1", "fd02::7") if ":" in session.listener[0] else ("10.2.0.1", "10.2.0.7")
    length = 64 if ":" in old else 24
    assert session.ask()[0] == old
    network.gateway.ip("address", "del", f"{old}/{length}", "dev", "wan")
    network.gateway.address("wan", f"{new}/{length}")
    if ":" in old:  # where the kernel reports no error, so that nothing but the change itself can be noticed
        session.daemon.wait_line("UDPP-654-N", text=new)
    assert session.ask()[0] == new
    assert session.ask()[0] == new
    assert counters(session.daemon)["created"] == 1, "the client's session has continued"


def test_a_session_continues_when_the_new_address_comes_later(session, network):
    """[C-2] PPPoE: for a while there is neither address nor route."""
    old, new = ("fd02::1", "fd02::7") if ":" in session.listener[0] else ("10.2.0.1", "10.2.0.7")
    length = 64 if ":" in old else 24
    assert session.ask()[0] == old
    network.gateway.ip("address", "del", f"{old}/{length}", "dev", "wan")
    for _ in range(3):
        session.client.send(b"lost", session.listener)
    wait_for(lambda: counters(session.daemon)["send errors to servers"] >= 3, what="three errors")
    network.gateway.address("wan", f"{new}/{length}")
    wait_for(lambda: session.daemon.lines("UDPP-654-N", text=new), what="the new source")
    assert session.ask()[0] == new
    assert counters(session.daemon)["created"] == 1


def test_a_session_survives_a_route_that_is_gone_for_a_moment(session, network):
    """[C-2] The address and the route come back: the server sees the same port."""
    source = session.ask()
    network.gateway.ip("link", "set", "wan", "down")
    session.client.send(b"lost", session.listener)
    wait_for(lambda: counters(session.daemon)["send errors to servers"] >= 1, what="an error")
    network.gateway.ip("link", "set", "wan", "up")
    if ":" in source[0]:
        network.gateway.address("wan", "fd02::1/64")
        network.gateway.ip("link", "set", "wan", "up")
    wait_for(lambda: not session.client.send(b"question", session.listener) and received(session.server), 10,
             "a datagram after the outage")
    assert session.ask()[0] == source[0]
    assert counters(session.daemon)["created"] == 1


def received(server):
    try:
        return server.receive(0.1)
    except AssertionError:
        return None


def test_a_session_gets_another_source_while_reg_is_replaced(session, network):
    """[C-2] The next REG finds sessions whose source is gone."""
    old, new = ("fd02::1", "fd02::7") if ":" in session.listener[0] else ("10.2.0.1", "10.2.0.7")
    length = 64 if ":" in old else 24
    assert session.ask()[0] == old
    os.kill(session.daemon.child(), signal.SIGSTOP)
    network.gateway.ip("address", "del", f"{old}/{length}", "dev", "wan")
    network.gateway.address("wan", f"{new}/{length}")
    session.daemon.replace_child()
    wait_for(lambda: session.daemon.lines("UDPP-654-N", text=new), what="the new source")
    assert session.ask()[0] == new


@pytest.mark.parametrize("family", [4, 6])
def test_an_unreachable_client_is_not_the_fault_of_its_server(network, proxyd, peer, family):
    """[C-3] `ip route add unreachable CLIENT`: the session stays open whatever on-icmp-error says, and the counter and
    the message name the client's side."""
    session = Session(network, proxyd, peer, family, {"on-icmp-error": "close"})
    source = session.ask()
    address = session.client.address[0]
    wan(network, family, "route", "add", "unreachable", address)
    session.server.send(b"unsolicited", source)
    line = session.daemon.wait_line("UDPP-653-W", text=address)
    assert "cannot send to the client" in line.raw
    counted = counters(session.daemon)
    assert counted["open"] == 1 and counted["to clients"] == 1
    assert counted["icmp errors"] == 0 and counted["send errors to servers"] == 0
    wan(network, family, "route", "del", "unreachable", address)
    assert session.ask() == source, "the session has continued"


def test_a_request_to_a_multicast_address_is_answered(network, proxyd, peer):
    """[G-4] A listener on [::] receives what is sent to all nodes of the link; the answer leaves from an address of the
    proxy."""
    with network.server:
        server = peer("fd02::9", SERVICE)
    with network.client:
        client = peer("::")
        interface = socket.if_nametoindex("eth")
    with network.gateway:
        daemon = proxyd(configuration(("::", PORT), server.text))
    network.client.ip("-6", "route", "add", "multicast", "ff02::/16", "dev", "eth", "table", "local")
    client.socket.sendto(b"anyone?", ("ff02::1", PORT, 0, interface))
    question, source = server.receive()
    assert question == b"anyone?"
    server.send(b"me", source)
    answer, source = client.receive()
    assert answer == b"me" and source[1] == PORT and not source[0].startswith("ff")
    assert counters(daemon)["to clients"] == 0


def test_a_listener_on_a_broadcast_address_matches_its_rule(network, proxyd, peer):
    """[G-3] Wake on LAN: the rule names the broadcast address, as -t and explain understand it."""
    with network.server:
        server = peer("0.0.0.0", SERVICE)
    with network.client:
        client = peer("10.1.0.2")
    rule = {"to": f"10.1.0.255:{PORT}", "udp-session-type": "broadcast"}
    with network.gateway:
        proxyd(configuration(("10.1.0.255", PORT), f"10.2.0.255:{SERVICE}", rule))
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    client.send(b"wake up", ("10.1.0.255", PORT))
    assert server.receive()[0] == b"wake up"


def test_a_wildcard_listener_matches_what_was_sent_to_a_broadcast_address(network, proxyd, peer):
    """[G-3] The rule names the broadcast address; the reply leaves from an address of the proxy."""
    with network.server:
        server = peer("10.2.0.9", SERVICE)
    with network.client:
        client = peer("10.1.0.2")
    with network.gateway:
        daemon = proxyd(configuration(("0.0.0.0", PORT), server.text, {"to": f"10.1.0.255:{PORT}"}))
    client.send(b"to the address", ("10.1.0.1", PORT))
    daemon.wait_line("UDPP-620-N", "refused: acl")
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    client.send(b"to all", ("10.1.0.255", PORT))
    question, source = server.receive()
    assert question == b"to all"
    server.send(b"answer", source)
    assert client.receive() == (b"answer", ("10.1.0.1", PORT))
    daemon.replace_child("REG")
    client.send(b"again", ("10.1.0.255", PORT))
    assert server.receive() == (b"again", source)
    server.send(b"answer", source)
    assert client.receive() == (b"answer", ("10.1.0.1", PORT))
