"""Name servers that fail, lie or are forged: no datagram is ever sent to a wrong address."""
import re
import signal

import pytest

from deadline import SLOWNESS, wait_for
from dns_packet import Record
from dns_sprayer import Sprayer
from evil_dns import Behaviour, EvilDns, addresses, alias, garbage, refused, servfail, silence
from free_ports import free_port
from proxyd_process import configuration, resolver
from udp_peer import UdpPeer

FAILED, LOOKUP_FAILED = "NAMS-220-W", "NAMS-230-N"
NAME, WRONG = "srv.example.test", "127.0.0.22"
FORGED = 100_000  # more than there are ids
SEEN = 70_000 / SLOWNESS  # of these, at least; a busy machine drops some before anybody can read them
QUICK = {"server_timeout": "300ms", "conf_timeout": "5s"}
wrong = addresses(WRONG)

# All of them carry the address of server X, or nothing.
LIES = {
    "wrong id": wrong.but(other_id=True), "letters swapped": wrong.but(letter_case="swap"),
    "wrong question": wrong.but(other_question="b.example.test"), "from another port": wrong.but(other_port=True),
    "garbage": garbage(), "empty": garbage(b""), "a head only": garbage(b"\0" * 12), "the query itself": garbage(b"\0\0\1\0"),
    "truncated, then half of it": wrong.but(truncated=True, tcp_bytes=20),
    "truncated, then a hang up": wrong.but(truncated=True, close=True),
    "truncated, then silence": wrong.but(truncated=True, silent=False, tcp_bytes=0),
    "only in additional": Behaviour((), additional=(Record(NAME, "A", WRONG),), rcode=2),
    "an alias to itself": alias(NAME), "a loop of aliases":
        alias("b.example.test", Record("b.example.test", "CNAME", NAME), Record(NAME, "CNAME", "b.example.test")),
    "servfail with an address": wrong.but(rcode=2), "refused with an address": wrong.but(rcode=5),
    "servfail": servfail(), "refused": refused(), "silence": silence()}
OVER_TCP = {key: LIES[key] for key in ("wrong id", "wrong question", "letters swapped", "garbage", "servfail", "silence")}
OVER_TCP.update({"half": wrong.but(tcp_bytes=20), "two bytes": wrong.but(tcp_bytes=2), "nothing": wrong.but(tcp_bytes=0),
                 "a hang up": wrong.but(close=True)})


@pytest.fixture
def good_dns(started):
    started.append(EvilDns())
    return started[-1]


@pytest.fixture
def serve(proxyd, tagged):
    """`serve(*name servers, **settings)`: (daemon, listener, A, X); A is the right server, X the one that liars name."""
    def start(*servers, log=None, **settings):
        (a, x), listener = tagged("A", "X"), ("127.0.0.1", free_port())
        assert x.address[0] == WRONG
        section = resolver(*servers, **{**QUICK, **settings})
        daemon = proxyd(configuration(listener, f"{NAME}:{a.address[1]}", resolver=section, log=log or {}))
        return daemon, listener, a, x
    return start


def ends_well(daemon, listener, a, x, peer):
    assert peer().ask(b"x", listener, 5) == b"A x", daemon.tail()
    assert {peer().ask(b"y", listener) for _ in range(5)} == {b"A y"}
    assert not x.seen and len(a.seen) == 6


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_a_second_server_helps(serve, evil_dns, good_dns, peer, lie):
    """[K-61][K-62] #1 never tells the truth."""
    evil_dns.every(NAME, lie)
    good_dns.host(NAME, "127.0.0.21")
    daemon, listener, a, x = serve(evil_dns, good_dns)
    ends_well(daemon, listener, a, x, peer)
    assert evil_dns.queries(NAME), "#1 is asked first"


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_a_second_question_helps(serve, evil_dns, peer, lie):
    """[K-61] The only server lies once; within the same look-up, or the next one a second later."""
    evil_dns.set(NAME, "A", lie, addresses("127.0.0.21"))
    if lie.truncated:  # the question by TCP gets the lie, too
        evil_dns.set(NAME, "A", lie, lie, addresses("127.0.0.21"))
    evil_dns.set(NAME, "AAAA", lie, lie, Behaviour())
    daemon, listener, a, x = serve(evil_dns)

    def served():
        client = peer()
        client.send(b"x", listener)
        try:
            return client.receive(0.5)[0] == b"A x"
        except AssertionError:
            return False
    wait_for(served, 10, daemon.tail)
    assert not x.seen


@pytest.mark.parametrize("lie", OVER_TCP.values(), ids=OVER_TCP)
def test_a_second_server_helps_over_tcp(serve, evil_dns, good_dns, peer, lie):
    """[K-62]"""
    evil_dns.every(NAME, lie)
    good_dns.host(NAME, "127.0.0.21")
    daemon, listener, a, x = serve(evil_dns, good_dns, conf_transport="tcp")
    ends_well(daemon, listener, a, x, peer)
    assert {query.transport for query in evil_dns.queries() + good_dns.queries()} == {"tcp"}


def test_a_lie_does_not_end_the_wait_for_the_truth(serve, evil_dns, peer):
    """[K-61] The liar is faster than the server; the true answer to the same question is taken."""
    for type_name in ("A", "AAAA"):
        evil_dns.set(NAME, type_name, silence())
    daemon, listener, a, x = serve(evil_dns, server_timeout="5s", conf_timeout="10s")
    query, other = evil_dns.wait_query(NAME, "A"), evil_dns.wait_query(NAME, "AAAA")
    for lie in ("wrong id", "letters swapped", "wrong question", "from another port", "garbage", "empty"):
        evil_dns.answer(query, LIES[lie])
        evil_dns.answer(other, LIES[lie])
    evil_dns.answer(query, addresses("127.0.0.21"))
    evil_dns.answer(other, Behaviour())
    ends_well(daemon, listener, a, x, peer)
    assert len(evil_dns.queries(NAME)) == 2, "no query had to be repeated"


def test_servers_that_cannot_be_reached_are_passed_over(serve, good_dns, peer):
    """[K-62] Nobody listens there: by UDP the kernel tells, by TCP the connection is refused."""
    class Nobody:
        text = f"127.0.0.1:{free_port()}"
    good_dns.host(NAME, "127.0.0.21")
    for transport in ("udp", "tcp"):
        daemon, listener, a, x = serve(Nobody, good_dns, conf_transport=transport, server_timeout="2s")
        ends_well(daemon, listener, a, x, peer)


def test_the_log_says_what_each_server_did(serve, evil_dns, good_dns):
    """[K-62] By its number."""
    evil_dns.every(NAME, servfail())
    good_dns.every(NAME, silence())
    daemon, *_ = serve(evil_dns, good_dns, conf_timeout="2s")
    text = daemon.wait_line(FAILED, text=NAME, seconds=10).text
    assert "#1" in text and "#2" in text and "SERVFAIL" in text.upper(), text


def test_what_does_not_fit_into_a_datagram_comes_by_tcp(serve, evil_dns, peer):
    """[K-62]"""
    evil_dns.set(NAME, "A", addresses("127.0.0.21").but(truncated=True))
    evil_dns.set(NAME, "AAAA", Behaviour())
    daemon, listener, a, x = serve(evil_dns)
    ends_well(daemon, listener, a, x, peer)
    assert [query.transport for query in evil_dns.queries(NAME, "A")] == ["udp", "tcp"]


@pytest.mark.parametrize("any_size", [False, True])
def test_a_thousand_addresses(serve, evil_dns, peer, any_size):
    """[K-64] Not all are used, but the used ones are from the answer, and the proxy survives."""
    many = [f"127.9.{i // 250}.{i % 250 + 1}" for i in range(1000)]
    evil_dns.set(NAME, "A", addresses(*many, ttl=60).but(any_size=any_size))
    evil_dns.set(NAME, "AAAA", Behaviour())
    daemon, listener, a, x = serve(evil_dns, log={"level": "debug"})
    peer().send(b"x", listener)
    wait_for(lambda: daemon.lines("UDPP-610-D") or daemon.records(), 10, daemon.tail)
    daemon.stop()
    record = daemon.records()[0]
    assert record["STATUS"] == "REJECTED" or record["SERVER-IP"] in many, record
    assert not a.seen and not x.seen and not daemon.lines("UDPS-222-E")


def test_an_answer_about_another_name_is_none(serve, evil_dns, peer):
    """[K-61] It counts as the answer that the name has no address."""
    evil_dns.every(NAME, Behaviour((Record("b.example.test", "A", WRONG),)))
    daemon, listener, a, x = serve(evil_dns)
    daemon.wait_line("NAMS-221-W", text=NAME)
    peer().send(b"x", listener)
    assert daemon.wait_records(1)[0]["STATUS"] == "REJECTED"
    assert not x.seen and not a.seen


def test_records_about_others_are_not_believed(proxyd, evil_dns, tagged, peer):
    """[K-61] An answer about one name says nothing about another one, in whatever section."""
    (a, x), listener = tagged("A", "X"), ("127.0.0.1", free_port())
    poison = Record("other.example.test", "A", WRONG, 3600)
    evil_dns.set(NAME, "A", addresses("127.0.0.21").but(
        answers=(Record("", "A", "127.0.0.21"), poison), authority=(poison,), additional=(poison,)))
    evil_dns.set(NAME, "AAAA", Behaviour())
    evil_dns.host("other.example.test", "127.0.0.21", delay=0.2)
    config = configuration(listener, f"{NAME}:{a.address[1]}", {"from": ["127.0.0.1"]}, resolver=resolver(evil_dns, **QUICK))
    config["session-acl"].append({"name": "other", "from": ["127.7.0.1"], "action": "accept",
                                  "plug-to": [f"other.example.test:{a.address[1]}"]})
    proxyd(config)
    assert peer().ask(b"1", listener) == b"A 1"
    assert peer("127.7.0.1").ask(b"2", listener) == b"A 2"
    assert not x.seen


# --- forged answers

def counted(daemon, role, what):
    """How many answers the role's resolver has dropped as `what`; it tells when it is asked with SIGPWR."""
    before = len(daemon.lines("UDPS-240-I", role=role, text="look-ups: asked"))
    daemon.send_signal(signal.SIGPWR)
    line = wait_for(lambda: daemon.lines("UDPS-240-I", role=role, text="look-ups: asked")[before:], 5, daemon.tail)[0]
    number = int(re.search(rf"{what} (\d+)", line.raw)[1])
    print(f"\n{role}: {FORGED} forged answers, {number} counted as {what}")
    return number


@pytest.mark.seconds(90)
def test_forged_answers_to_the_configurations_resolver(serve, evil_dns, peer, started):
    """[K-61] 100,000 from the right address to the right port, among them every id; then the true answer is taken."""
    evil_dns.every(NAME, silence())
    daemon, listener, a, x = serve(evil_dns, server_timeout="40s", conf_timeout="40s", families="ipv4")
    query = evil_dns.wait_query(NAME, "A")
    sprayer = Sprayer(evil_dns, daemon.child("ACR"), NAME, "A", wrong, FORGED)
    started.append(sprayer)
    sprayer.wait(30 * SLOWNESS)
    assert sprayer.ports == {query.port} and len(evil_dns.queries(NAME)) == 1, "the question is open all the time"
    assert counted(daemon, "ACR", "not ours") > SEEN
    evil_dns.answer(query, addresses("127.0.0.21"))
    ends_well(daemon, listener, a, x, peer)


@pytest.mark.seconds(90)
def test_forged_answers_to_the_on_line_resolver(proxyd, evil_dns, tagged, peer, started):
    """[K-61] The client of a liar would get in with a name that is not its own."""
    (a,), listener = tagged("A"), ("127.0.0.1", free_port())
    reverse = "1.0.7.127.in-addr.arpa"
    config = configuration(listener, a.text, {"from": [r"~.*\.example\.test"]}, resolver=resolver(
        evil_dns, server_timeout="40s", initial_timeout="40s", timeout="40s"))
    daemon = proxyd(config)
    daemon.wait_line("UDPS-221-K", text="APR")
    evil_dns.set(reverse, "PTR", silence())
    evil_dns.host("host.example.test", "127.7.0.1")  # the forged name would be confirmed
    client = peer("127.7.0.1")
    client.send(b"x", listener)
    query = evil_dns.wait_query(reverse, "PTR")
    forged = Behaviour((Record("", "PTR", "host.example.test"),))
    sprayer = Sprayer(evil_dns, daemon.child("APR"), reverse, "PTR", forged, FORGED)
    started.append(sprayer)
    sprayer.wait(30 * SLOWNESS)
    assert sprayer.ports == {query.port} and len(evil_dns.queries()) == 1, "the question is open all the time"
    assert counted(daemon, "APR", "not ours") > SEEN
    evil_dns.answer(query, Behaviour((Record("", "PTR", "host.elsewhere.test"),)))
    evil_dns.host("host.elsewhere.test", "127.7.0.1")
    assert daemon.wait_records(1, STATUS="REJECTED", CLIENT_IP="127.7.0.1")[0]["REASON"] == "acl"
    assert not a.seen
    assert not evil_dns.queries("host.example.test"), "a forged name was taken"


@pytest.mark.seconds(90)
def test_ports_and_ids_are_hard_to_guess(proxyd, evil_dns, tagged):
    """[K-61] 1,000 look-ups for 1,000 clients."""
    (a,), listener = tagged("A"), ("127.0.0.1", free_port())
    config = configuration(listener, a.text, {"from": [r"~.*\.example\.test"]}, resolver=resolver(evil_dns),
                           udpserver={"max-sessions": 5000})
    daemon = proxyd(config)
    daemon.wait_line("UDPS-221-K", text="APR")
    for batch in range(20):
        for number in range(50):
            with UdpPeer(f"127.7.{batch + 1}.{number + 1}") as client:
                client.send(b"x", listener)
        wait_for(lambda: len({q.key for q in evil_dns.queries(None, "PTR")}) >= 50 * (batch + 1), 5, daemon.tail)
    asked = evil_dns.queries(None, "PTR")
    assert len(asked) >= 1000
    ports, ids = [query.port for query in asked[:1000]], {query.id for query in asked[:1000]}
    print(f"\n1000 look-ups: {len(set(ports))} source ports, {len(ids)} ids")
    assert len(set(ports)) >= 900 and len(ids) >= 950
    near = sum(abs(after - before) < 10 for before, after in zip(ports, ports[1:]))
    assert near < 50, f"{near} ports come right after the one before"
    assert len({query.question.name for query in asked if any(c.isalpha() for c in query.question.name)}) >= 1000
    assert not a.seen
