"""What the answers of name servers mean for clients and servers: failures, denials, forbidden addresses, TTLs."""
import time

import pytest

from deadline import SLOWNESS, wait_for
from evil_dns import addresses, nodata, nxdomain, refused, servfail, silence
from free_ports import free_port
from proxyd_process import configuration, resolver

CHANGED, RECOVERED, FAILED, DENIED = "NAMS-210-N", "NAMS-211-N", "NAMS-220-W", "NAMS-221-W"
PRIVATE, EXPIRED, UNUSABLE = "NAMS-222-W", "NAMS-223-E", "NAMS-224-W"
NAME = "srv.example.test"
QUICK = {"server_timeout": "200ms", "conf_timeout": "1s", "timeout": "2s", "tries": 1}


@pytest.fixture
def serve(proxyd, evil_dns, tagged):
    """`serve(first answer, **resolver settings)`: (daemon, listener, server A) with a rule to the name."""
    def start(*first, rule=None, name=NAME, **settings):
        (a,), listener = tagged("A"), ("127.0.0.1", free_port())
        evil_dns.every(name, *first) if first else evil_dns.host(name, a.address[0], ttl=1)
        daemon = proxyd(configuration(listener, f"{name}:{a.address[1]}", rule,
                                      resolver=resolver(evil_dns, **{**QUICK, **settings})))
        return daemon, listener, a
    return start


@pytest.fixture
def outcome(peer):
    """`outcome(listener)`: what a new session gets: the answer, or nothing within a short time."""
    def ask(listener, seconds=0.3, address="127.0.0.1"):
        client = peer(address)
        client.send(b"x", listener)
        try:
            return client.receive(seconds)[0]
        except AssertionError:
            return None
        finally:
            client.close()
    return ask


# --- at the start

@pytest.mark.parametrize("first, told", [(nxdomain(), DENIED), (nodata(), DENIED), (servfail(), FAILED),
                                         (refused(), FAILED), (silence(), FAILED)],
                         ids=["nxdomain", "nodata", "servfail", "refused", "silence"])
def test_a_name_that_means_something_later(serve, evil_dns, outcome, first, told):
    """[K-55][O-52] As long as it has never been resolved it is no server; then it is one without a restart."""
    daemon, listener, a = serve(first)
    daemon.wait_line(told, text=NAME)
    assert outcome(listener) is None
    record = daemon.wait_records(1, STATUS="REJECTED")[0]
    assert record["REASON"] == "resolve-failure", record
    assert not a.seen
    evil_dns.host(NAME, a.address[0], ttl=1)
    wait_for(lambda: outcome(listener) == b"A x", 10, daemon.tail)
    daemon.wait_line(CHANGED if told == DENIED else RECOVERED, text=a.address[0])


def test_a_client_by_name_that_is_not_known_is_not_let_in(proxyd, evil_dns, tagged, outcome):
    """[K-55][K-34] A name that does not exist matches no client, negated or not."""
    (a,), listener = tagged("A"), ("127.0.0.1", free_port())
    daemon = proxyd(configuration(listener, a.text, {"from": ["client.example.test"]}, resolver=resolver(evil_dns, **QUICK)))
    daemon.wait_line(DENIED, text="client.example.test")
    assert outcome(listener) is None
    assert daemon.wait_records(1)[0]["REASON"] == "acl"
    evil_dns.host("client.example.test", "127.7.0.1", ttl=1)
    wait_for(lambda: outcome(listener, address="127.7.0.1") == b"A x", 5, daemon.tail)
    assert outcome(listener, address="127.7.0.2") is None
    assert outcome(listener, address="127.0.0.1") is None


def test_a_client_may_be_kept_out_by_name(proxyd, evil_dns, tagged, outcome):
    """[K-34] `!name` in `from`; and no client is accepted before the name resolves."""
    (a,), listener = tagged("A"), ("127.0.0.1", free_port())
    evil_dns.host("bad.example.test", "127.7.0.1", "127.7.0.2", ttl=60, delay=0.7)
    daemon = proxyd(configuration(listener, a.text, {"from": ["*", "!bad.example.test"]}, resolver=resolver(evil_dns)))
    assert outcome(listener, 0.3, "127.7.0.1") is None and not a.seen, "before the answer"
    assert outcome(listener, 5, address="127.7.0.3") == b"A x"
    assert outcome(listener, address="127.7.0.1") is None
    assert outcome(listener, address="127.7.0.2") is None
    assert len(a.seen) == 1


# --- after a good answer

def test_failures_keep_the_last_good_addresses(serve, evil_dns, outcome, peer):
    """[K-55] SERVFAIL, REFUSED, silence; with pauses that grow, and one line."""
    daemon, listener, a = serve()
    client = peer()
    assert client.ask(b"1", listener) == b"A 1"
    for failure in (servfail(), refused(), silence()):
        evil_dns.every(NAME, failure)
        count = len(daemon.lines(FAILED, text=NAME))
        evil_dns.forget()
        evil_dns.wait_query(NAME, "A", seconds=10)
        assert client.ask(b"2", listener) == b"A 2"
        assert outcome(listener, 2) == b"A x"
        wait_for(lambda: len(daemon.lines(FAILED, text=NAME)) > count or count, 10, daemon.tail)
    assert "#1" in daemon.lines(FAILED, text=NAME)[0].text
    evil_dns.host(NAME, a.address[0], ttl=1)
    daemon.wait_line(RECOVERED, text=NAME, seconds=15)
    assert not daemon.lines(EXPIRED) and not daemon.records(STATUS="REJECTED")


def test_pauses_after_failures_grow(serve, evil_dns):
    """[K-55] 1 s, 2 s, 4 s, ...: a dead name server is not beaten."""
    serve(addresses("127.0.0.21", ttl=1), servfail(), tries=1)
    evil_dns.wait_query(NAME, "A", 5, seconds=15)
    times = [query.time for query in evil_dns.queries(NAME, "A")][1:]
    gaps = [after - before for before, after in zip(times, times[1:])]
    assert 0.7 <= gaps[0] <= 1.6 * SLOWNESS and gaps[1] > 1.4 and gaps[2] > gaps[1] > gaps[0], gaps


@pytest.mark.parametrize("denial", [nxdomain(), nodata()], ids=["nxdomain", "nodata"])
def test_a_denial_is_an_answer(serve, evil_dns, outcome, peer, denial):
    """[K-54][K-55] New sessions have no server; running ones stay."""
    daemon, listener, a = serve()
    client = peer()
    assert client.ask(b"1", listener) == b"A 1"
    evil_dns.every(NAME, denial)
    daemon.wait_line(DENIED, text=NAME, seconds=5)
    assert outcome(listener) is None
    assert daemon.wait_records(1, STATUS="REJECTED")[0]["REASON"] == "resolve-failure"
    assert client.ask(b"2", listener) == b"A 2"


def test_a_denial_ends_sessions_that_should_follow_the_name(serve, evil_dns, peer):
    """[K-54] on-name-change: close."""
    daemon, listener, _ = serve(rule={"on-name-change": "close"})
    client = peer()
    assert client.ask(b"1", listener) == b"A 1"
    evil_dns.every(NAME, nxdomain())
    daemon.wait_records(1, REASON="name-change", CLIENT_PORT=client.address[1])


def test_addresses_that_nobody_confirms_are_given_up(serve, evil_dns, outcome):
    """[K-55] After stale-max; and used again when they are confirmed."""
    daemon, listener, a = serve(stale_max="2s")
    assert outcome(listener, 2) == b"A x"
    evil_dns.every(NAME, servfail())
    evil_dns.forget()
    failed = evil_dns.wait_query(NAME, "A").time
    assert outcome(listener, 2) == b"A x"
    daemon.wait_line(EXPIRED, text=NAME, seconds=10)
    assert time.monotonic() - failed > 1.5, "not before the time"
    assert outcome(listener) is None
    assert daemon.wait_records(1, STATUS="REJECTED")[0]["REASON"] == "resolve-failure"
    evil_dns.host(NAME, a.address[0], ttl=1)
    wait_for(lambda: outcome(listener) == b"A x", 15, daemon.tail)


# --- addresses that are not taken

def test_private_addresses_are_refused(serve, evil_dns, outcome):
    """[K-61] Unless they are allowed: a public name that means a host inside is an attack."""
    daemon, listener, a = serve(allow_private=False)
    daemon.wait_line(PRIVATE, text=NAME)
    assert a.address[0] in daemon.lines(PRIVATE)[0].text
    assert outcome(listener) is None
    assert not a.seen


@pytest.mark.parametrize("name, allowed", [("srv.example.test", True), ("example.test", True),
                                           ("srv.other.test", False), ("srv.badexample.test", False),
                                           ("example.test.evil.test", False)])
def test_private_addresses_may_be_allowed_for_a_domain(serve, outcome, name, allowed):
    daemon, listener, a = serve(name=name, allow_private=["example.test"])
    if allowed:
        assert outcome(listener, 2) == b"A x"
    else:
        daemon.wait_line(PRIVATE, text=name)
        assert outcome(listener) is None and not a.seen


@pytest.mark.parametrize("address", ["own", "0.0.0.0", "224.0.0.1"])
def test_addresses_that_can_be_no_server(proxyd, evil_dns, outcome, address):
    """[K-54] The proxy's own listener would be a loop."""
    listener = ("127.0.0.1", free_port())
    evil_dns.host(NAME, listener[0] if address == "own" else address, ttl=1)
    daemon = proxyd(configuration(listener, f"{NAME}:{listener[1]}", resolver=resolver(evil_dns, **QUICK)))
    assert outcome(listener) is None
    daemon.wait_line(UNUSABLE, text=NAME)
    record = daemon.wait_records(1, STATUS="REJECTED")[0]
    assert record["REASON"] == "resolve-failure"


def test_the_good_addresses_beside_an_unusable_one_are_used(proxyd, evil_dns, tagged, outcome):
    """[K-54] Only that address is passed over."""
    (a,) = tagged("A")
    listener = ("127.0.0.1", free_port())
    evil_dns.host(NAME, "0.0.0.0", a.address[0], ttl=60)
    daemon = proxyd(configuration(listener, f"{NAME}:{a.address[1]}", resolver=resolver(evil_dns, **QUICK)))
    assert [outcome(listener, 2) for _ in range(10)] == [b"A x"] * 10
    daemon.wait_line(UNUSABLE, text="0.0.0.0")


# --- how long answers live

@pytest.mark.parametrize("ttl", [0, 2**31, 2**32 - 1])
def test_a_ttl_of_nothing_does_not_spin(serve, evil_dns, outcome, ttl):
    """[K-56] Asked again after the least time, a second; what is negative as a signed number is 0."""
    (daemon, listener, a) = serve(addresses("127.0.0.21", ttl=ttl))
    assert outcome(listener, 2) == b"A x"
    evil_dns.wait_query(NAME, "A", 3, seconds=6)
    times = [query.time for query in evil_dns.queries(NAME, "A")]
    assert all(0.6 < after - before < 2 * SLOWNESS for before, after in zip(times, times[1:])), times


@pytest.mark.parametrize("settings, ttl, least, most", [
    ({"ttl": {"min": "2s", "max": "1h"}}, 0, 1.5, 2.5), ({"ttl": {"min": "1s", "max": "1s"}}, 86400, 0.7, 1.5)])
def test_ttls_are_clamped(serve, evil_dns, settings, ttl, least, most):
    """[K-56]"""
    serve(addresses("127.0.0.21", ttl=ttl), **settings)
    evil_dns.wait_query(NAME, "A", 2, seconds=6)
    first, second = [query.time for query in evil_dns.queries(NAME, "A")][:2]
    assert least <= second - first <= most * SLOWNESS


def test_a_long_ttl_is_believed(serve, evil_dns, outcome):
    """[K-53] Nobody asks before it has expired."""
    daemon, listener, a = serve(addresses("127.0.0.21", ttl=3600))
    assert outcome(listener, 2) == b"A x"
    time.sleep(2)  # the time in which an impatient one would ask again
    assert len(evil_dns.queries(NAME)) == 2


def test_a_denial_is_believed_for_a_bounded_time(serve, evil_dns):
    """[K-56] The zone says an hour, the configuration a second."""
    serve(nxdomain(ttl=3600), negative_ttl={"min": "1s", "max": "1s"})
    evil_dns.wait_query(NAME, "A", 3, seconds=8)
    times = [query.time for query in evil_dns.queries(NAME, "A")]
    assert all(0.6 < after - before < 2.5 * SLOWNESS for before, after in zip(times, times[1:])), times
