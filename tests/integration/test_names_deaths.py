"""Load over a rule with a name while the processes that resolve, and the one that forwards, are killed."""
import time

import pytest

from counters import counters
from deadline import SLOWNESS, wait_for
from dns_packet import reverse_name
from evil_dns import addresses, nodata, silence
from free_ports import free_port
from programs import UdpEcho
from proxyd_process import configuration, resolver

CHANGED, ADOPTED, READY = "NAMS-210-N", "UDPP-210-K", "UDPS-221-K"
NAME = "srv.example.test"
RATE, CLIENTS = 10_000, 100
MANY = {"count": 1000, "within": "60s"}


@pytest.fixture
def serve(proxyd, started, tmp_path):
    """`serve(dns)`: (daemon, listener, A, B): echo servers at 127.0.0.21 and .22 with one port; the name means A. A
    second rule, for 127.7.0.0/16, has a pattern, so that there is an APR."""
    def start(dns, workers=1):
        port, listener, echoes = free_port(), ("127.0.0.1", free_port()), []
        for address in ("127.0.0.21", "127.0.0.22"):
            folder = tmp_path / address
            folder.mkdir()
            echoes.append(UdpEcho(address, port, folder))
            started.append(echoes[-1])
        config = configuration(listener, f"{NAME}:{port}", {"from": ["127.88.0.0/16", "127.0.0.1"]}, resolver=resolver(dns),
                               udpserver={"max-sessions": 5000, "workers": workers, "max-restarts": MANY})
        config["session-acl"].append({"name": "pattern", "from": [r"~.*\.example\.test"], "action": "accept",
                                      "plug-to": [f"{NAME}:{port}"]})
        daemon = proxyd(config)
        for role in ("ACR", "APR"):
            daemon.wait_line(READY, text=role)
        return daemon, listener, *echoes
    return start


def reaches(peer, listener, echo, address="127.0.0.1"):
    """Whether a new session gets to this server."""
    before = echo.counts()["datagrams"]
    with peer(address) as client:
        client.send(b"?", listener)
        try:
            client.receive(1)
        except AssertionError:
            return False
    return echo.counts()["datagrams"] > before


def socket_drops(port):
    """Datagrams that the kernel dropped because they were not read in time."""
    with open("/proc/net/udp", encoding="ascii") as table:
        rows = [row.split() for row in table if f":{port:04X} 00000000:0000" in row]
    return sum(int(row[-1]) for row in rows)


def load_to(background_load, listener, seconds):
    return background_load("--to", f"{listener[0]}:{listener[1]}", "--clients", CLIENTS, "--rate", int(RATE / SLOWNESS),
                           "--seconds", seconds, "--from", "127.88.0.0/24", "--max-loss", 0.1)


@pytest.mark.load
@pytest.mark.seconds(120)
@pytest.mark.parametrize("roles", [["ACR"], ["APR"], ["ACR", "APR"]], ids="+".join)
def test_resolvers_die_under_load(serve, real_dns, peer, background_load, long_run, roles):
    """[K-2][K-60][K-64] No datagram is lost, and the names are right afterwards."""
    seconds = 30 if long_run else 6
    real_dns.set(NAME, "A", "127.0.0.21", ttl=2)
    real_dns.client("127.7.0.1", "host.example.test")
    daemon, listener, a, b = serve(real_dns)
    wait_for(lambda: reaches(peer, listener, a), 5, daemon.tail)
    load = load_to(background_load, listener, seconds)
    begin, deaths = time.monotonic(), 0
    while time.monotonic() < begin + seconds - 1:
        ready = {role: len(daemon.lines(READY, text=role)) for role in roles}
        for role in roles:
            daemon.kill_child(role)
        deaths += 1
        for role in roles:
            daemon.wait_line(READY, text=role, count=ready[role] + 1, seconds=40)
        time.sleep(0.5)
    status, figures = load.finish()
    missed = socket_drops(a.address[1])  # a busy machine, no fault of the proxy
    print(f"\n{deaths} deaths of {'+'.join(roles)} in {seconds} s: {figures['sent']} sent, {figures['lost']} lost, "
          f"{missed} of them at the busy echo server, "
          f"p50 {figures['p50_us']:.0f} us, p99 {figures['p99_us']:.0f} us")
    assert status == 0 and figures["wrong"] == figures["corrupt"] == 0, figures
    if figures["lost"] > missed:
        counted = {name: number for name, number in counters(daemon).items() if number}
        raise AssertionError(f"{figures['lost']} lost, {counted}, {socket_drops(listener[1])} at the listener\n{daemon.tail()}")
    assert deaths >= 2 and len(daemon.lines(READY, text="REG")) == 1
    assert b.counts()["datagrams"] == 0
    real_dns.set(NAME, "A", "127.0.0.22", ttl=2)
    wait_for(lambda: reaches(peer, listener, b), 8, daemon.tail, 0.05)
    assert reaches(peer, listener, b, "127.7.0.1"), "who needs a reverse name is let in"
    assert not reaches(peer, listener, b, "127.7.0.2")


@pytest.mark.load
@pytest.mark.seconds(120)
@pytest.mark.parametrize("workers", [1, 2])
def test_reg_dies_under_load(serve, real_dns, peer, background_load, long_run, workers):
    """[K-6][K-58] Sessions of a name continue; new clients are held until the name is known again, and served."""
    seconds = 30 if long_run else 6
    real_dns.set(NAME, "A", "127.0.0.21", ttl=2)
    real_dns.client("127.7.0.1", "host.example.test")
    daemon, listener, a, b = serve(real_dns, workers)
    wait_for(lambda: reaches(peer, listener, a), 5, daemon.tail)
    load = load_to(background_load, listener, seconds)
    wait_for(lambda: a.counts()["sources"] > CLIENTS, what="the load's sessions")
    begin, deaths, fresh = time.monotonic(), 0, []
    while time.monotonic() < begin + seconds - 1:
        daemon.kill_child("REG")
        deaths += 1
        for address in ("127.0.0.1", "127.7.0.1"):  # these come while there is no REG, or one that knows nothing yet
            fresh.append(peer(address))
            fresh[-1].send(b"new", listener)
        daemon.wait_line(READY, text="REG", count=deaths + 1)
        for client in fresh[-2:]:
            assert client.receive(5)[0] == b"new"
        time.sleep(0.5)
    status, figures = load.finish()
    print(f"\n{deaths} deaths of REG in {seconds} s, {workers} workers: {figures['sent']} sent, {figures['lost']} lost, "
          f"p99 {figures['p99_us']:.0f} us, longest {figures['max_us'] / 1000:.1f} ms")
    assert status == 0 and figures["wrong"] == figures["corrupt"] == 0, figures
    assert all(" 0 aborted" in line.text for line in daemon.lines(ADOPTED))
    for client in fresh:
        assert client.ask(b"again", listener) == b"again"
    assert not daemon.records(STATUS="REJECTED")
    real_dns.set(NAME, "A", "127.0.0.22", ttl=2)
    wait_for(lambda: reaches(peer, listener, b), 5, daemon.tail, 0.05)


def test_all_die_at_once(serve, real_dns, peer):
    """[K-60] REG, ACR and APR: old sessions continue, new ones open, a change is applied."""
    real_dns.set(NAME, "A", "127.0.0.21", ttl=2)
    real_dns.client("127.7.0.1", "host.example.test")
    daemon, listener, a, b = serve(real_dns)
    old = [peer(), peer("127.7.0.1")]
    for client in old:
        assert client.ask(b"1", listener) == b"1"
    for role in ("APR", "REG", "ACR"):
        daemon.kill_child(role)
    new = [peer(), peer("127.7.0.1")]
    for client in old + new:
        client.send(b"2", listener)
    for client in old + new:
        assert client.receive(5)[0] == b"2"
    real_dns.set(NAME, "A", "127.0.0.22", ttl=2)
    wait_for(lambda: reaches(peer, listener, b), 8, daemon.tail, 0.05)


def test_a_new_reg_lets_nobody_in_before_it_knows(proxyd, tagged, evil_dns, peer):
    """[K-58][K-64] A client that a name keeps out does not get in because REG died while no name server answers."""
    (a,), listener = tagged("A"), ("127.0.0.1", free_port())
    evil_dns.host("bad.example.test", "127.7.0.1", ttl=60)
    config = configuration(listener, a.text, {"from": ["*", "!bad.example.test"]}, resolver=resolver(evil_dns))
    daemon = proxyd(config)
    bad, good = peer("127.7.0.1"), peer("127.7.0.2")
    assert good.ask(b"1", listener) == b"A 1"
    bad.send(b"1", listener)
    daemon.wait_records(1, STATUS="REJECTED")
    evil_dns.every("bad.example.test", silence())
    daemon.kill_child("ACR")
    daemon.kill_child("REG")
    bad.send(b"2", listener)
    daemon.wait_line(READY, text="REG", count=2)
    assert good.ask(b"2", listener) == b"A 2", "it has its session"
    bad.receive_nothing()
    assert [data for data, _ in a.seen] == [b"1", b"2"]


def test_a_new_acr_tells_everything_again(serve, evil_dns, peer):
    """[K-60] A name that changed while there was no ACR is right within moments, whatever its TTL."""
    evil_dns.host(NAME, "127.0.0.21", ttl=3600)
    daemon, listener, a, b = serve(evil_dns)
    wait_for(lambda: reaches(peer, listener, a), 5, daemon.tail)
    evil_dns.host(NAME, "127.0.0.22", ttl=3600)
    daemon.replace_child("ACR")
    wait_for(lambda: reaches(peer, listener, b), 5, daemon.tail, 0.05)


def test_a_dead_acr_costs_reg_no_names(serve, evil_dns, peer):
    """[K-2] The last addresses stay in force while the new ACR finds no name server that answers."""
    evil_dns.host(NAME, "127.0.0.21", ttl=1)
    daemon, listener, a, b = serve(evil_dns)
    wait_for(lambda: reaches(peer, listener, a), 5, daemon.tail)
    evil_dns.every(NAME, silence())
    daemon.replace_child("ACR")
    evil_dns.forget()
    evil_dns.wait_query(NAME, "A")
    assert reaches(peer, listener, a)


@pytest.mark.parametrize("role", ["ACR", "REG"])
def test_address_lists_are_whole(proxyd, tagged, evil_dns, peer, role):
    """[K-64] 30 addresses change all at once, again and again while processes are killed: never a mixture."""
    tags = [f"A{i}" for i in range(3)] + [f"B{i}" for i in range(3)]
    servers, listener = tagged(*tags), ("127.0.0.1", free_port())
    sets = [[server.address[0] for server in servers[:3]], [server.address[0] for server in servers[3:]]]
    evil_dns.host(NAME, *sets[0], ttl=1)
    daemon = proxyd(configuration(listener, f"{NAME}:{servers[0].address[1]}", resolver=resolver(evil_dns),
                                  udpserver={"max-sessions": 1000, "max-restarts": MANY}))
    assert peer().ask(b"x", listener)[:1] == b"A"
    for turn in (1, 2):
        evil_dns.host(NAME, *sets[turn % 2], ttl=1)
        evil_dns.forget()
        evil_dns.wait_query(NAME, "A")
        daemon.kill_child(role)
        letter = b"AB"[turn % 2:turn % 2 + 1]
        # The client's address chooses among the servers.
        wait_for(lambda: peer().ask(b"x", listener, 5)[:1] == letter, 6, daemon.tail)
        found = {peer(f"127.6.{turn}.{number}").ask(b"x", listener, 5)[:2] for number in range(1, 41)}
        assert found == {letter + digit for digit in (b"0", b"1", b"2")}
    for line in daemon.lines(CHANGED, text=NAME):
        after = line.text.split("->")[-1]
        assert sum(address in after for address in sets[0]) in (0, 3), line.text
        assert sum(address in after for address in sets[1]) in (0, 3), line.text
