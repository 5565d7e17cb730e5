"""One process: names are resolved once, and an on-line look-up makes all others wait."""
import signal
import time

import pytest

from deadline import SLOWNESS, wait_for
from dns_packet import reverse_name
from evil_dns import pointers, silence
from free_ports import free_port
from processes import children_of
from proxyd_process import Proxyd, configuration, resolver

NAME, CLIENT = "srv.example.test", "127.7.0.1"
CHANGED, FAILED = "NAMS-210-N", "NAMS-220-W"


@pytest.fixture
def config(evil_dns, tagged):
    """`config(rule, **resolver settings)`: (configuration, listener, servers A and B)."""
    def make(rule=None, server=NAME, **settings):
        servers, listener = tagged("A", "B"), ("127.0.0.1", free_port())
        evil_dns.host(NAME, "127.0.0.21", ttl=1)
        settings = {"server_timeout": "1s", "conf_timeout": "3s", **settings}
        config = configuration(listener, f"{server or '127.0.0.21'}:{servers[0].address[1]}", rule, singleproc=True,
                               resolver=resolver(evil_dns, **settings))
        return config, listener, *servers
    return make


def test_names_are_resolved_once_before_it_listens(proxyd, config, evil_dns, peer):
    """[K-10] One round of queries; later changes of the zone have no effect."""
    settings, listener, a, b = config()
    daemon = proxyd(settings)
    assert not children_of(daemon.pid)
    assert len(evil_dns.queries(NAME, "A")) == len(evil_dns.queries(NAME, "AAAA")) == 1, "before it is ready"
    assert peer().ask(b"x", listener) == b"A x"
    evil_dns.host(NAME, "127.0.0.22", ttl=1)
    time.sleep(2.5)  # more than two TTLs
    assert peer().ask(b"x", listener) == b"A x"
    assert len(evil_dns.queries()) == 2 and not b.seen


def test_the_start_waits_for_the_answers(config, evil_dns, proxyd, peer):
    """[K-10] Nobody is served before; who asks then waits as well."""
    settings, listener, a, b = config()
    evil_dns.host(NAME, "127.0.0.21", delay=0.8)
    before = time.monotonic()
    daemon = proxyd(settings, ready=False)
    evil_dns.wait_query(NAME, "A")
    early = peer()
    early.send(b"early", listener)
    early.receive_nothing()
    assert not daemon.lines("UDPS-210-K") and not a.seen
    daemon.wait_line("UDPS-210-K", seconds=10)
    assert time.monotonic() - before >= 0.7
    assert peer().ask(b"x", listener) == b"A x"


def test_a_name_that_cannot_be_resolved_does_not_stop_the_start(proxyd, config, evil_dns, peer):
    """[K-10][K-55] It never becomes a server; the log says so."""
    settings, listener, a, b = config(conf_timeout="500ms", server_timeout="200ms")
    evil_dns.every(NAME, silence())
    daemon = proxyd(settings)
    daemon.wait_line(FAILED, text=NAME)
    peer().send(b"x", listener)
    assert daemon.wait_records(1, STATUS="REJECTED")[0]["REASON"] == "resolve-failure"
    assert not a.seen


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_waiting_for_names(proxyd, config, evil_dns, number):
    """[K-10][O-6] A dead name server does not hold up who wants to end it; other signals act meanwhile, too."""
    settings, listener, a, b = config(conf_timeout="1m", server_timeout="1m")
    evil_dns.every(NAME, silence())
    daemon = proxyd(settings, ready=False)
    evil_dns.wait_query(NAME, "A")
    daemon.send_signal(signal.SIGUSR1)
    daemon.wait_line("LOGS-210-K", seconds=2)
    daemon.send_signal(signal.SIGPWR)
    daemon.wait_line("UDPS-240-I", seconds=2)
    before = time.monotonic()
    daemon.stop(number)
    assert time.monotonic() - before < 1 * SLOWNESS
    assert not daemon.lines("UDPS-210-K") and daemon.lines("UDPS-212-K")


def test_an_on_line_look_up_holds_up_everybody(proxyd, config, evil_dns, peer):
    """[K-10] The documented price: a running session waits until another client's look-up is over."""
    settings, listener, a, b = config({"from": ["127.0.0.1", r"~.*\.example\.test"]}, server=None, initial_timeout="5s",
                                      timeout="5s")
    evil_dns.client(CLIENT, "host.example.test")
    evil_dns.set(reverse_name(CLIENT), "PTR", pointers("host.example.test").but(delay=1))
    daemon = proxyd(settings)
    other, asker = peer(), peer(CLIENT)
    assert other.ask(b"before", listener) == b"A before"
    asker.send(b"x", listener)
    evil_dns.wait_query(reverse_name(CLIENT), "PTR")
    before = time.monotonic()
    assert other.ask(b"meanwhile", listener, 4) == b"A meanwhile"
    assert time.monotonic() - before > 0.6, "nothing blocks here, although the manual says so"
    assert asker.receive(4)[0] == b"A x"
    assert daemon.lines("UDPS-123-W")


@pytest.mark.parametrize("what", ["not confirmed", "none", "silence"])
def test_patterns_decide_as_ever(proxyd, config, evil_dns, peer, what):
    """[K-10][K-63]"""
    settings, listener, a, b = config({"from": ["127.0.0.1", r"~.*\.example\.test"]}, server=None, initial_timeout="200ms",
                                      timeout="600ms", server_timeout="200ms")
    evil_dns.client("127.7.0.2", "host.example.test")
    if what == "not confirmed":
        evil_dns.client(CLIENT, "host2.example.test", confirmed=False)
    elif what == "silence":
        evil_dns.set(reverse_name(CLIENT), "PTR", silence())
    daemon = proxyd(settings)
    peer(CLIENT).send(b"x", listener)
    record = daemon.wait_records(1, STATUS="REJECTED", CLIENT_IP=CLIENT)[0]
    assert record["REASON"] == ("resolve-failure" if what == "silence" else "acl")
    assert peer("127.7.0.2").ask(b"y", listener) == b"A y"
    assert a.data == [b"y"]


def test_the_two_modes_decide_alike(proxyd, config, evil_dns, peer):
    """[K-11] singleproc changes who works, not what comes out."""
    for single in (True, False):
        settings, listener, a, b = config({"from": [r"~.*\.example\.test", "client.example.test"]})
        settings["singleproc"] = single
        evil_dns.client(CLIENT, "host.example.test")
        evil_dns.client("127.7.0.2", "host.other.test")
        evil_dns.host("client.example.test", "127.7.0.3")
        daemon = proxyd(settings)
        assert peer(CLIENT).ask(b"x", listener, 4) == b"A x"
        assert peer("127.7.0.3").ask(b"x", listener, 4) == b"A x"
        peer("127.7.0.2").send(b"x", listener)
        assert daemon.wait_records(1, STATUS="REJECTED")[0]["REASON"] == "acl"
        for server in (a, b):
            server.seen.clear()


@pytest.mark.parametrize("what", ["name", "pattern"])
def test_what_is_wrong_with_the_hosts_file_is_told_once(proxyd, config, evil_dns, peer, tmp_path, what):
    """[K-10] Not for each look-up."""
    clients = [f"127.7.0.{number}" for number in (1, 2, 3)]
    for number, client in enumerate(clients):
        evil_dns.client(client, f"client{number}.example.test")
    rule = {"from": [r"~client.\.example\.test"]}
    settings, listener, *_ = config(rule, NAME if what == "name" else None, hosts_file=str(tmp_path / "hosts"))
    daemon = proxyd(settings)
    daemon.wait_line("NAMS-121-W", str(tmp_path / "hosts"))
    for client in clients:
        assert peer(client).ask(b"x", listener) == b"A x"
    assert len(daemon.lines("NAMS-121-W")) == 1
