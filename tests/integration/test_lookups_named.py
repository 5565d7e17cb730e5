"""A proxy that looks names up for its clients (tests/proxies): `NAME:PORT` in the first datagram is who is wanted."""
import pytest

from counters import counters
from deadline import wait_for
from evil_dns import nxdomain, servfail, silence
from free_ports import free_port
from proxyd_process import configuration, resolver

NAME = "wanted.example.test"
WORKERS = [1, 2]


@pytest.fixture
def serve(proxyd, evil_dns, tagged):
    def start(workers=1, arguments=("-d",), **settings):
        (a,), listener = tagged("A"), ("127.0.0.1", free_port())
        config = configuration(listener, a.text, proxy="named", udpserver={"max-sessions": 5000, "workers": workers},
                               resolver=resolver(evil_dns, **{"server_timeout": "300ms", "timeout": "1s", **settings}))
        daemon = proxyd(config, arguments, binary="proxyd-test")
        if arguments == ("-d",):
            daemon.wait_line("UDPS-221-K", text="APR")
        return daemon, listener, a
    return start


def wanted(a, name=NAME, text="hello"):
    return f"{name}:{a.address[1]} {text}".encode()


@pytest.mark.parametrize("workers", WORKERS)
def test_a_session_waits_for_its_server(serve, evil_dns, peer, workers):
    """[K-50][K-58] All of its datagrams wait, and go out in their order."""
    evil_dns.host(NAME, "127.0.0.21", delay=0.5)
    daemon, listener, a = serve(workers, server_timeout="3s", timeout="5s")
    clients = [peer() for _ in range(20)]
    for client in clients:
        client.send(wanted(a), listener)
        client.send(b"second", listener)
    for client in clients:
        assert client.receive()[0] == b"A " + wanted(a)
        assert client.receive()[0] == b"A second"
        assert client.ask(b"third", listener) == b"A third"
    assert len(evil_dns.queries(NAME, "A")) == 1, "[K-59]"
    assert len(a.sources) == 20


def test_a_session_survives_reg_when_it_has_its_server(serve, evil_dns, peer):
    """[K-6] And no second look-up is made."""
    evil_dns.host(NAME, "127.0.0.21")
    daemon, listener, a = serve()
    client = peer()
    assert client.ask(wanted(a), listener) == b"A " + wanted(a)
    daemon.replace_child("REG")
    evil_dns.forget()
    assert client.ask(b"after", listener) == b"A after"
    assert len(a.sources) == 1 and not evil_dns.queries()


@pytest.mark.parametrize("failure", [silence(), servfail()], ids=["silence", "servfail"])
def test_a_look_up_that_fails_ends_the_session(serve, evil_dns, peer, failure):
    """[K-58][K-51] With a record that tells why."""
    evil_dns.every(NAME, failure)
    daemon, listener, a = serve()
    client = peer()
    client.send(wanted(a), listener)
    record = daemon.wait_records(1, seconds=5)[0]
    assert record["REASON"] == "resolve-failure" and record["RESULT"] == "FAILED", record
    assert not a.seen
    evil_dns.host(NAME, "127.0.0.21")

    def served():
        client = peer()
        client.send(wanted(a), listener)
        try:
            return client.receive(0.5)[0] == b"A " + wanted(a)
        except AssertionError:
            return False
    wait_for(served, 5, daemon.tail)


def test_a_name_that_does_not_exist(serve, evil_dns, peer):
    """It is an answer, and the proxy decides what it means: this one ends the session."""
    evil_dns.every(NAME, nxdomain())
    daemon, listener, a = serve()
    peer().send(wanted(a), listener)
    assert daemon.wait_records(1)[0]["REASON"] == "proxy"


@pytest.mark.parametrize("name", ["a..b", "x" * 300, "-", "\u00e4.test", "a b.test", "..", "%s%n", "127.0.0.21"])
def test_names_that_clients_make_up(serve, evil_dns, peer, name):
    """Nothing of what they send does harm; an address is its own answer."""
    evil_dns.host(NAME, "127.0.0.21")
    daemon, listener, a = serve()
    peer().send(wanted(a, name), listener)
    client = peer()
    assert client.ask(wanted(a), listener) == b"A " + wanted(a)
    assert not daemon.lines("UDPS-222-E")
    wait_for(lambda: len(a.seen) == (2 if name == "127.0.0.21" else 1))


@pytest.mark.parametrize("name", ["127.0.0.1", "loop.example.test"])
def test_a_client_cannot_make_a_loop(serve, evil_dns, peer, name):
    """[K-50] It names the proxy itself, which would come back as a new client with the same wish, and so on."""
    evil_dns.host("loop.example.test", "127.0.0.1")
    daemon, listener, a = serve()
    peer().send(f"{name}:{listener[1]} hello".encode(), listener)
    assert daemon.wait_records(1)[0]["REASON"] == "proxy"
    assert counters(daemon)["created"] == 1


@pytest.mark.seconds(90)
def test_apr_dies_while_sessions_wait(serve, evil_dns, peer):
    """[K-60] The look-ups are asked for again, once; no session hangs."""
    evil_dns.every(NAME, silence())
    daemon, listener, a = serve(timeout="10s", server_timeout="10s")
    clients = [peer() for _ in range(10)]
    for client in clients:
        client.send(wanted(a), listener)
    evil_dns.wait_query(NAME, "A")
    evil_dns.host(NAME, "127.0.0.21")
    daemon.replace_child("APR")
    for client in clients:
        assert client.receive(5)[0] == b"A " + wanted(a)


@pytest.mark.seconds(90)
def test_apr_dies_again_and_again(serve, evil_dns, peer):
    """[K-60] Every session ends: with its server, or with a record."""
    evil_dns.every(NAME, silence())
    daemon, listener, a = serve(timeout="3s", server_timeout="3s")
    for number in range(5):
        peer().send(wanted(a), listener)
    evil_dns.wait_query(NAME, "A")
    for _ in range(3):
        daemon.replace_child("APR", seconds=15)
    assert len(daemon.wait_records(5, seconds=8)) == 5
    assert {record["REASON"] for record in daemon.records()} == {"resolve-failure"}
    evil_dns.host(NAME, "127.0.0.21")

    def served():
        client = peer()
        client.send(wanted(a), listener)
        try:
            return client.receive(0.5)[0] == b"A " + wanted(a)
        except AssertionError:
            return False
    wait_for(served, 10, daemon.tail)
