"""A server's name moves to another address while sessions run."""
import itertools
import time

import pytest

from deadline import SLOWNESS, wait_for
from free_ports import free_port
from programs import UdpEcho
from proxyd_process import configuration, resolver

CHANGED, FAILED, RECOVERED = "NAMS-210-N", "NAMS-220-W", "NAMS-211-N"
NAME = "srv.example.test"
TTL = 2


@pytest.fixture
def serve(proxyd, real_dns, tagged):
    """`serve(*tags, rule={...})`: the name means the first server: (daemon, listener, servers)."""
    def start(*tags, rule=None, **sections):
        servers, listener = tagged(*tags), ("127.0.0.1", free_port())
        real_dns.set(NAME, "A", servers[0].address[0], ttl=TTL)
        sections.setdefault("resolver", resolver(real_dns))
        return proxyd(configuration(listener, f"{NAME}:{servers[0].address[1]}", rule, **sections)), listener, servers
    return start


@pytest.fixture
def reached(peer):
    """`reached(listener)`: the tag of the server that a new session reaches, or nothing. Each comes from another
    address, because the client's address chooses among several servers."""
    numbers = itertools.count()

    def probe(listener, seconds=2.0):
        number = next(numbers)
        client = peer(f"127.6.{number // 250}.{number % 250 + 1}")
        client.send(b"?", listener)
        try:
            return client.receive(seconds)[0].split()[0].decode()
        except AssertionError:
            return None
        finally:
            client.close()
    return probe


def move(real_dns, server, daemon, reached, listener):
    """The name means `server` from now on; waits until new sessions get there."""
    count = len(daemon.lines(CHANGED, role="REG"))
    real_dns.set(NAME, "A", server.address[0], ttl=TTL)
    at = time.monotonic()
    wait_for(lambda: reached(listener) == server.tag, TTL + 1, lambda: f"the move\n{daemon.tail()}", 0.05)
    assert time.monotonic() - at <= (TTL + 1) * SLOWNESS
    return wait_for(lambda: daemon.lines(CHANGED, role="REG")[count:], 2, daemon.tail)[0]


@pytest.mark.parametrize("workers", [1, 2])
def test_new_sessions_go_where_the_name_points(serve, real_dns, reached, peer, workers):
    """[K-53][K-54] Within the TTL and a second; running sessions stay, and the log names both addresses."""
    daemon, listener, (a, b) = serve("A", "B", udpserver={"max-sessions": 1000, "workers": workers})
    old = [peer() for _ in range(5)]
    for client in old:
        assert client.ask(b"1", listener) == b"A 1"
    sources = a.sources
    line = move(real_dns, b, daemon, reached, listener)
    assert NAME in line.text and f"{a.address[0]} -> {b.address[0]}" in line.text
    for client in old:
        assert client.ask(b"2", listener) == b"A 2"
    assert {source for data, source in a.seen if data == b"2"} <= sources, "they keep their source ports"
    assert not daemon.records(REASON="name-change")
    move(real_dns, a, daemon, reached, listener)
    assert old[0].ask(b"3", listener) == b"A 3"


def test_sessions_that_move(serve, real_dns, reached, peer):
    """[K-54] on-name-change: move. The client notices nothing; the old server reaches it no more."""
    daemon, listener, (a, b) = serve("A", "B", rule={"on-name-change": "move"})
    client = peer()
    assert client.ask(b"1", listener) == b"A 1"
    old_source = a.seen[-1][1]
    line = move(real_dns, b, daemon, reached, listener)
    assert client.ask(b"2", listener) == b"B 2"
    a.send(b"late", old_source)
    client.receive_nothing()
    assert client.ask(b"3", listener) == b"B 3"
    daemon.stop()
    mine = daemon.records(CLIENT_PORT=client.address[1])
    assert len(mine) == 1, "it is one session all the time"
    assert mine[0]["SERVER-IP"] == b.address[0] and mine[0]["DATAGRAMS-CIN"] == "3", line.raw


def test_sessions_that_end(serve, real_dns, reached, peer):
    """[K-54][K-51] on-name-change: close. The reason is in the record, and the next datagram opens a new one."""
    daemon, listener, (a, b) = serve("A", "B", rule={"on-name-change": "close"})
    client = peer()
    assert client.ask(b"1", listener) == b"A 1"
    move(real_dns, b, daemon, reached, listener)
    record = daemon.wait_records(1, REASON="name-change", CLIENT_PORT=client.address[1])[0]
    assert (record["SERVER-IP"], record["DATAGRAMS-CIN"], record["DATAGRAMS-COUT"]) == (a.address[0], "1", "1")
    assert client.ask(b"2", listener) == b"B 2"
    assert not daemon.records(REASON="name-change", SERVER_IP=b.address[0]), "those that are with B stay"


@pytest.mark.parametrize("what", ["keep", "move", "close"])
def test_an_address_more_changes_nothing_for_running_sessions(serve, real_dns, reached, peer, what):
    """[K-54] Their address is still in the name."""
    daemon, listener, (a, b) = serve("A", "B", rule={"on-name-change": what})
    clients = [peer() for _ in range(5)]
    for client in clients:
        assert client.ask(b"1", listener) == b"A 1"
    real_dns.set(NAME, "A", a.address[0], b.address[0], ttl=TTL)
    wait_for(lambda: reached(listener) == "B", TTL + 1 + 2, lambda: f"B\n{daemon.tail()}", 0.05)
    for client in clients:
        assert client.ask(b"2", listener) == b"A 2"
    assert not daemon.records(REASON="name-change")


def test_a_name_means_all_its_addresses(serve, real_dns, reached):
    """[K-54] New sessions are spread over them; one that goes gets none any more."""
    daemon, listener, servers = serve("A", "B", "C")
    real_dns.set(NAME, "A", *[server.address[0] for server in servers], ttl=TTL)
    wait_for(lambda: daemon.lines(CHANGED, role="REG"), TTL + 1, daemon.tail)
    assert {reached(listener) for _ in range(40)} == {"A", "B", "C"}
    real_dns.set(NAME, "A", *[server.address[0] for server in servers[1:]], ttl=TTL)
    wait_for(lambda: len(daemon.lines(CHANGED, role="REG")) >= 2, TTL + 3, daemon.tail)
    assert {reached(listener) for _ in range(40)} == {"B", "C"}


def test_the_log_tells_how_many_sessions_are_concerned(serve, real_dns, reached, peer):
    """[K-54] Of those that run with the address that goes."""
    daemon, listener, (a, b) = serve("A", "B")
    clients = [peer() for _ in range(7)]
    for client in clients:
        client.ask(b"1", listener)
    real_dns.set(NAME, "A", b.address[0], ttl=TTL)
    wait_for(lambda: any("7 session" in line.text for line in daemon.lines(CHANGED, text=b.address[0])), TTL + 2,
             daemon.tail)


@pytest.mark.load
@pytest.mark.seconds(240)
def test_name_servers_away(proxyd, real_dns, reached, background_load, started, long_run, tmp_path):
    """[K-55] Old and new sessions use the last addresses; a later change is applied."""
    outage = 60 if long_run else 10
    port, listener = free_port(), ("127.0.0.1", free_port())
    for address in ("127.0.0.21", "127.0.0.22"):
        folder = tmp_path / address
        folder.mkdir()
        started.append(UdpEcho(address, port, folder))
    a, b = started[-2:]
    real_dns.set(NAME, "A", "127.0.0.21", ttl=TTL)
    daemon = proxyd(configuration(listener, f"{NAME}:{port}", {"limits": {"idle": "5s"}}, resolver=resolver(real_dns),
                                  udpserver={"max-sessions": 20000, "quarantine-answered": "0s"}))
    wait_for(lambda: reached(listener), what=daemon.tail)
    to = f"{listener[0]}:{listener[1]}"
    old = background_load("--to", to, "--clients", 50, "--rate", 500, "--seconds", outage + 2, "--from", "127.88.0.0/24")
    real_dns.kill()
    new = background_load("--to", to, "--clients", 50, "--rate", 50, "--seconds", outage, "--churn",
                          "--from", "127.89.0.0/24")
    for load in (new, old):
        status, figures = load.finish(outage + 30)
        print(f"\nname server away for {outage} s: {figures['sent']} sent, {figures['lost']} lost")
        assert status == 0, figures
    assert daemon.lines(FAILED, text=NAME), daemon.tail()
    assert b.counts()["datagrams"] == 0
    real_dns.set(NAME, "A", "127.0.0.22", ttl=TTL)
    real_dns.start()
    wait_for(lambda: reached(listener) and b.counts()["datagrams"] > 0, 75 if long_run else 20, daemon.tail, 0.2)
    daemon.wait_line(RECOVERED, text=NAME)
    assert daemon.lines(CHANGED, text="127.0.0.22")
    assert a.counts()["datagrams"] > 50 * outage
