"""What names mean outlives the processes that know it, while no name server answers."""
import os
import signal

import pytest

from control_socket import ask
from deadline import wait_for
from evil_dns import nxdomain, silence
from free_ports import free_port
from proxyd_process import configuration, resolver

READY, UPGRADED, FAILED, EXPIRED = "UDPS-221-K", "UDPS-217-K", "NAMS-220-W", "NAMS-223-E"
NAME, OTHER = "srv.example.test", "other.example.test"


class Proxy:
    """A proxy before server A, which has a name; afterwards the name server is silent."""

    def __init__(self, proxyd, evil_dns, tagged, folder, **settings):
        (a,), self.dns, self.names = tagged("A"), evil_dns, []
        self.listener, self.socket = ("127.0.0.1", free_port()), folder / "names.sock"
        evil_dns.host(NAME, "127.0.0.21", ttl=1)
        self.config = configuration(self.listener, f"{NAME}:{a.address[1]}", {"name": "named"},
                                    resolver=resolver(evil_dns, **{"conf-timeout": "1s", **settings}))
        self.config.update(name="names", control={"socket": str(self.socket)})
        self.daemon = proxyd(self.config)
        wait_for(lambda: self.addresses() == ["127.0.0.21"], what=self.daemon.tail)
        self.silence()

    def silence(self):
        self.dns.default = silence()
        for name in (NAME, OTHER):
            self.dns.every(name, silence())

    def addresses(self, name=NAME):
        return next(row["addresses"] for row in ask(self.socket, "names") if row["name"] == name)

    def change_names(self):
        """Another name comes, or goes, so that ACR is replaced too."""
        self.reload([] if self.names else [OTHER])

    def reload(self, names, addresses=("127.0.0.0/8",)):
        """With names that clients may come from, and addresses."""
        self.names = names
        rule = {**self.config["session-acl"][0], "from": [*addresses, *names]}
        self.daemon.write_configuration({**self.config, "session-acl": [rule]})
        self.replaced(lambda: ask(self.socket, "reload"))

    def upgrade(self):
        self.replaced(lambda: ask(self.socket, "upgrade"), 2)  # by the children of the trial, too
        self.daemon.wait_line(UPGRADED)

    def kill_both(self):
        def kill():
            for pid in [self.daemon.child("ACR"), self.daemon.child("REG")]:
                os.kill(pid, signal.SIGKILL)
        self.replaced(kill)

    def replaced(self, action, times=1):
        ready = {role: len(self.daemon.lines(READY, text=role)) for role in ("ACR", "REG")}
        action()
        for role, count in ready.items():
            self.daemon.wait_line(READY, text=role, count=count + times)


@pytest.fixture
def proxy(proxyd, evil_dns, tagged, tmp_path):
    return lambda **settings: Proxy(proxyd, evil_dns, tagged, tmp_path, **settings)


@pytest.mark.parametrize("change", [Proxy.change_names, Proxy.upgrade, Proxy.kill_both],
                         ids=["reload", "upgrade", "deaths"])
def test_a_name_means_what_it_meant(proxy, peer, change):
    """[K-55] After ACR and REG were both replaced new clients are served at once, again and again."""
    one = proxy()
    for number in range(2):
        change(one)
        with peer() as client:
            assert client.ask(b"x", one.listener) == b"A x"
        assert one.addresses() == ["127.0.0.21"]
        one.daemon.wait_line(FAILED, text=NAME, count=number + 1)
    one.dns.host(NAME, "127.0.0.22")
    wait_for(lambda: one.addresses() == ["127.0.0.22"], 10, one.daemon.tail)


def test_a_name_that_meant_nothing_means_nothing(proxy, peer):
    """[K-55] What was denied is not what it meant before that."""
    one = proxy()
    one.dns.every(NAME, nxdomain())
    wait_for(lambda: one.addresses() == [], 5, one.daemon.tail)
    one.silence()
    one.upgrade()
    with peer() as client:
        client.send(b"x", one.listener)
        one.daemon.wait_records(1, STATUS="REJECTED")
        client.receive_nothing()
    decision = ask(one.socket, "explain", client="127.0.0.1", local="127.0.0.1:%d" % one.listener[1])[-1]
    assert decision["why"] == f"resolve-failure: name {NAME} has no address"


def test_what_a_client_waits_for(proxy):
    """[K-30] Of a name that is not resolved yet."""
    one = proxy(**{"conf-timeout": "30s"})
    one.reload([OTHER], ["127.9.9.9"])
    decision = ask(one.socket, "explain", client="127.0.0.1", local="127.0.0.1:%d" % one.listener[1])[-1]
    assert (decision["decision"], decision["why"]) == ("wait", f"from: depends on {OTHER}, which is not resolved yet")


def test_what_a_name_meant_is_given_up_in_the_end(proxy):
    """[K-55] Nobody answers the next ACR for stale-max."""
    one = proxy(stale_max="2s")
    one.upgrade()
    assert one.addresses() == ["127.0.0.21"]
    one.daemon.wait_line(EXPIRED, text=NAME, seconds=10)
    assert one.addresses() == []


def test_what_may_not_be_private_any_more(proxy):
    """A reload that forbids private addresses does not let one stay."""
    one = proxy()
    one.config["resolver"]["allow-private"] = False
    one.reload([])
    one.daemon.wait_line(FAILED, text=NAME)
    assert one.addresses() == []


def test_only_the_names_of_the_configuration_are_kept(proxy):
    """A name that a reload takes away is forgotten."""
    one = proxy()
    one.dns.host(OTHER, "127.0.0.99", ttl=1)
    one.reload([OTHER])
    wait_for(lambda: one.addresses(OTHER) == ["127.0.0.99"], what=one.daemon.tail)
    one.silence()
    one.reload([])
    one.reload([OTHER])
    one.daemon.wait_line(FAILED, text=OTHER)
    assert one.addresses(OTHER) == []
