"""Several servers: each client has one, by its address; weights set the shares."""
import select

import pytest

from free_ports import free_port
from proxyd_process import configuration


def ask_where(client, listener, servers):
    """The number of the server that got the client's datagram; it answers."""
    client.send(b"where?", listener)
    ready, _, _ = select.select([server.socket for server in servers], [], [], 2)
    assert len(ready) == 1, "exactly one server gets it"
    number = [server.socket for server in servers].index(ready[0])
    _, source = servers[number].receive()
    servers[number].send(b"%d" % number, source)
    assert client.receive() == (b"%d" % number, listener)
    return number


def choices(peer, listener, servers, addresses):
    found = []
    for address in addresses:
        with peer(address) as client:
            found.append(ask_where(client, listener, servers))
    return found


def addresses(count):
    return [f"127.50.{i // 250}.{i % 250 + 1}" for i in range(count)]


def test_a_client_stays_with_its_server(proxyd, peer):
    """[K-35] By its address alone: other ports, new sessions, a new REG and another start choose the same server."""
    servers, listener = [peer() for _ in range(3)], ("127.0.0.1", free_port())
    config = configuration(listener, [server.text for server in servers],
                           {"limits": {"client-datagrams": 1, "server-datagrams": 1}})
    daemon = proxyd(config)
    clients = addresses(40)
    first = choices(peer, listener, servers, clients)
    assert set(first) == {0, 1, 2}
    assert choices(peer, listener, servers, clients) == first
    daemon.replace_child("REG")
    assert choices(peer, listener, servers, clients) == first
    daemon.stop()
    proxyd(config)
    assert choices(peer, listener, servers, clients) == first


def test_a_server_that_is_taken_out_moves_only_its_own_clients(proxyd, peer):
    """[K-35] Rendezvous hashing: the clients of the others stay."""
    servers, listener = [peer() for _ in range(3)], ("127.0.0.1", free_port())
    clients = addresses(60)
    rule = {"limits": {"client-datagrams": 1, "server-datagrams": 1}}
    daemon = proxyd(configuration(listener, [server.text for server in servers], rule))
    before = choices(peer, listener, servers, clients)
    daemon.stop()
    proxyd(configuration(listener, [server.text for server in servers[:2]], rule))
    after = choices(peer, listener, servers, clients)
    assert [now for was, now in zip(before, after) if was != 2] == [was for was in before if was != 2]
    assert {now for was, now in zip(before, after) if was == 2} == {0, 1}


@pytest.mark.parametrize("weights, low, high", [((1, 1), 0.35, 0.65), ((3, 1), 0.62, 0.87), ((1, 9), 0.03, 0.2)])
def test_weights_set_the_shares(proxyd, peer, weights, low, high):
    """[K-35] Of 200 clients; the servers' ports differ from run to run, so the bounds leave room for chance."""
    servers, listener = [peer(), peer()], ("127.0.0.1", free_port())
    config = configuration(listener, "127.0.0.1:9", {"plug-to": [
        {"server": server.text, "weight": weight} for server, weight in zip(servers, weights)]})
    proxyd(config)
    found = choices(peer, listener, servers, addresses(200))
    assert low <= found.count(0) / len(found) <= high


def test_servers_of_both_families_serve_one_rule(proxyd, peer):
    """[K-35]"""
    servers, listener = [peer("127.0.0.1"), peer("::1")], ("127.0.0.1", free_port())
    proxyd(configuration(listener, [server.text for server in servers]))
    assert set(choices(peer, listener, servers, addresses(20))) == {0, 1}
