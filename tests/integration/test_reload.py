"""A reload with another configuration: sessions continue, or close because the new policy denies them."""
import ipaddress
import os
import signal
import time

import pytest

from control_socket import Refused, ask, ask_later
from deadline import SLOWNESS, wait_for
from free_ports import free_port
from proxyd_process import configuration
from udp_peer import UdpPeer

READY, DIED, RELOADED, REFUSED, REPLACED = "UDPS-221-K", "UDPS-222-E", "UDPS-214-K", "UDPS-215-E", "UDPS-213-K"


def deny(*hosts, name="outlaws"):
    return {"name": name, "from": list(hosts), "action": "deny"}


class Reloading:
    """A proxyd with a control socket, whose configuration is changed."""

    def __init__(self, proxyd, folder, config):
        self.socket = folder / "control.sock"
        self.config = self._with_socket(config)
        self.daemon = proxyd(self.config)

    def _with_socket(self, config):
        return {**config, "control": {"socket": str(self.socket)}}

    def ready_count(self):
        return len(self.daemon.lines(READY, text="REG"))

    def reload(self, config, wait=True, **args):
        self.daemon.write_configuration(self._with_socket(config))
        before = self.ready_count()
        rows = ask(self.socket, "reload", **args)
        rows = [row for row in rows if "text" in row]  # the last one is the verdict
        if wait and rows:
            self.daemon.wait_line(READY, text="REG", count=before + 1)
        return [row["text"] for row in rows]


@pytest.fixture
def reloading(proxyd, tmp_path):
    return lambda config: Reloading(proxyd, tmp_path, config)


def echo_trip(client, server, listener, text=b"ask"):
    """Through the proxy and back; returns where the server saw it come from."""
    client.send(text, listener)
    data, source = server.receive()
    assert data == text
    server.send(b"re:" + text, source)
    answer, sender = client.receive()
    assert (answer, sender) == (b"re:" + text, listener)
    return source


@pytest.mark.load
@pytest.mark.seconds(120)
@pytest.mark.parametrize("workers", [1, 2])
def test_sessions_go_on_under_load_over_twenty_reloads(reloading, udp_echo, background_load, workers):
    """[K-6] 1,000 clients, 2,000 round trips a second: the server sees 1,000 source ports to the end."""
    clients, reloads = 1000, 20
    echo, listener = udp_echo(), ("127.0.0.1", free_port())
    server = {"max-sessions": 3000, "workers": workers, "max-restarts": {"count": 1, "within": "60s"}}
    one = configuration(listener, echo.text, udpserver=server)
    other = configuration(listener, echo.text, udpserver={**server, "max-sessions": 2500})
    other["session-acl"].insert(0, deny("198.51.100.0/24"))
    other["session-acl"][1]["limits"] = {"idle": "99s"}
    proxy = reloading(one)
    before = proxy.daemon.descriptor_counts()
    load = background_load("--to", f"{listener[0]}:{listener[1]}", "--clients", clients, "--rate",
                           int(2000 / SLOWNESS), "--seconds", 100, "--max-loss", 0,
                           "--from", "127.88.0.0/20")
    wait_for(lambda: echo.counts()["ports"] == clients, 10, "all sessions", 0.1)
    for number in range(reloads):
        assert proxy.reload(one if number % 2 else other)
        time.sleep(0.1)
    status, figures = load.stop()
    counts = echo.counts()
    print(f"\n{workers} worker(s), {reloads} reloads: {figures['sent']} sent, {figures['lost']} lost, "
          f"{figures['wrong']} wrong, {counts['ports']} source ports, longest {figures['max_us'] / 1000:.1f} ms")
    assert figures["wrong"] == figures["corrupt"] == figures["duplicates"] == 0
    assert counts["ports"] == counts["sources"] == clients
    assert status == 0, figures
    assert len(proxy.daemon.lines(RELOADED)) == len(proxy.daemon.lines(REPLACED, text="REG")) == reloads
    assert not proxy.daemon.lines(DIED) and not proxy.daemon.records()
    # The pool may have grown meanwhile, for both processes alike; the control socket's client may not be gone yet.
    def same_growth():
        after = proxy.daemon.descriptor_counts()
        return after[0] - before[0] == after[1] - before[1] and len(set(proxy.daemon.children()["REG"])) == 1
    wait_for(same_growth, 5, lambda: f"descriptors: {before} before, {proxy.daemon.descriptor_counts()} after")
    proxy.daemon.stop()
    assert len(proxy.daemon.records(REASON="process-end")) == clients


@pytest.mark.load
@pytest.mark.seconds(120)
def test_the_number_of_workers_changes_under_load(reloading, udp_echo, background_load):
    """Each session goes to its client's new worker, with its socket; nothing that waited is lost."""
    clients = 1000
    echo, listener = udp_echo(), ("127.0.0.1", free_port())

    def with_workers(workers):
        return configuration(listener, echo.text, udpserver={"max-sessions": clients, "workers": workers,
                                                             "unanswered-share": "100%", "max-queue-age": "1m"})
    proxy = reloading(with_workers(1))
    before = proxy.daemon.descriptor_counts()
    load = background_load("--to", f"{listener[0]}:{listener[1]}", "--clients", clients, "--rate",
                           int(2000 / SLOWNESS), "--seconds", 100, "--max-loss", 0,
                           "--from", "127.88.0.0/20")
    wait_for(lambda: echo.counts()["ports"] == clients, 10, "all sessions", 0.1)
    changes = (2, 4, 3, 1, 2, 1, 4, 2, 3, 1)
    for workers in changes:
        assert proxy.reload(with_workers(workers))
        time.sleep(0.1)
    status, figures = load.stop()
    counts = echo.counts()
    stats, = ask(proxy.socket, "stats")
    print(f"\n{len(changes)} changes: {figures['sent']} sent, {figures['lost']} lost, {figures['wrong']} wrong, "
          f"{counts['ports']} source ports, {stats['handed_over']} datagrams handed over, "
          f"longest {figures['max_us'] / 1000:.1f} ms")
    assert figures["wrong"] == figures["corrupt"] == figures["duplicates"] == 0
    assert counts["ports"] == counts["sources"] == clients
    assert status == 0, figures
    assert stats["open"] == clients and stats["hand_over_dropped"] == 0 and stats["stray"] == 0
    assert not proxy.daemon.lines(DIED) and not proxy.daemon.records()
    wait_for(lambda: proxy.daemon.descriptor_counts()[0] - before[0] == proxy.daemon.descriptor_counts()[1] - before[1],
             5, lambda: f"descriptors: {before} before, {proxy.daemon.descriptor_counts()} after")
    proxy.daemon.stop()
    assert len(proxy.daemon.records(REASON="process-end")) == clients


@pytest.mark.parametrize("end", [signal.SIGCONT, signal.SIGKILL])
def test_what_waits_for_a_worker_that_goes_is_read(reloading, peer, end):
    """REG stands still while the workers become fewer: what came to their sockets meanwhile is forwarded, by itself or,
    when it dies, by the next one, where it is the datagram of another worker."""
    listener, server = ("127.0.0.1", free_port()), peer()

    def with_workers(workers):
        return configuration(listener, server.text, udpserver={"max-sessions": 100, "workers": workers})
    proxy = reloading(with_workers(5))
    clients = [peer() for _ in range(20)]
    sources = [echo_trip(client, server, listener) for client in clients]
    child = proxy.daemon.child()
    os.kill(child, signal.SIGSTOP)
    for number, client in enumerate(clients):
        client.send(b"waits %d" % number, listener)
    proxy.daemon.write_configuration(proxy._with_socket(with_workers(2)))
    with ask_later(proxy.socket, "reload") as reload:
        reload.send()
        proxy.daemon.wait_line(RELOADED)
        os.kill(child, end)
        got = dict(server.receive() for _ in clients)
        assert '"result":"reloaded"' in reload.answer()
    assert got == {b"waits %d" % number: source for number, source in enumerate(sources)}
    handed_over = ask(proxy.socket, "stats")[0]["handed_over"]
    assert handed_over > 0 or end == signal.SIGCONT
    assert not proxy.daemon.records()


def test_a_new_rule_ends_the_sessions_that_it_denies(reloading, peer):
    listener, server = ("127.0.0.1", free_port()), peer()
    config = configuration(listener, server.text)
    proxy = reloading(config)
    clients = {address: peer(address) for address in ("127.1.0.1", "127.1.0.2", "127.2.0.1", "127.2.0.2")}
    sources = {address: echo_trip(client, server, listener) for address, client in clients.items()}
    denied = {**config, "session-acl": [deny("127.2.0.0/16"), *config["session-acl"]]}
    lines = proxy.reload(denied)
    assert "session-acl:" in lines and any(line.startswith("+ ") and "outlaws" in line for line in lines)
    records = proxy.daemon.wait_records(2)
    assert {record["CLIENT-IP"] for record in records} == {"127.2.0.1", "127.2.0.2"}
    for record in records:
        assert (record["REASON"], record["RESULT"], record["RULE"]) == ("policy", "ABORTED", "everybody")
    for address, client in clients.items():
        if address.startswith("127.1."):
            assert echo_trip(client, server, listener) == sources[address]
        else:
            client.send(b"again", listener)
    proxy.daemon.wait_records(1, REASON="acl")
    assert len(proxy.daemon.records(REASON="policy")) == 2


@pytest.mark.seconds(120)
@pytest.mark.parametrize("workers", [1, 2])
def test_half_of_a_thousand_clients_are_denied(reloading, udp_echo, background_load, workers):
    """[K-33] Exactly their sessions close, with reason policy; all others keep their ids."""
    clients, denied = 1000, ipaddress.ip_network("127.88.0.0/25")
    echo, listener = udp_echo(), ("127.0.0.1", free_port())
    config = configuration(listener, echo.text, udpserver={"max-sessions": 3000, "workers": workers})
    proxy = reloading(config)
    status, figures = background_load("--to", f"{listener[0]}:{listener[1]}", "--clients", clients, "--count", 1,
                                      "--rate", int(2000 / SLOWNESS), "--from", "127.88.0.0/24").finish()
    assert status == 0 and figures["lost"] == 0, figures
    before = {row["id"]: row["client"] for row in ask(proxy.socket, "sessions")}
    outlaws = {key: client for key, client in before.items()
               if ipaddress.ip_address(client.split(":")[0]) in denied}
    assert len(before) == clients and clients / 3 < len(outlaws) < clients * 2 / 3
    proxy.reload({**config, "session-acl": [deny(str(denied)), *config["session-acl"]]})
    records = proxy.daemon.wait_records(len(outlaws), REASON="policy")
    assert {record["SESSION"]: record["CLIENT"] for record in records} == outlaws and len(records) == len(outlaws)
    after = {row["id"]: row["client"] for row in ask(proxy.socket, "sessions")}
    assert after == {key: client for key, client in before.items() if key not in outlaws}
    assert len(proxy.daemon.records()) == len(outlaws)


def settled(count):
    """What it returns twice, a moment apart."""
    before = None
    while (now := count()) != before:
        before = now
        time.sleep(0.1)
    return now


def test_a_faulty_file_changes_nothing(reloading, peer):
    """[O-10] Nor does one that cannot be had, or needs a restart."""
    listener, server, client = ("127.0.0.1", free_port()), peer(), peer()
    proxy = reloading(configuration(listener, server.text))
    source, child = echo_trip(client, server, listener), proxy.daemon.child()
    with pytest.raises(Refused, match="session-acl.1..actoin.*unknown"):
        proxy.reload(configuration(listener, server.text, {"actoin": "accept"}))
    with pytest.raises(Refused, match="name, pid-file; restart"):
        proxy.reload({**configuration(listener, server.text), "name": "x", "pid-file": "/run/x.pid"})
    taken = peer()
    busy = configuration(listener, server.text)
    busy["listen-on"] += [{"address": "127.0.0.1", "port": free_port()},
                          {"address": taken.address[0], "port": taken.address[1]}]
    before = settled(proxy.daemon.descriptor_counts)  # the connections of the answers so far have ended
    for check in (True, False):
        with pytest.raises(Refused, match=f"127.0.0.1:{taken.address[1]}.*bind"):
            proxy.reload(busy, check=check)
        with pytest.raises(Refused, match=f"0.0.0.0:{listener[1]} overlaps 127.0.0.1:{listener[1]}, .*restart proxyd"):
            proxy.reload(configuration(("0.0.0.0", listener[1]), server.text), check=check)
    wait_for(lambda: proxy.daemon.descriptor_counts() == before, 5,
             lambda: f"{before} before, {proxy.daemon.descriptor_counts()} after")
    proxy.daemon.wait_line(REFUSED, count=4)
    assert len(proxy.daemon.lines(REFUSED)) == 4
    assert proxy.daemon.child() == child and echo_trip(client, server, listener) == source


def test_the_same_again_and_a_check_change_nothing(reloading, peer):
    listener, server, client = ("127.0.0.1", free_port()), peer(), peer()
    config = configuration(listener, server.text)
    proxy = reloading(config)
    source, child = echo_trip(client, server, listener), proxy.daemon.child()
    assert proxy.reload(config) == []
    other = {**config, "udpserver": {"max-sessions": 77}}
    assert any("77" in line for line in proxy.reload(other, wait=False, check=True))
    with pytest.raises(Refused, match="max-sessions"):
        proxy.reload({**config, "udpserver": {}}, check=True)
    assert proxy.daemon.child() == child and echo_trip(client, server, listener) == source
    assert any("1000" in row["text"] for row in ask(proxy.socket, "config"))
    proxy.reload(other)
    assert proxy.daemon.child() != child
    assert any("77" in row["text"] for row in ask(proxy.socket, "config"))


@pytest.mark.parametrize("workers", [1, 2])
def test_listeners_are_added_and_removed(reloading, peer, workers):
    first, second, third = (("127.0.0.1", free_port()) for _ in range(3))
    server, client, other, late = peer(), peer(), peer(), peer()
    sections = {"udpserver": {"max-sessions": 100, "workers": workers}}
    config = configuration(first, server.text, **sections)
    config["listen-on"].append({"address": second[0], "port": second[1]})
    proxy = reloading(config)
    before = proxy.daemon.descriptor_counts()
    echo_trip(client, server, first)
    source = echo_trip(other, server, second)
    # The second one becomes the first by index.
    changed = configuration(second, server.text, **sections)
    changed["listen-on"].append({"address": third[0], "port": third[1]})
    proxy.reload(changed)
    record, = proxy.daemon.wait_records(1)
    assert (record["REASON"], record["CLIENT-PORT"]) == ("policy", str(client.address[1]))
    assert echo_trip(other, server, second) == source
    echo_trip(late, server, third)
    UdpPeer("127.0.0.1", first[1]).close()  # its port is free again
    wait_for(lambda: proxy.daemon.descriptor_counts() == before, 5,
             lambda: f"{before} before, {proxy.daemon.descriptor_counts()} after")


def test_max_sessions_raised_and_lowered(reloading, peer):
    listener, server = ("127.0.0.1", free_port()), peer()

    def limited(count):
        return configuration(listener, server.text, udpserver={"max-sessions": count, "unanswered-share": "100%"})
    proxy = reloading(limited(4))
    clients = [peer() for _ in range(8)]
    sources = [echo_trip(client, server, listener) for client in clients[:4] for _ in range(2)][::2]
    clients[4].send(b"full", listener)
    proxy.daemon.wait_records(1, REASON="sessions-full")
    proxy.reload(limited(8))
    sources += [echo_trip(client, server, listener) for client in clients[4:] for _ in range(2)][::2]
    assert [echo_trip(client, server, listener) for client in clients] == sources
    proxy.reload(limited(3))
    ended = proxy.daemon.wait_records(5, REASON="policy")
    ports = {int(record["CLIENT-PORT"]) for record in ended}
    assert len(ended) == 5 and len(ports) == 5
    for client, source in zip(clients, sources):
        if client.address[1] not in ports:
            assert echo_trip(client, server, listener) == source
    assert len(ask(proxy.socket, "sessions")) == 3


def test_reload_while_reg_dies_and_reloads_in_a_row(reloading, peer):
    listener, server, client = ("127.0.0.1", free_port()), peer(), peer()
    config = configuration(listener, server.text)
    proxy = reloading(config)
    source = echo_trip(client, server, listener)
    for number in range(6):
        if number % 2:
            proxy.daemon.kill_child("REG")
        # Epochs and arenas that no REG has seen are skipped.
        for count in (100 + number, 200 + number, 300 + number):
            proxy.reload({**config, "udpserver": {"max-sessions": count}}, wait=False)
        wait_for(lambda: proxy.daemon.children().get("REG"), what="REG")
        assert echo_trip(client, server, listener) == source
    assert not proxy.daemon.records()
    wait_for(lambda: [row["state"] for row in ask(proxy.socket, "ps")] == ["up"] * 3, what="REG is up")


def test_a_server_that_is_no_server_any_more(reloading, peer):
    """What on-name-change says of names holds for plug-to too."""
    listener, first, second = ("127.0.0.1", free_port()), peer("127.0.0.21"), peer("127.0.0.22")
    for word in ("keep", "move", "close"):
        def to(server, word=word):
            return configuration(listener, server.text, {"on-name-change": word})
        if word == "keep":
            proxy = reloading(to(first))
        else:
            proxy.reload(to(first))
        client = peer()
        source = echo_trip(client, first, listener)
        proxy.reload(to(second))
        if word == "keep":
            assert echo_trip(client, first, listener) == source
        elif word == "move":
            echo_trip(client, second, listener)
        else:
            proxy.daemon.wait_records(1, REASON="policy", CLIENT_PORT=client.address[1])
            echo_trip(client, second, listener)


def test_names_that_come_and_go_with_a_reload(reloading, peer, evil_dns):
    """ACR is started, replaced and ended; a session under a rule with a name waits for the name to be judged."""
    from proxyd_process import resolver
    listener, server, client = ("127.0.0.1", free_port()), peer("127.0.0.1"), peer()
    plain = configuration(listener, server.text, resolver=resolver(evil_dns))
    proxy = reloading(plain)
    source = echo_trip(client, server, listener)
    assert "ACR" not in proxy.daemon.children()
    evil_dns.host("me.test", "127.0.0.1")
    evil_dns.host("you.test", "127.9.9.9")
    named = configuration(listener, server.text, {"from": ["me.test"]}, resolver=resolver(evil_dns))
    proxy.reload(named)
    proxy.daemon.child("ACR")
    assert echo_trip(client, server, listener) == source
    wait_for(lambda: ask(proxy.socket, "names"), what="the name")
    assert echo_trip(client, server, listener) == source
    proxy.reload(configuration(listener, server.text, {"from": ["you.test"]}, resolver=resolver(evil_dns)))
    record, = proxy.daemon.wait_records(1, REASON="policy")
    assert record["CLIENT-PORT"] == str(client.address[1])
    proxy.reload(plain)
    wait_for(lambda: "ACR" not in proxy.daemon.children(), what="the end of ACR")
    echo_trip(client, server, listener)
    assert not proxy.daemon.lines(DIED)


def test_a_reload_records_the_refusals_of_the_last_second(reloading, peer):
    """[E-10] They are collected for a second; the REG that is replaced writes what it has."""
    server, client, listener = peer(), peer(), ("127.0.0.1", free_port())
    config = configuration(listener, server.text)
    config["session-acl"].insert(0, deny("127.0.0.1"))
    proxy = reloading(config)
    for number in range(7):
        client.send(b"refused", listener)
    wait_for(lambda: proxy.daemon.lines("UDPP-620-N"), what="the refusal")
    assert proxy.reload({**config, "session-acl": [*config["session-acl"], deny("127.2.0.0/16", name="more")]})
    record, = proxy.daemon.wait_records(1, REASON="acl")
    assert record["COUNT"] == "7"
