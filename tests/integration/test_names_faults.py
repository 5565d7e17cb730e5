"""Names while name servers, families or the network fail (D)."""
import pathlib
import socket
import time

import pytest

from control_gateway import ctl, gw  # noqa: F401
from deadline import SLOWNESS, wait_for
from evil_dns import EvilDns, addresses, nodata, nxdomain, refused, servfail, silence
from free_ports import free_port
from namespace import Namespace
from proxyd_process import Proxyd, configuration, resolver

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
    gateway.daemon.wait_line("UDPP-655-W", text="fe80::1")
    assert gateway.row("names")["unreachable"] == "fe80::1: Invalid argument"
    assert "fe80::1: Invalid argument" in gateway("doctor", status=None).stdout


def test_a_new_reg_has_the_names_while_acr_is_down(proxyd, evil_dns, tagged, served):
    """[D-2] ACR waits for its restart; a new REG serves sessions by name at once."""
    (a,), listener = tagged("A"), ("127.0.0.1", free_port())
    evil_dns.host(NAME, a.address[0], ttl=60)
    daemon = proxyd(configuration(listener, f"{NAME}:{a.address[1]}", resolver=resolver(evil_dns, **QUICK)))
    assert wait_for(lambda: served(listener), 5, daemon.tail) == b"A x"
    for _ in range(3):  # the next ACR starts later each time
        daemon.replace_child("ACR", seconds=15)
    daemon.kill_child("ACR")
    ready = len(daemon.lines("UDPS-221-K", text="ACR"))
    daemon.replace_child("REG")
    assert served(listener, 1.5) == b"A x"
    assert len(daemon.lines("UDPS-221-K", text="ACR")) == ready, "ACR was not down"
    assert not daemon.records(STATUS="REJECTED")


def test_reg_itself_rejects_private_addresses(gw, evil_dns, tagged, served):  # noqa: F811
    """[D-5] A REG that inherits private addresses from before a reload without allow-private does not use them."""
    a, = tagged("A")
    evil_dns.host(NAME, a.address[0], ttl=60)
    settings = resolver(evil_dns, **QUICK)
    gateway = gw(f"{NAME}:{a.address[1]}", resolver=settings)
    assert wait_for(lambda: served(gateway.listener), 5, gateway.daemon.tail) == b"A x"
    evil_dns.every(NAME, silence())
    text = gateway.daemon.file.read_text()
    gateway.daemon.file.write_text(text.replace("allow-private: true", "allow-private: false"))
    gateway("reload", status=0)
    gateway.daemon.wait_line("NAMS-227-E", text=a.address[0])
    assert served(gateway.listener) is None


@pytest.fixture
def prepared(tmp_path):
    """`prepared(config)`: a Proxyd that is not started yet."""
    made = []

    def prepare(config):
        made.append(Proxyd(tmp_path, config))
        return made[-1]
    yield prepare
    for daemon in made:
        if daemon.running:
            daemon.discard()


def test_names_are_looked_up_as_soon_as_there_is_a_network(prepared, started):
    """[D-7] The machine gets its address back: a name that fails is queried at once, however long the delay is."""
    namespace = Namespace("net/ipv4/ip_nonlocal_bind=1")
    started.append(namespace)
    namespace.address("lo", "10.1.0.1/24")
    with namespace:
        dns = EvilDns("10.1.0.1")
        started.append(dns)
        dns.host(NAME, "192.0.2.80", ttl=1)
        config = configuration(("127.0.0.1", free_port()), f"{NAME}:53", resolver=resolver(dns, **QUICK))
        daemon = prepared(config).start()
    dns.wait_query(NAME, "A")
    namespace.ip("address", "del", "10.1.0.1/24", "dev", "lo")
    daemon.wait_line("NAMS-220-W", text=NAME)
    time.sleep(9)  # it was asked again after 1, 2 and 4 s; the next time would be 8 s later
    assert not daemon.lines("NAMS-211-N")
    namespace.address("lo", "10.1.0.1/24")
    daemon.wait_line("NAMS-211-N", text=NAME, seconds=3)


def in_private_mounts(daemon, *binds):
    """Starts it with these (source, target) bind mounts, which no other process sees."""
    mounts = " && ".join(f"mount --bind {source} {target}" for source, target in binds)
    daemon.command = ["unshare", "-m", "sh", "-c", f'{mounts} && exec "$@"', "sh", *daemon.command]
    return daemon.start()


@pytest.fixture
def hanging_nscd(tmp_path):
    """(folder, hang): after `hang()` a name service cache in the folder accepts questions and never answers."""
    folder, sockets = tmp_path / "nscd", []
    folder.mkdir()
    folder.chmod(0o755)

    def hang():
        sockets.append(socket.socket(socket.AF_UNIX))
        sockets[0].bind(str(folder / "socket"))
        (folder / "socket").chmod(0o777)
        sockets[0].listen(100)
    yield folder, hang
    for one in sockets:
        one.close()


def test_a_child_does_not_wait_for_a_name_service(prepared, udp_echo, hanging_nscd):
    """[E-5] User and groups are looked up once, at startup: a hanging name service does not delay a new REG."""
    folder, hang = hanging_nscd
    target = pathlib.Path("/run/nscd")
    made = not target.exists()
    target.mkdir(exist_ok=True)
    try:
        daemon = prepared(configuration(("127.0.0.1", free_port()), "%s:%d" % udp_echo().address, user="nobody"))
        in_private_mounts(daemon, (folder, target))
        hang()
        began = time.monotonic()
        daemon.replace_child("REG", seconds=30)
        assert time.monotonic() - began < 3 * SLOWNESS
        daemon.stop()
    finally:
        if made:
            target.rmdir()


def test_a_change_of_resolv_conf_is_followed(tmp_path, prepared, started, ctl, tagged):  # noqa: F811
    """[D-3] By `refresh`; `doctor` queries the name servers that ACR uses, and reports the difference before."""
    first, second = EvilDns("127.0.53.1", 53), EvilDns("127.0.53.2", 53)
    started.extend([first, second])
    a, = tagged("A")
    for dns in (first, second):
        dns.host(NAME, a.address[0], ttl=60)
    resolv_conf = tmp_path / "resolv.conf"
    resolv_conf.write_text("nameserver 127.0.53.1\n")
    settings = {**resolver(first, **QUICK)}
    del settings["servers"]
    config = configuration(("127.0.0.1", free_port()), f"{NAME}:{a.address[1]}", resolver=settings,
                           control={"socket": str(ctl.run_dir / "gw.sock")})
    daemon = prepared({"name": "gw", **config})
    in_private_mounts(daemon, (resolv_conf, "/etc/resolv.conf"))
    first.wait_query(NAME, "A")
    ctl("gw", "refresh", status=0)
    assert len(daemon.lines("UDPS-221-K", text="ACR")) == 1, "nothing has changed"
    resolv_conf.write_text("nameserver 127.0.53.2\n")
    first.forget()
    # Here /etc/resolv.conf is the machine's.
    doctor = ctl("gw", "doctor").stdout
    assert "the running processes ask the name servers 127.0.53.1:53" in doctor
    assert first.queries(), "doctor queries the name server that ACR uses"
    assert not second.queries()
    ctl("gw", "refresh", status=0)
    second.wait_query(NAME, "A")
    daemon.stop()
