"""First datagrams wait for the names that decide about them: in order, within bounds, and no other client waits."""
import signal
import time

import pytest

from deadline import SLOWNESS, wait_for
from dns_packet import reverse_name
from evil_dns import addresses, nodata, pointers, silence
from free_ports import free_port
from proxyd_process import configuration, resolver

HOLD_FULL, LOOKUP_FAILED = "UDPP-660-N", "NAMS-230-N"
NAME = "srv.example.test"
CLIENT = "127.7.0.1"


class Waiting:
    """A proxy whose rule waits for an answer that is late, and another rule that needs none."""

    def __init__(self, daemon, listener, server, dns, key):
        self.daemon, self.listener, self.server, self.dns, self.key = daemon, listener, server, dns, key

    def answer(self):
        """The answers that the name server has kept back."""
        for query in self.dns.queries():
            if query.key in GOOD:
                self.dns.answer(query, GOOD[query.key])


GOOD = {(NAME, "A"): addresses("127.0.0.21"), (NAME, "AAAA"): nodata(),
        (reverse_name(CLIENT), "PTR"): pointers("host.example.test")}


@pytest.fixture(params=["configuration", "reverse"])
def waiting(request, proxyd, evil_dns, tagged, udp_echo):
    """`waiting(**resolver settings)`: a session of 127.7.0.1 waits, for ACR or for APR, until `answer()`."""
    def start(hold=None, workers=1, **settings):
        (a,), listener = tagged("A"), ("127.0.0.1", free_port())
        for name, type_name in GOOD:
            evil_dns.set(name, type_name, silence())
        evil_dns.host("host.example.test", CLIENT)
        settings = {"server_timeout": "10s", "initial_timeout": "10s", "timeout": "10s", "conf_timeout": "10s", **settings}
        section = resolver(evil_dns, **settings)
        if hold:
            section["hold"] = hold
        by_name = {"name": "waits", "from": ["127.7.0.0/16"], "action": "accept", "plug-to": [f"{NAME}:{a.address[1]}"]}
        by_client = {"name": "waits", "from": [r"~host\.example\.test"], "action": "accept", "plug-to": [a.text]}
        config = configuration(listener, udp_echo().text, {"from": ["127.0.0.0/16"]}, resolver=section,
                               udpserver={"max-sessions": 5000, "workers": workers})
        key = (NAME, "A") if request.param == "configuration" else (reverse_name(CLIENT), "PTR")
        # The rule for others comes first where the waiting one would need the name of every client.
        config["session-acl"].append(by_name if request.param == "configuration" else by_client)
        daemon = proxyd(config)
        daemon.wait_line("UDPS-221-K", text="ACR" if request.param == "configuration" else "APR")
        return Waiting(daemon, listener, a, evil_dns, key)
    return start


def test_first_datagrams_wait_and_keep_their_order(waiting, peer):
    """[K-58] Three at once, an answer after a second; then all is as if there had been no wait."""
    at = waiting()
    client = peer(CLIENT)
    for number in range(3):
        client.send(b"%d" % number, at.listener)
    at.dns.wait_query(*at.key)
    client.receive_nothing(1)
    assert not at.server.seen, "nothing goes out before the answer"
    at.answer()
    assert [client.receive()[0] for _ in range(3)] == [b"A 0", b"A 1", b"A 2"]
    assert at.server.data == [b"0", b"1", b"2"] and len(at.server.sources) == 1
    assert client.ask(b"3", at.listener) == b"A 3"
    at.daemon.stop()
    record = at.daemon.records()
    assert len(record) == 1 and record[0]["DATAGRAMS-CIN"] == "4" and record[0]["STATUS"] == "ACCEPTED"


def test_datagrams_of_many_sizes_wait_unchanged(waiting, peer):
    """[K-58] Empty ones and large ones."""
    at = waiting()
    client = peer(CLIENT)
    sent = [b"", b"a" * 1472, b"b" * 20000, b"c"]
    for data in sent:
        client.send(data, at.listener)
    at.dns.wait_query(*at.key)
    at.answer()
    assert [client.receive()[0] for _ in sent] == [b"A " + data for data in sent]


def test_no_more_than_16_of_one_client_wait(waiting, peer):
    """[K-58] The 17th is dropped, counted and logged; another client has its own limit."""
    at = waiting()
    greedy, other = peer(CLIENT), peer(CLIENT)
    for number in range(20):
        greedy.send(b"%d" % number, at.listener)
    other.send(b"other", at.listener)
    at.dns.wait_query(*at.key)
    wait_for(lambda: at.daemon.lines(HOLD_FULL), 5, at.daemon.tail)
    at.answer()
    assert [greedy.receive()[0] for _ in range(16)] == [b"A %d" % number for number in range(16)]
    greedy.receive_nothing()
    assert other.receive()[0] == b"A other"
    at.daemon.send_signal(signal.SIGPWR)
    line = at.daemon.wait_line("UDPS-240-I", text="clients waiting")
    assert "0 clients waiting, 17 datagrams held, 4 dropped for lack of room" in line.text


@pytest.mark.parametrize("hold, sizes, kept", [
    ({"datagrams": 4}, [10] * 6, 4), ({"bytes": "1KiB"}, [500] * 4, 2), ({"memory": "2KiB"}, [900] * 4, 2),
    ({"datagrams": 1}, [1, 1], 1)])
def test_the_room_is_configured(waiting, peer, hold, sizes, kept):
    """[K-58]"""
    at = waiting(hold=hold)
    client = peer(CLIENT)
    for number, size in enumerate(sizes):
        client.send(b"%d" % number * size, at.listener)
    at.dns.wait_query(*at.key)
    wait_for(lambda: at.daemon.lines(HOLD_FULL), 5, at.daemon.tail)
    at.answer()
    found = [client.receive()[0] for _ in range(kept)]
    client.receive_nothing()
    assert found == [b"A " + b"%d" % number * size for number, size in enumerate(sizes)][:kept]


def test_no_more_sessions_wait_than_configured(waiting, peer):
    """[K-58] The third client's datagram is dropped; when it asks again later, it is served."""
    at = waiting(hold={"sessions": 2})
    clients = [peer(CLIENT) for _ in range(3)]
    for client in clients:
        client.send(b"x", at.listener)
        at.dns.wait_query(*at.key)
    wait_for(lambda: at.daemon.lines(HOLD_FULL), 5, at.daemon.tail)
    at.answer()
    assert [client.receive()[0] for client in clients[:2]] == [b"A x"] * 2
    clients[2].receive_nothing()
    assert clients[2].ask(b"again", at.listener) == b"A again"


@pytest.mark.parametrize("workers", [1, 2])
def test_one_question_for_all_who_wait(waiting, peer, workers):
    """[K-59] 50 sessions want the same answer."""
    at = waiting(workers=workers)
    clients = [peer(CLIENT) for _ in range(50)]
    for client in clients:
        client.send(b"x", at.listener)
    at.dns.wait_query(*at.key)
    clients[0].receive_nothing()
    assert len(at.dns.queries(*at.key)) == 1
    at.answer()
    for client in clients:
        assert client.receive()[0] == b"A x"
    assert len(at.dns.queries(*at.key)) == 1


def test_a_failure_ends_the_wait(waiting, peer):
    """[K-58][K-51] With a record that tells why; nothing went out, and the next try asks anew."""
    at = waiting(initial_timeout="300ms", timeout="1s", tries=1)
    client = peer(CLIENT)
    before = time.monotonic()
    for number in range(3):
        client.send(b"%d" % number, at.listener)
    record = at.daemon.wait_records(1, seconds=6)[0]
    assert time.monotonic() - before < 5 * SLOWNESS
    assert (record["REASON"], record["CLIENT-IP"]) == ("resolve-failure", CLIENT), record
    assert record["STATUS"] in ("REJECTED", "FAILED") and record["RESULT"] != "OK"
    assert not at.server.seen
    for key, behaviour in GOOD.items():
        at.dns.set(*key, behaviour)
    at.answer()

    def served():
        again = peer(CLIENT)
        again.send(b"again", at.listener)
        try:
            return again.receive(0.5)[0] == b"A again"
        except AssertionError:
            return False
    wait_for(served, 10, at.daemon.tail)


@pytest.mark.parametrize("workers", [1, 2])
def test_others_go_on_meanwhile(waiting, peer, background_load, workers):
    """[K-57] Running sessions and new ones, without any loss."""
    at = waiting(workers=workers)
    to = f"{at.listener[0]}:{at.listener[1]}"
    running = background_load("--to", to, "--clients", 20, "--rate", 2000, "--seconds", 2)
    fresh = background_load("--to", to, "--clients", 5, "--rate", 100, "--seconds", 2, "--churn")
    clients = [peer(CLIENT) for _ in range(20)]
    for client in clients:
        client.send(b"x", at.listener)
    for load in (running, fresh):
        status, figures = load.finish()
        assert status == 0 and figures["lost"] == 0, figures
    at.answer()
    for client in clients:
        assert client.receive()[0] == b"A x"


def test_a_stop_does_not_wait(waiting, peer):
    """[K-21] What is held is given up."""
    at = waiting()
    client = peer(CLIENT)
    client.send(b"x", at.listener)
    at.dns.wait_query(*at.key)
    before = time.monotonic()
    at.daemon.stop()
    assert time.monotonic() - before < 2 * SLOWNESS
    assert not at.server.seen
