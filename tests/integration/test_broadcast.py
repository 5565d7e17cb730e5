"""A broadcast session in a network of its own: a client, the proxy, and several hosts behind it."""
import socket

import pytest

from namespace import Namespace
from proxyd_process import configuration

PORT, SERVICE = 4009, 9009


class Network:
    """client 10.1.0.2 -- 10.1.0.1 proxy 10.2.0.1 -- 10.2.0.11, .12, .13 (and 10.2.9.9 on the same wire)"""

    def __init__(self, started):
        self.proxy, self.client = (self._add(started) for _ in range(2))
        self.hosts = [self._add(started) for _ in range(4)]
        self.proxy.connect("left", self.client, "eth")
        self.proxy.address("left", "10.1.0.1/24")
        self.client.address("eth", "10.1.0.2/24")
        self.client.ip("route", "add", "10.2.0.0/16", "via", "10.1.0.1")
        self.proxy.ip("link", "add", "right", "type", "bridge")
        self.proxy.address("right", "10.2.0.1/24")
        for number, host in enumerate(self.hosts):
            self.proxy.connect(f"r{number}", host, "eth")
            self.proxy.ip("link", "set", f"r{number}", "master", "right", "up")
            host.address("eth", f"10.2.0.1{number + 1}/24" if number < 3 else "10.2.9.9/16")

    @staticmethod
    def _add(started):
        started.append(Namespace("net/ipv4/conf/all/rp_filter=0", "net/ipv4/conf/default/rp_filter=0"))
        return started[-1]


@pytest.fixture
def network(started):
    return Network(started)


def answering(peer, host, port=SERVICE):
    with host:
        return peer("0.0.0.0", port)


def test_several_responders_keep_their_own_addresses(network, proxyd, peer):
    """[K-43] A broadcast goes to all hosts of the network; each answer reaches the client from its host's address."""
    responders = [answering(peer, host) for host in network.hosts]
    with network.client:
        client = peer("10.1.0.2")
    rule = {"udp-session-type": "broadcast", "broadcast-prefix": 24}
    with network.proxy:
        daemon = proxyd(configuration(("10.1.0.1", PORT), f"10.2.0.255:{SERVICE}", rule))
    client.send(b"who is there?", ("10.1.0.1", PORT))
    sources = set()
    for number, responder in enumerate(responders[:3]):
        data, source = responder.receive()
        assert data == b"who is there?" and source[0] == "10.2.0.1"
        sources.add(source)
        responder.send(b"me, %d" % number, source)
    assert len(sources) == 1
    source = sources.pop()
    answers = dict(client.receive()[::-1] for _ in range(3))
    assert answers == {(f"10.2.0.1{n + 1}", PORT): b"me, %d" % n for n in range(3)}

    # Out of the mask, and from another port: ignored.
    with network.hosts[3]:
        responders[3].send(b"too far", source)
    with network.hosts[0]:
        peer("0.0.0.0").send(b"wrong port", source)
    client.receive_nothing(0.2)
    assert len(daemon.lines("UDPS-630-N")) == 2
    # A responder's answers keep arriving, and the session stays open.
    responders[1].send(b"me again", source)
    assert client.receive() == (b"me again", ("10.2.0.12", PORT))
    client.send(b"and now?", ("10.1.0.1", PORT))
    assert responders[2].receive() == (b"and now?", source)
    daemon.stop()
    record, = daemon.records()
    assert (record["TYPE"], record["DATAGRAMS-COUT"], record["DATAGRAMS-SOUT"]) == ("broadcast", "4", "2")


def test_a_client_may_broadcast_to_the_proxy(network, proxyd, peer):
    """[K-43] A listener on the broadcast address of its network takes the client's own broadcasts."""
    responders = [answering(peer, host) for host in network.hosts[:2]]
    with network.client:
        client = peer("10.1.0.2")
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    with network.proxy:
        proxyd(configuration(("10.1.0.255", PORT), f"10.2.0.255:{SERVICE}", {"udp-session-type": "broadcast"}))
    client.send(b"all!", ("10.1.0.255", PORT))
    for responder in responders:
        data, source = responder.receive()
        responder.send(b"yes", source)
    assert {client.receive()[1] for _ in responders} == {("10.2.0.11", PORT), ("10.2.0.12", PORT)}


def test_broadcast_sessions_survive_a_new_reg(network, proxyd, peer):
    """[K-43] The next REG answers under the responders' addresses too."""
    responder = answering(peer, network.hosts[0])
    with network.client:
        client = peer("10.1.0.2")
    with network.proxy:
        daemon = proxyd(configuration(("10.1.0.1", PORT), f"10.2.0.255:{SERVICE}", {"udp-session-type": "broadcast"}))
    client.send(b"one", ("10.1.0.1", PORT))
    _, source = responder.receive()
    daemon.replace_child("REG")
    responder.send(b"two", source)
    assert client.receive() == (b"two", ("10.2.0.11", PORT))
