"""Clients by their names: regular expressions in `from`, and names in the records."""
import pytest

from deadline import wait_for
from dns_packet import Record, reverse_name
from evil_dns import alias, nxdomain, pointers, servfail, silence
from free_ports import free_port
from proxyd_process import configuration, resolver

CLIENT = "127.7.0.1"
HOST = "host.example.test"


@pytest.fixture
def serve(proxyd, tagged):
    """`serve(dns, *items of from, **resolver settings)`: (daemon, listener, server). Clients at 127.0.0.1 get in
    by a rule behind it."""
    def start(dns, *items, log=None, workers=1, **settings):
        (a,), listener = tagged("A"), ("127.0.0.1", free_port())
        config = configuration(listener, a.text, {"from": list(items)}, log=log or {},
                               udpserver={"max-sessions": 1000, "workers": workers}, resolver=resolver(
                                   dns, **{"initial_timeout": "300ms", "timeout": "1s", "server_timeout": "300ms", **settings}))
        config["session-acl"].append({"name": "local", "from": ["127.0.0.1"], "action": "accept", "plug-to": [a.text]})
        daemon = proxyd(config)
        daemon.wait_line("UDPS-221-K", text="APR")
        return daemon, listener, a
    return start


def refused_because(daemon, client, listener, reason, address=CLIENT, seconds=5):
    client.send(b"x", listener)
    record = daemon.wait_records(1, seconds, CLIENT_IP=address)[0]
    assert (record["STATUS"], record["REASON"]) == ("REJECTED", reason), record
    return record


@pytest.mark.parametrize("real", [False, True])
def test_a_client_whose_name_matches(serve, evil_dns, real_dns, peer, real):
    """[K-63] Its reverse name means its address, and the whole name matches."""
    dns = real_dns if real else evil_dns
    dns.client(CLIENT, HOST)
    daemon, listener, a = serve(dns, r"~.*\.example\.test")
    assert peer(CLIENT).ask(b"x", listener) == b"A x"


@pytest.mark.parametrize("pattern, name, matches", [
    (r"~host\.example\.test", HOST, True), (r"~HOST\.Example\.test", HOST, True), (r"~host\.example\.test", "HOST.example.TEST", True),
    (r"~host", HOST, False), (r"~.*\.example\.test", f"{HOST}.evil", False), (r"~.*example\.test", "badexample.test", True),
    (r"~.*\.example\.test", "badexample.test", False), (r"~a.*|b.*", HOST, False), (r"~a.*|host.*", HOST, True),
    (r"~.*\.other\.test", HOST, False), (r"~^host\.example\.test$", HOST, True)])
def test_the_whole_name_must_match(serve, evil_dns, peer, pattern, name, matches):
    """[K-34][K-63] Whatever the case of the letters."""
    evil_dns.client(CLIENT, name)
    daemon, listener, a = serve(evil_dns, pattern)
    if matches:
        assert peer(CLIENT).ask(b"x", listener) == b"A x"
    else:
        refused_because(daemon, peer(CLIENT), listener, "acl")
        assert not a.seen


def test_a_name_that_is_not_confirmed_is_none(serve, evil_dns, peer):
    """[K-63] The owner of a reverse zone can write any name there."""
    evil_dns.client(CLIENT, HOST, confirmed=False)
    evil_dns.host(HOST, "127.7.0.99")
    daemon, listener, a = serve(evil_dns, r"~.*\.example\.test")
    refused_because(daemon, peer(CLIENT), listener, "acl")
    assert not a.seen


def test_a_name_that_does_not_exist_is_none(serve, evil_dns, peer):
    """[K-63] The reverse name has no address at all."""
    evil_dns.client(CLIENT, HOST, confirmed=False)
    daemon, listener, a = serve(evil_dns, r"~.*\.example\.test")
    refused_because(daemon, peer(CLIENT), listener, "acl")


def test_an_address_without_a_name_is_an_answer(serve, evil_dns, peer):
    """[K-63] The pattern does not match, and the next rules are asked."""
    daemon, listener, a = serve(evil_dns, r"~.*\.example\.test")
    refused_because(daemon, peer(CLIENT), listener, "acl")
    assert peer().ask(b"x", listener) == b"A x"
    evil_dns.wait_query(reverse_name("127.0.0.1"), "PTR")


@pytest.mark.parametrize("names, confirmed", [
    ([HOST, "b.other.test"], [HOST]), (["b.other.test", HOST], [HOST]), (["b.other.test", HOST], ["b.other.test", HOST])])
def test_one_of_several_names_is_enough(serve, evil_dns, peer, names, confirmed):
    evil_dns.set(reverse_name(CLIENT), "PTR", pointers(*names))
    for name in confirmed:
        evil_dns.host(name, "127.7.0.50", CLIENT)
    daemon, listener, a = serve(evil_dns, r"~.*\.example\.test")
    assert peer(CLIENT).ask(b"x", listener) == b"A x"


def test_of_several_names_only_confirmed_ones_count(serve, evil_dns, peer):
    """[K-63]"""
    evil_dns.set(reverse_name(CLIENT), "PTR", pointers(HOST, "b.other.test"))
    evil_dns.host("b.other.test", CLIENT)
    evil_dns.host(HOST, "127.7.0.50")
    daemon, listener, a = serve(evil_dns, r"~.*\.example\.test")
    refused_because(daemon, peer(CLIENT), listener, "acl")


def test_a_reverse_name_may_be_an_alias(serve, evil_dns, peer):
    """As where parts of a reverse zone are given away (RFC 2317)."""
    target = "1.0-127.0.7.127.in-addr.arpa"
    evil_dns.set(reverse_name(CLIENT), "PTR", alias(target, Record(target, "PTR", HOST)))
    evil_dns.host(HOST, CLIENT)
    daemon, listener, a = serve(evil_dns, r"~.*\.example\.test")
    assert peer(CLIENT).ask(b"x", listener) == b"A x"


@pytest.mark.parametrize("failure", [silence(), servfail()], ids=["silence", "servfail"])
@pytest.mark.parametrize("what", ["reverse", "forward"])
def test_a_look_up_that_fails_lets_nobody_in(serve, evil_dns, peer, failure, what):
    """[K-58][K-63] Neither this rule nor one behind it; others that need no name are served."""
    evil_dns.client(CLIENT, HOST)
    if what == "reverse":
        evil_dns.set(reverse_name(CLIENT), "PTR", failure)
    else:
        evil_dns.every(HOST, failure)
    daemon, listener, a = serve(evil_dns, r"~.*\.example\.test")
    refused_because(daemon, peer(CLIENT), listener, "resolve-failure", seconds=5)
    assert not a.seen
    evil_dns.client(CLIENT, HOST)
    wait_for(lambda: _served(peer, listener), 10, daemon.tail)


@pytest.mark.parametrize("settings", [{"initial_timeout": "100ms", "timeout": "5s"}, {"initial_timeout": "5s", "timeout": "500ms"}],
                         ids=["every server was silent", "the whole time is over"])
def test_the_log_says_why_a_look_up_failed(serve, evil_dns, peer, settings):
    """[K-58][K-62] For whom, and what each name server did, by its number."""
    evil_dns.set(reverse_name(CLIENT), "PTR", silence())
    daemon, listener, a = serve(evil_dns, r"~.*\.example\.test", **settings)
    refused_because(daemon, peer(CLIENT), listener, "resolve-failure")
    text = daemon.wait_line("NAMS-230-N").text
    assert text.startswith(CLIENT) and "#1" in text, text


def _served(peer, listener, address=CLIENT):
    client = peer(address)
    client.send(b"again", listener)
    try:
        return client.receive(0.5)[0] == b"A again"
    except AssertionError:
        return False


def test_a_denying_pattern_fails_closed(proxyd, tagged, evil_dns, peer):
    """[K-58] `deny` by a pattern, then a rule for every client: a client whose name is unknown is not accepted."""
    (a,), listener = tagged("A"), ("127.0.0.1", free_port())
    evil_dns.client("127.7.0.2", "evil.example.test")
    evil_dns.client("127.7.0.3", "good.example.test")
    evil_dns.set(reverse_name(CLIENT), "PTR", silence())
    config = configuration(listener, a.text, resolver=resolver(evil_dns, initial_timeout="300ms", timeout="1s"))
    config["session-acl"].insert(0, {"name": "evil", "from": [r"~evil\..*"], "action": "deny"})
    daemon = proxyd(config)
    refused_because(daemon, peer(CLIENT), listener, "resolve-failure")
    assert refused_because(daemon, peer("127.7.0.2"), listener, "acl", "127.7.0.2")["RULE"] == "evil"
    assert peer("127.7.0.3").ask(b"x", listener) == b"A x"
    assert peer("127.7.0.4").ask(b"x", listener) == b"A x", "no name is not that name"
    assert len(a.seen) == 2


def test_names_are_asked_for_only_when_a_rule_needs_them(proxyd, tagged, evil_dns, peer):
    """[K-63] Not for rules that fail anyway or hold anyway."""
    (a,), listener = tagged("A"), ("127.0.0.1", free_port())
    config = configuration(listener, a.text, {"from": ["127.0.0.1", r"~.*\.example\.test"]}, resolver=resolver(evil_dns))
    config["session-acl"].insert(0, {"name": "elsewhere", "from": [r"~.*"], "to": ["192.0.2.1"], "action": "deny"})
    proxyd(config)
    for _ in range(5):
        assert peer().ask(b"x", listener) == b"A x"
    assert not evil_dns.queries()
    client = peer(CLIENT)
    client.send(b"x", listener)
    evil_dns.wait_query(reverse_name(CLIENT), "PTR")


def test_a_name_is_remembered_for_its_ttl(serve, evil_dns, peer):
    """[K-59] The next session of the same client needs no look-up; after the TTL it does."""
    evil_dns.client(CLIENT, HOST, ttl=2)
    daemon, listener, a = serve(evil_dns, r"~.*\.example\.test")
    for _ in range(5):
        assert peer(CLIENT).ask(b"x", listener) == b"A x"
    assert len(evil_dns.queries(reverse_name(CLIENT))) == 1
    evil_dns.client(CLIENT, "host.other.test", ttl=2)

    def turned_away():
        client = peer(CLIENT)
        client.send(b"y", listener)
        return daemon.records(CLIENT_IP=CLIENT, STATUS="REJECTED")
    wait_for(turned_away, 5, daemon.tail, 0.1)


def test_running_sessions_stay_when_the_name_changes(serve, evil_dns, peer):
    """[K-33] A session is judged once."""
    evil_dns.client(CLIENT, HOST, ttl=1)
    daemon, listener, a = serve(evil_dns, r"~.*\.example\.test")
    old = peer(CLIENT)
    assert old.ask(b"1", listener) == b"A 1"
    evil_dns.set(reverse_name(CLIENT), "PTR", nxdomain())

    def turned_away():
        peer(CLIENT).send(b"y", listener)
        return daemon.records(CLIENT_IP=CLIENT, STATUS="REJECTED")
    wait_for(turned_away, 5, daemon.tail, 0.1)
    assert old.ask(b"2", listener) == b"A 2"


@pytest.mark.parametrize("names", [True, False])
def test_records_name_the_client(serve, evil_dns, peer, names):
    """[K-67] log.names: and no datagram waits for that."""
    evil_dns.client(CLIENT, HOST)
    evil_dns.set(reverse_name("127.7.0.2"), "PTR", silence())
    daemon, listener, a = serve(evil_dns, *(["127.7.0.0/16"] if names else [r"~.*\.never\.test", "127.7.0.0/16"]),
                                log={"names": names})
    named, silent = peer(CLIENT), peer("127.7.0.2")
    assert named.ask(b"x", listener) == b"A x"
    if names:
        evil_dns.wait_query(HOST, "A")
        assert silent.ask(b"x", listener) == b"A x"
        wait_for(lambda: named.ask(b"y", listener) == b"A y")
    daemon.stop()
    record = daemon.records(CLIENT_IP=CLIENT)[0]
    assert record.get("CLIENT-NAME") == (HOST if names else None), record
    if names:
        assert daemon.records(CLIENT_IP="127.7.0.2")[0].get("CLIENT-NAME", "") == ""


@pytest.mark.parametrize("name", ["a\"b.example.test", "a b.example.test", "a\nb.example.test", "x" * 64 + ".example.test"])
def test_names_that_no_host_has_are_none(serve, evil_dns, peer, name):
    """[K-63] They come from foreign zones and go into logs and patterns."""
    evil_dns.client(CLIENT, name)
    daemon, listener, a = serve(evil_dns, r"~(?s).*", log={"names": True})
    client = peer(CLIENT)
    client.send(b"x", listener)
    record = daemon.wait_records(1, CLIENT_IP=CLIENT)[0]
    assert record["STATUS"] == "REJECTED" and not a.seen
    assert all("example.test" not in line.raw or line.id for line in daemon.lines())
