"""Who may answer in a session: the table of session types, one test for each cell, IPv4 and IPv6."""
import time

import pytest

from counters import counters
from deadline import wait_for
from free_ports import free_port
from namespace import Namespace
from proxyd_process import configuration

FOREIGN = "UDPS-630-N"


@pytest.fixture(params=["v4", "v6"])
def network(request, started):
    """Addresses of a namespace of its own: `server` and `other` (two hosts of one network), `far` (elsewhere)."""
    namespace = Namespace("net/ipv6/conf/all/disable_ipv6=0")
    started.append(namespace)
    v6 = request.param == "v6"
    addresses = {"server": "fd00:1::10", "other": "fd00:1::11", "far": "fd00:2::12", "proxy": "fd00:3::1",
                 "client": "fd00:3::2"} if v6 else {"server": "10.1.0.10", "other": "10.1.0.11", "far": "10.2.0.12",
                                                    "proxy": "10.3.0.1", "client": "10.3.0.2"}
    namespace.address("lo", *(f"{address}/{128 if v6 else 32}" for address in addresses.values()))
    with namespace:
        yield addresses


class Scene:
    """A session that a client has opened: its server has the first datagram and knows the source."""

    def __init__(self, proxyd, peer, network, kind, **rule):
        self.peer, self.network = peer, network
        self.server, self.client = peer(network["server"]), peer(network["client"])
        self.listener = (network["proxy"], free_port())
        config = configuration(self.listener, self.server.text, {"udp-session-type": kind, **rule})
        config["listen-on"][0]["address"] = self.listener[0]
        self.daemon = proxyd(config)
        self.ask()

    def ask(self, data=b"question"):
        self.client.send(data, self.listener)
        received, self.source = self.server.receive()
        assert received == data

    def answer(self, sender, data):
        sender.send(data, self.source)

    def comes(self, data):
        assert self.client.receive() == (data, self.listener)

    def foreign(self, sender, logged=True):
        """A datagram of this sender is dropped, counted and logged, and the session continues."""
        before = counters(self.daemon)["foreign"]
        self.answer(sender, b"from a stranger")
        self.client.receive_nothing(0.15)
        assert counters(self.daemon)["foreign"] == before + (1 if logged else 0)
        if logged:
            assert self.daemon.wait_line(FOREIGN, text=sender.text, seconds=2)
        assert counters(self.daemon)["open"] == 1


@pytest.fixture
def scene(proxyd, peer, network):
    return lambda kind, **rule: Scene(proxyd, peer, network, kind, **rule)


def test_one_way_an_answer_ends_the_session_and_is_not_passed(scene, network, peer):
    """[K-39] [K-40]"""
    s = scene("one-way")
    first = s.source
    s.ask(b"more")
    assert s.source == first
    s.answer(s.server, b"answer")
    record = s.daemon.wait_records(REASON="one-way-reply")[0]
    s.client.receive_nothing(0.1)
    assert (record["DATAGRAMS-COUT"], record["DATAGRAMS-CIN"], record["RESULT"]) == ("0", "2", "OK")
    assert s.daemon.wait_line("UDPP-631-N")
    s.ask(b"again")
    assert s.source != first


def test_one_way_strangers_do_not_get_in(scene, network, peer):
    """[K-39] The kernel lets only the server speak to the socket: nothing arrives, nothing ends."""
    s = scene("one-way")
    for stranger in (peer(network["server"]), peer(network["other"])):
        s.foreign(stranger, logged=False)


def test_one_way_ends_by_its_limit_of_datagrams(scene):
    """[K-39] No answer is to be waited for."""
    s = scene("one-way", limits={"client-datagrams": 2})
    s.ask(b"second")
    record = s.daemon.wait_records(REASON="client-datagrams")[0]
    assert (record["DATAGRAMS-SOUT"], record["RESULT"]) == ("2", "OK")


def test_normal_only_the_server_may_answer(scene, network, peer):
    """[K-39] The kernel keeps others out: another port of the server, another host; nothing arrives."""
    s = scene("normal")
    for stranger in (peer(network["server"]), peer(network["other"]), peer(network["far"])):
        s.foreign(stranger, logged=False)
    s.answer(s.server, b"one")
    s.comes(b"one")
    s.foreign(peer(network["server"]), logged=False)
    s.answer(s.server, b"two")
    s.comes(b"two")


def test_any_port_the_first_answer_fixes_the_port(scene, network, peer):
    """[K-39] [K-42] Other hosts are ignored before and after it; later datagrams go to the new port."""
    s = scene("any-port")
    s.foreign(peer(network["other"]))
    worker = peer(network["server"])
    s.answer(worker, b"from my own port")
    s.comes(b"from my own port")
    s.client.send(b"to the new port", s.listener)
    assert worker.receive() == (b"to the new port", s.source)
    s.server.receive_nothing(0.05)
    for stranger in (s.server, peer(network["server"]), peer(network["other"])):
        s.foreign(stranger)
    s.answer(worker, b"still here")
    s.comes(b"still here")


def test_any_port_may_accept_every_port_of_the_host(scene, network, peer):
    """[K-42] any-port-strict: false."""
    s = scene("any-port", **{"any-port-strict": False})
    for number, sender in enumerate([s.server, peer(network["server"]), peer(network["server"])]):
        s.answer(sender, b"%d" % number)
        s.comes(b"%d" % number)
    s.foreign(peer(network["other"]))


def test_any_sock_the_first_answer_fixes_address_and_port(scene, network, peer):
    """[K-39]"""
    s = scene("any-sock")
    worker = peer(network["far"])
    s.answer(worker, b"from elsewhere")
    s.comes(b"from elsewhere")
    s.client.send(b"to elsewhere", s.listener)
    data, source = worker.receive()
    assert data == b"to elsewhere"
    assert source[1] == s.source[1], "the source port stays; the route to the new host chooses the address"
    for stranger in (s.server, peer(network["far"]), peer(network["other"])):
        s.foreign(stranger)
    s.answer(worker, b"still here")
    s.comes(b"still here")


def test_any_sock_the_server_itself_may_be_first(scene, network, peer):
    """[K-39]"""
    s = scene("any-sock")
    s.answer(s.server, b"me")
    s.comes(b"me")
    s.foreign(peer(network["far"]))


def test_broadcast_hosts_of_the_network_answer_under_their_own_address(scene, network, peer):
    """[K-39] [K-43] The server's port only; its mask decides; nothing is fixed by an answer."""
    s = scene("broadcast", **{"broadcast-prefix": 64 if ":" in network["server"] else 24})
    port = s.server.address[1]
    other, far = peer(network["other"], port), peer(network["far"], port)
    for sender in (other, s.server, other):
        s.answer(sender, b"here")
        assert s.client.receive() == (b"here", (sender.address[0], s.listener[1]))
    for stranger in (far, peer(network["other"]), peer(network["server"])):
        s.foreign(stranger)
    s.ask(b"still to the same")


@pytest.mark.parametrize("kind", ["any-port", "any-sock", "broadcast"])
def test_ignored_datagrams_do_not_keep_a_session(scene, network, peer, kind):
    """[K-41] The idle timer runs on; the record does not count them."""
    s = scene(kind, limits={"idle": "500ms"})
    s.answer(s.server, b"first")
    assert s.client.receive()[0] == b"first"
    stranger = peer(network["far"])
    begin = time.monotonic()
    while not s.daemon.records():
        s.answer(stranger, b"hello?")
        time.sleep(0.05)
        assert time.monotonic() < begin + 3, "strangers keep the session"
    record = s.daemon.records()[0]
    assert (record["REASON"], record["DATAGRAMS-SIN"]) == ("idle", "1")


def test_a_flood_of_strangers_is_counted_in_full_and_logged_in_part(scene, network, peer):
    """[K-41]"""
    s = scene("any-sock")
    s.answer(s.server, b"first")
    s.comes(b"first")
    stranger = peer(network["other"])
    for number in range(1, 5):
        for _ in range(100):  # fewer than the socket's buffer holds
            s.answer(stranger, b"noise")
        wait_for(lambda: counters(s.daemon)["foreign"] == number * 100, what="all are counted", interval=0.05)
    s.client.receive_nothing(0.1)
    assert 1 <= len(s.daemon.lines(FOREIGN)) <= 100
