"""Names while name servers, families or the network fail (D)."""
import pytest

from control_gateway import ctl, gw  # noqa: F401
from deadline import wait_for
from evil_dns import addresses, nodata, nxdomain, refused, servfail, silence
from free_ports import free_port
from proxyd_process import configuration, resolver

CHANGED, RECOVERED, DENIED, INCOMPLETE, KEPT = "NAMS-210-N", "NAMS-211-N", "NAMS-221-W", "NAMS-225-W", "NAMS-226-W"
NAME = "srv.example.test"
QUICK = {"server_timeout": "200ms", "conf_timeout": "2s", "tries": 1}


@pytest.fixture
def served(peer):
    """`served(listener)`: the answer to a new client, or None."""
    def ask(listener, seconds=0.5):
        client = peer()
        client.send(b"x", listener)
        try:
            return client.receive(seconds)[0]
        except AssertionError:
            return None
        finally:
            client.close()
    return ask


@pytest.mark.parametrize("failure", [refused(), servfail(), silence()], ids=["refused", "servfail", "silence"])
def test_the_addresses_of_one_family_are_used_while_the_other_fails(proxyd, evil_dns, tagged, served, failure):
    """[D-1] A succeeds, AAAA fails: clients are served, the log names the family, only it is asked again."""
    (a,), listener = tagged("A"), ("127.0.0.1", free_port())
    evil_dns.set(NAME, "A", addresses(a.address[0], ttl=60))
    evil_dns.set(NAME, "AAAA", failure)
    daemon = proxyd(configuration(listener, f"{NAME}:{a.address[1]}", resolver=resolver(evil_dns, **QUICK)))
    assert wait_for(lambda: served(listener), 5, daemon.tail) == b"A x"
    daemon.wait_line(INCOMPLETE, text="AAAA: #1")
    evil_dns.wait_query(NAME, "AAAA", count=3)
    assert len(evil_dns.queries(NAME, "A")) == 1
    evil_dns.set(NAME, "AAAA", nodata())
    daemon.wait_line(RECOVERED, text=NAME)


def test_a_denial_takes_effect_after_the_grace_period(proxyd, evil_dns, tagged, served):
    """[D-4] NXDOMAIN for a moment changes nothing; for longer, the server is gone."""
    (a,), listener = tagged("A"), ("127.0.0.1", free_port())
    evil_dns.host(NAME, a.address[0], ttl=1)
    daemon = proxyd(configuration(listener, f"{NAME}:{a.address[1]}",
                                  resolver=resolver(evil_dns, negative_grace="4s", **QUICK)))
    assert wait_for(lambda: served(listener), 5, daemon.tail) == b"A x"
    evil_dns.every(NAME, nxdomain())
    daemon.wait_line(KEPT, text="keeping")
    assert served(listener) == b"A x"
    evil_dns.host(NAME, a.address[0], ttl=1)
    daemon.wait_line(RECOVERED, text=NAME)
    evil_dns.every(NAME, nxdomain())
    daemon.wait_line(DENIED, text=NAME, seconds=15)
    assert served(listener) is None


def test_a_server_without_a_route_is_skipped(gw, evil_dns, tagged, peer):  # noqa: F811
    """[D-6] A and AAAA, and no route for one of them: every client is served, and `names` and `doctor` say so."""
    a, = tagged("A")
    evil_dns.host(NAME, a.address[0], "fe80::1", ttl=60)  # never connected without an interface
    gateway = gw(f"{NAME}:{a.address[1]}", resolver=resolver(evil_dns, **QUICK))
    answers = []
    for number in range(1, 16):
        client = peer(f"127.0.9.{number}")
        client.send(b"x", gateway.listener)
        answers.append(client.receive(2)[0])
    assert answers == [b"A x"] * 15
    gateway.daemon.wait_line("UDPP-653-W", text="fe80::1")
    assert gateway.row("names")["unreachable"] == "fe80::1: Invalid argument"
    assert "fe80::1: Invalid argument" in gateway("doctor", status=None).stdout
