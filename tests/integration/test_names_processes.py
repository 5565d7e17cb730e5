"""Who resolves names: which processes there are, what they are called, what they log, and that no session waits for them."""
import os
import re
import signal
import time

import pytest

from deadline import SLOWNESS, wait_for
from dns_packet import reverse_name
from evil_dns import addresses, silence
from free_ports import free_port
from processes import children_of, title_of
from proxyd_process import configuration, resolver

INFO, SERVERS, DIED = "UDPS-240-I", "NAMS-110-K", "UDPS-222-E"
NAME = "srv.example.test"


@pytest.fixture
def serve(proxyd, evil_dns, tagged, peer):
    """`serve(*rules, **sections)`: (daemon, listener, server A). The rules come before one that accepts every client."""
    def start(*rules, arguments=("-d",), **sections):
        (a,), listener = tagged("A"), ("127.0.0.1", free_port())
        evil_dns.host(NAME, a.address[0], ttl=60)
        config = configuration(listener, a.text, **{"resolver": resolver(evil_dns), **sections})
        config["session-acl"][:0] = [rule(a) for rule in rules]
        return proxyd(config, arguments), listener, a
    return start


def named_server(a):
    return {"name": "named-server", "from": ["127.7.0.0/16"], "action": "accept", "plug-to": [f"{NAME}:{a.address[1]}"]}


def named_client(_):
    return {"name": "named-client", "from": [NAME], "action": "deny"}


def pattern(_):
    return {"name": "pattern", "from": [r"~.*\.example\.test"], "action": "deny"}


@pytest.mark.parametrize("rules, sections, roles", [
    ([], {}, {"REG"}), ([named_server], {}, {"REG", "ACR"}), ([named_client], {}, {"REG", "ACR"}),
    ([pattern], {}, {"REG", "APR"}), ([], {"log": {"names": True}}, {"REG", "APR"}),
    ([named_server, pattern], {}, {"REG", "ACR", "APR"}),
    ([], {"lists": {"unused": [NAME, "~.*"]}}, {"REG"})],
    ids=["none", "server", "client", "pattern", "log.names", "both", "unused list"])
def test_there_are_only_the_processes_that_are_needed(serve, rules, sections, roles):
    """[K-1][K-3] And each shows its role in its title."""
    daemon, _, _ = serve(*rules, **sections)
    for role in roles:
        daemon.wait_line("UDPS-221-K", text=role)
    assert set(daemon.children()) == roles
    assert len(children_of(daemon.pid)) == len(roles) + 1, "and LOG"
    name = re.search(r"name: (test\S+)", daemon.file.read_text())[1]
    assert {title_of(daemon.child(role)) for role in roles} == {f"proxyd: {name} [{role}]" for role in roles}


def test_who_forwards_goes_before_who_looks_names_up(serve, evil_dns, peer):
    """[K-57] Where processors are scarce."""
    daemon, _, _ = serve(named_server, pattern)
    own = os.getpriority(os.PRIO_PROCESS, daemon.pid)
    nice = {role: os.getpriority(os.PRIO_PROCESS, daemon.child(role)) - own for role in ("REG", "ACR", "APR")}
    assert nice == {"REG": 0, "ACR": 5, "APR": 5}


def test_the_start_waits_for_no_answer(serve, evil_dns, peer):
    """[K-3] Silent name servers: the proxy is ready at once and serves clients that need no name."""
    evil_dns.default = silence()
    evil_dns.every(NAME, silence())

    def silent(a):
        evil_dns.every(NAME, silence())
        return named_server(a)
    at = time.monotonic()
    daemon, listener, _ = serve(silent)
    assert time.monotonic() - at < 2 * SLOWNESS
    assert peer().ask(b"hello", listener) == b"A hello"
    evil_dns.wait_query(NAME)
    waiting = peer("127.7.0.1")
    waiting.send(b"who?", listener)
    waiting.receive_nothing()
    assert peer().ask(b"still", listener) == b"A still"
    assert not daemon.records(STATUS="REJECTED")


def test_every_name_is_asked_for_at_the_start(serve, evil_dns, peer):
    """[K-52] Of rules and of the lists that they use; before anybody needs them, and each once."""
    lists = {"inner": ["inner.example.test"], "outer": ["@inner", "!outer.example.test"], "unused": ["no.example.test"]}
    names = ["srv.example.test", "inner.example.test", "outer.example.test", "other.example.test"]
    for number, name in enumerate(names):
        evil_dns.host(name, f"127.9.0.{number + 1}", ttl=60)
    serve(named_server, lambda a: {"name": "lists", "from": ["@outer", "other.example.test"], "action": "deny"}, lists=lists)
    for name in names:
        evil_dns.wait_query(name, "A")
        evil_dns.wait_query(name, "AAAA")
    assert len(evil_dns.queries()) == 2 * len(names)


def test_each_role_tells_of_itself(serve, evil_dns, peer):
    """[K-20] ACR its names with their addresses, APR its look-ups; and both which name servers they use (K-62)."""
    evil_dns.client("127.7.0.1", "client.example.test")
    daemon, listener, a = serve(named_server, pattern)
    for role in ("ACR", "APR"):
        wait_for(lambda role=role: daemon.lines(SERVERS, role=role, text=f"#1 {evil_dns.text}"), 5,
                 lambda role=role: f"{role}'s name servers\n{daemon.tail()}")
    wait_for(lambda: peer("127.7.0.2").ask(b"x", listener) == b"A x")
    daemon.send_signal(signal.SIGPWR)
    wait_for(lambda: [line for line in daemon.lines(INFO, role="ACR", text=NAME) if a.address[0] in line.text], 5,
             lambda: f"ACR's table\n{daemon.tail()}")
    wait_for(lambda: daemon.lines(INFO, role="APR"), 5, lambda: f"APR's counters\n{daemon.tail()}")


@pytest.mark.parametrize("role", ["ACR", "APR"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_resolver_that_ends_is_replaced(serve, evil_dns, peer, role, number):
    """[K-2][K-4] And no session notices."""
    daemon, listener, _ = serve(named_server, pattern)
    for each in ("ACR", "APR"):
        daemon.wait_line("UDPS-221-K", text=each)
    client = peer("127.7.0.1")
    assert client.ask(b"before", listener) == b"A before"
    old = daemon.child(role)
    new = daemon.replace_child(role, number=number)
    assert new != old and f"{role}: exited unexpectedly, pid {old}" in daemon.wait_line(DIED).text
    assert client.ask(b"after", listener) == b"A after"
    assert peer("127.7.0.2").ask(b"new", listener) == b"A new"


def test_the_default_transport_of_the_configurations_names_is_tcp(serve, evil_dns, peer):
    """[K-61] Nobody can forge an answer there."""
    settings = resolver(evil_dns)
    del settings["conf-transport"]
    daemon, listener, _ = serve(named_server, resolver=settings)
    assert peer("127.7.0.1").ask(b"x", listener) == b"A x"
    assert {query.transport for query in evil_dns.queries(NAME)} == {"tcp"}


def test_the_hosts_file_comes_first(serve, evil_dns, peer, tmp_path):
    """A name in it is not queried."""
    hosts = tmp_path / "hosts"
    hosts.write_text("127.0.0.21 srv.example.test\n")
    evil_dns.host("asked.example.test", "127.9.0.9")
    _, listener, _ = serve(named_server, lambda a: {"name": "x", "from": ["asked.example.test"], "action": "deny"},
                           resolver=resolver(evil_dns, hosts_file=str(hosts)))
    assert peer("127.7.0.1").ask(b"x", listener) == b"A x"
    evil_dns.wait_query("asked.example.test", "A")
    assert not evil_dns.queries(NAME)


def test_a_hosts_file_that_cannot_be_read_is_told_of(serve, evil_dns, peer, tmp_path):
    """By each process that reads it: once, before the first name is needed, and when it can be read again."""
    hosts = tmp_path / "hosts"
    daemon, listener, _ = serve(named_server, pattern, resolver=resolver(evil_dns, hosts_file=str(hosts)))
    for role in ("ACR", "APR"):
        wait_for(lambda role=role: daemon.lines("NAMS-121-W", f"hosts file {hosts}: No such file", role), 5,
                 lambda role=role: f"{role}'s hosts file\n{daemon.tail()}")
    for number in (1, 2):
        assert peer(f"127.8.0.{number}").ask(b"x", listener) == b"A x"
        evil_dns.wait_query(reverse_name(f"127.8.0.{number}"), "PTR")
    hosts.write_text("127.7.0.300 srv.example.test\n127.7.0.4 fourth.example.com\n")

    strangers = (f"127.8.1.{number}" for number in range(1, 255))

    def read_again():
        peer(next(strangers)).send(b"x", listener)
        return daemon.lines("NAMS-111-N", str(hosts), "APR")
    wait_for(read_again, 5, lambda: f"the file is read again\n{daemon.tail()}")
    daemon.wait_line("NAMS-122-W", "line 1: '127.7.0.300' is not an address")
    assert [len(daemon.lines("NAMS-121-W", role=role)) for role in ("ACR", "APR")] == [1, 1]


def test_a_silent_server_is_asked_again(serve, evil_dns, peer):
    """[O-52] Without a limit, until it answers; and a stop does not wait for it."""
    def at_first_silent(a):
        evil_dns.every(NAME, silence(), silence(), silence(), silence(), addresses())
        evil_dns.set(NAME, "A", silence(), silence(), silence(), addresses(a.address[0]))
        return named_server(a)
    daemon, listener, _ = serve(at_first_silent, resolver=resolver(evil_dns, server_timeout="200ms", conf_timeout="1s"))
    wait_for(lambda: len(evil_dns.queries(NAME, "A")) >= 4, 10)
    wait_for(lambda: _asks(peer("127.7.0.1"), listener), 10)
    evil_dns.every(NAME, silence())
    at = time.monotonic()
    daemon.stop()
    assert time.monotonic() - at < 2 * SLOWNESS


def _asks(client, listener):
    client.send(b"x", listener)
    try:
        return client.receive(0.3)
    except AssertionError:
        return None
