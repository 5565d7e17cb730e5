"""server-side: shared. The other tests of sessions run with it too: PROXYD_TEST_SERVER_SIDE=shared."""
import contextlib
import os
import signal
import socket
import struct
import subprocess
import time

import pytest

from counters import counters
from deadline import SLOWNESS, wait_for
from forged import forged
from namespace import Namespace
from proxyd_process import Proxyd, configuration

PORTS = range(12288, 14336)
LISTENER, SERVICE = ("10.1.0.1", 4053), 9053
GATEWAY, SERVER, STRANGER, CLIENT = "10.2.0.1", "10.2.0.9", "10.2.0.10", "10.1.0.2"

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="a program in the kernel and raw sockets need root"),
]


class Network:
    """Clients, the gateway with the proxy, and the servers' network."""

    def __init__(self):
        self.client, self.gateway, self.server = (Namespace() for _ in range(3))
        self.gateway.connect("lan", self.client, "eth0")
        self.gateway.connect("wan", self.server, "eth0")
        self.client.address("eth0", f"{CLIENT}/24", "fd01::2/64")
        self.gateway.address("lan", "10.1.0.1/24", "fd01::1/64")
        self.gateway.address("wan", f"{GATEWAY}/24", "fd02::1/64")
        self.server.address("eth0", f"{SERVER}/24", f"{STRANGER}/24", "fd02::9/64")

    def close(self):
        for namespace in (self.client, self.gateway, self.server):
            namespace.close()


@pytest.fixture
def network():
    with contextlib.closing(Network()) as network:
        yield network


def shared(listener=LISTENER, server=f"{SERVER}:{SERVICE}", rule=None, udpserver=None, **sections):
    section = {"max-sessions": 1000, "server-side": "shared", "server-ports": f"{PORTS[0]}-{PORTS[-1]}"}
    return configuration(listener, server, rule, udpserver={**section, **(udpserver or {})}, **sections)


@pytest.fixture
def gateway(network, proxyd):
    """`gateway(config)` starts the proxy between the networks."""
    def start(*arguments, **settings):
        with network.gateway:
            return proxyd(shared(*arguments, **settings))
    return start


@pytest.fixture
def ends(network, peer):
    """(client, server)"""
    with network.client:
        client = peer(CLIENT)
    with network.server:
        return client, peer(SERVER, SERVICE)


def source_of_session(client, server, listener=LISTENER):
    """Sends a datagram through the proxy; returns where the server saw it come from."""
    client.send(b"question", listener)
    data, source = server.receive()
    assert data == b"question"
    return source


def maps_of(pid):
    """{id: number of entries} of the maps of the kernel that the process has."""
    found = {}
    for name in os.listdir(f"/proc/{pid}/fdinfo"):
        with open(f"/proc/{pid}/fdinfo/{name}", encoding="ascii") as file:
            info = dict(line.rstrip().split(":\t", 1) for line in file if ":\t" in line)
        if "map_id" in info:
            found[int(info["map_id"])] = int(info["max_entries"]), int(info["value_size"])
    return found


def test_a_session_has_a_port_of_the_range_and_no_socket(gateway, network, ends):
    """[S-8] Both directions, through a socket that all sessions share."""
    client, server = ends
    daemon = gateway()
    before = daemon.descriptor_counts()
    for number in range(20):
        with network.client:
            other = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with other:
            other.settimeout(2)
            other.bind((CLIENT, 20000 + number))
            other.sendto(b"question", LISTENER)
            source = server.receive()[1]
            assert source[0] == GATEWAY and source[1] in PORTS
            server.send(b"answer", source)
            assert other.recvfrom(100) == (b"answer", LISTENER)
    assert daemon.descriptor_counts() == before


@pytest.mark.parametrize("size", [0, 1, 1472, 65507])
@pytest.mark.parametrize("family", [4, 6])
def test_datagrams_of_all_sizes(network, proxyd, peer, family, size):
    """[S-8][K-47] The kernel makes and joins the fragments."""
    listener, address, host = (("fd01::1", 4053), "fd02::9", "fd01::2") if family == 6 else (LISTENER, SERVER, CLIENT)
    with network.server:
        server = peer(address, SERVICE)
    with network.client:
        client = peer(host)
    with network.gateway:
        proxyd(shared(listener, server.text))
    data = bytes(number % 251 for number in range(size))
    client.send(data, listener)
    received, source = server.receive()
    assert received == data
    server.send(data[::-1], source)
    assert client.receive() == (data[::-1], listener)


def test_a_session_keeps_its_port_when_reg_dies(gateway, ends):
    """[S-8] What the server sends meanwhile waits."""
    client, server = ends
    daemon = gateway()
    source = source_of_session(client, server)
    os.kill(daemon.child(), signal.SIGSTOP)
    server.send(b"waits", source)
    daemon.replace_child()
    assert client.receive() == (b"waits", LISTENER)
    assert source_of_session(client, server) == source


def test_strangers_reach_no_session_and_get_no_answer(gateway, network, ends, peer):
    """[S-9] Whatever they send to its port: the kernel gives REG only what the server sends."""
    client, server = ends
    daemon = gateway(udpserver={"quarantine": "1s"})
    source = source_of_session(client, server)
    with network.server:
        stranger, same_host = peer(STRANGER, SERVICE), peer(SERVER)
    for _ in range(2000):
        stranger.send(b"x" * 1000, source)
        same_host.send(b"x" * 1000, source)
    server.send(b"answer", source)
    assert client.receive() == (b"answer", LISTENER)
    client.receive_nothing()
    with pytest.raises(AssertionError):  # no ICMP message either, which would be an error here
        stranger.receive(0.2)
    counts = counters(daemon)
    assert counts["foreign"] == 0 and counts.get("stray", 0) == 0


def test_a_port_map_full_of_lies_steals_nothing(gateway, network, ends, peer):
    """[S-9] REG writes the map of ports. Only the parent decides which ports of which addresses are the proxy's."""
    with network.gateway:
        in_range, elsewhere = peer(GATEWAY, PORTS[7]), peer(GATEWAY, 53)
    client, server = ends
    daemon = gateway()
    lie = struct.pack("=16s16sIHBBII", b"", socket.inet_aton(GATEWAY), 0, 0, 0, 2, 0, 0)
    number, count = next((number, count) for number, (count, size) in maps_of(daemon.child()).items()
                         if size == len(lie))
    commands = "".join(f"map update id {number} key hex {struct.pack('=I', entry).hex(' ')} "
                       f"value hex {lie.hex(' ')}\n" for entry in range(count))
    subprocess.run(["bpftool", "batch", "file", "-"], input=commands, text=True, check=True, capture_output=True)
    with network.server:
        stranger = peer(STRANGER)
    for victim in (in_range, elsewhere):
        stranger.send(b"mine", victim.address)
        assert victim.receive()[0] == b"mine"
    assert source_of_session(client, server)[1] != PORTS[7]


def test_ports_in_use_are_left_out(gateway, network, ends, peer):
    """[S-10] A socket that another program has in the range keeps its datagrams."""
    with network.gateway:
        others = [peer(GATEWAY, port) for port in PORTS[:5]]
    client, server = ends
    gateway(udpserver={"server-ports": f"{PORTS[0]}-{PORTS[5]}", "max-sessions": 10})
    assert source_of_session(client, server)[1] == PORTS[5]
    with network.server:
        stranger = peer(STRANGER)
    for other in others:
        stranger.send(b"mine", other.address)
        assert other.receive()[0] == b"mine"


def test_two_proxies_have_ports_of_their_own(gateway, network, proxyd, ends):
    """[S-10] With the same ports the second one does not start; with others both serve."""
    client, server = ends
    gateway()
    with network.gateway:
        second = proxyd(shared(("10.1.0.1", 4054)), ready=False)
        assert second.wait() == 1
        assert f"takes UDP port {PORTS[0]}" in second.error_text()
        proxyd(shared(("10.1.0.1", 4054), udpserver={"server-ports": "20000-20999"}))
    assert source_of_session(client, server)[1] in PORTS
    assert source_of_session(client, server, ("10.1.0.1", 4054))[1] in range(20000, 21000)


def test_nothing_is_left_when_the_parent_is_killed(gateway, network, proxyd, ends):
    """[S-10] The program ends with the parent: the next start finds its ports free."""
    client, server = ends
    first = gateway()
    source_of_session(client, server)
    first.send_signal(signal.SIGKILL)
    assert first.wait() == -signal.SIGKILL
    with network.gateway:
        proxyd(shared())
    assert source_of_session(client, server)[1] in PORTS


def unreachable(server, quoted_source, quoted_server):
    """A destination-unreachable message (port) from `server` that quotes a datagram."""
    quote = forged(quoted_source, quoted_server, b"")
    return struct.pack("!BBHI", 3, 3, 0, 0) + quote


def checksum(message):
    total = sum(struct.unpack(f"!{len(message) // 2}H", message))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def send_icmp(network, message):
    message = message[:2] + struct.pack("!H", checksum(message)) + message[4:]
    with network.server:
        raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    with raw:
        raw.sendto(message, (GATEWAY, 0))


def test_an_icmp_error_closes_only_the_session_that_it_quotes_exactly(gateway, network, ends):
    """[S-11][K-48] Others, which anybody may have forged, have no effect."""
    client, server = ends
    daemon = gateway(rule={"on-icmp-error": "close"})
    source = source_of_session(client, server)
    for quoted_source, quoted_server in (((GATEWAY, source[1] + 1), (SERVER, SERVICE)),
                                         (source, (SERVER, SERVICE + 1)), (source, (STRANGER, SERVICE)),
                                         (("10.1.0.1", source[1]), (SERVER, SERVICE))):
        send_icmp(network, unreachable(SERVER, quoted_source, quoted_server))
    assert source_of_session(client, server) == source
    assert not daemon.records()
    send_icmp(network, unreachable(SERVER, source, (SERVER, SERVICE)))
    assert daemon.wait_records(REASON="icmp-error")[0]["SERVER"] == f"{SERVER}:{SERVICE}"


def test_a_closed_port_of_the_server_is_told(gateway, network, ends):
    """[S-11][K-48] The same by the server's kernel."""
    client, server = ends
    daemon = gateway(rule={"on-icmp-error": "close"})
    server.close()
    client.send(b"anybody?", LISTENER)
    assert daemon.wait_records(REASON="icmp-error")


def test_a_forged_report_of_a_small_mtu_has_no_effect(gateway, network, ends):
    """[S-11] The kernel believes one only if it quotes a datagram to the session's server from its port."""
    client, server = ends
    gateway()
    source = source_of_session(client, server)
    for quoted_source, quoted_server in ((source, (SERVER, SERVICE + 1)), ((GATEWAY, PORTS[1]), (SERVER, SERVICE))):
        quote = forged(quoted_source, quoted_server, b"")
        send_icmp(network, struct.pack("!BBHHH", 3, 4, 0, 0, 600) + quote)
    with network.gateway:
        route = subprocess.run(["ip", "route", "get", SERVER], capture_output=True, text=True, check=True).stdout
    assert "mtu" not in route


def test_addresses_that_come_later_serve(gateway, network, ends):
    """[S-8] The program in the kernel knows the machine's addresses."""
    client, server = ends
    daemon = gateway()
    assert source_of_session(client, server)[0] == GATEWAY
    network.gateway.ip("address", "del", f"{GATEWAY}/24", "dev", "wan")
    network.gateway.address("wan", "10.2.0.7/24")
    daemon.wait_line("UDPP-654-N", text="10.2.0.7")
    source = source_of_session(client, server)
    assert source[0] == "10.2.0.7"
    server.send(b"answer", source)
    assert client.receive() == (b"answer", LISTENER)


@pytest.mark.skipif(SLOWNESS > 1, reason="a program that was built with a sanitizer is not confined")
def test_reg_can_only_send_through_its_raw_sockets(gateway, network, ends):
    """[S-9][Z-3] No option, no bind, no copy; and nothing through those of ICMP: see the unit tests of the filter.
    Here: REG has no capability, and runs under two filters more than the parent."""
    client, server = ends
    daemon = gateway()
    source_of_session(client, server)
    status = dict(line.split(":\t", 1) for line in open(f"/proc/{daemon.child()}/status").read().splitlines())
    parent = dict(line.split(":\t", 1) for line in open(f"/proc/{daemon.pid}/status").read().splitlines())
    assert int(status["CapEff"], 16) == 0
    assert int(status["Seccomp_filters"]) == int(parent["Seccomp_filters"]) + 2


def test_without_the_sandbox_a_raw_socket_is_refused(network, proxyd):
    """[S-9] REG would have more than it needs."""
    with network.gateway:
        daemon = proxyd(shared(sandbox="off"), ready=False)
        assert daemon.wait() == os.EX_CONFIG
    assert "server-side" in daemon.error_text() and "sandbox" in daemon.error_text()


def test_a_rule_cannot_take_another_source_while_it_runs(gateway, network, ends):
    """[S-8] The ports are divided at the start; a reload that needs others is refused, and nothing changes."""
    client, server = ends
    daemon = gateway(signals={"hup": "reload"})
    source = source_of_session(client, server)
    daemon.write_configuration(shared(rule={"source-port": "30000-30999"}, signals={"hup": "reload"}))
    daemon.send_signal(signal.SIGHUP)
    wait_for(lambda: daemon.lines("UDPS-215-E", text="server-side: shared") or
             daemon.lines(None, text="restart it to apply"), what="the refusal")
    assert source_of_session(client, server) == source


def test_late_datagrams_of_other_senders_reach_no_later_client(gateway, network, ends, peer):
    """[S-9] any-sock: who has answered goes on sending to the port of the ended session. It stays closed for others."""
    client, server = ends
    gateway(rule={"udp-session-type": "any-sock", "limits": {"idle": "1s", "unanswered": "1s"}},
            udpserver={"server-ports": f"{PORTS[0]}-{PORTS[0] + 1}", "max-sessions": 1, "quarantine": "1s"})
    source = source_of_session(client, server)
    with network.server:
        sender = peer(STRANGER, 7000)
    sender.send(b"stream", source)
    assert client.receive()[0] == b"stream"
    with network.client:
        other = peer("10.1.0.2")
    for _ in range(40):
        sender.send(b"stream", source)
        other.send(b"question", LISTENER)
        time.sleep(0.1)
    with pytest.raises(AssertionError):
        while True:
            assert other.receive(0.2)[0] != b"stream"


def test_forged_icmp_errors_keep_no_port_in_quarantine(gateway, network, ends, peer):
    """[S-11] The kernel takes them for datagrams of the server that they quote."""
    client, server = ends
    daemon = gateway(rule={"limits": {"unanswered": "1s"}},
                     udpserver={"server-ports": f"{PORTS[0]}-{PORTS[0]}", "max-sessions": 1, "quarantine": "1s"})
    source = source_of_session(client, server)
    daemon.wait_records(REASON="unanswered")
    with network.client:
        other = peer(CLIENT)

    def is_served():
        send_icmp(network, unreachable(SERVER, source, (SERVER, SERVICE)))
        other.send(b"next", LISTENER)
        try:
            return server.receive(0.1)[0] == b"next"
        except AssertionError:
            return False
    wait_for(is_served, 4, "the port serves again")


def test_no_program_of_the_machine_fills_the_shared_buffer(gateway, network, ends, peer):
    """[S-9] The receiving socket has a port of its own, which hears nothing."""
    client, server = ends
    daemon = gateway()
    source = source_of_session(client, server)
    with open(f"/proc/{daemon.pid}/net/udp", encoding="ascii") as table:
        ports = [int(line.split()[1].split(":")[1], 16) for line in table if "FEFFFF7F:" in line]
    assert ports
    with network.gateway:
        local = peer("127.0.0.1")
    for _ in range(12000):
        for port in ports:
            local.send(b"x" * 1000, ("127.255.255.254", port))
    server.send(b"answer", source)
    assert client.receive() == (b"answer", LISTENER)


def test_a_machine_without_ipv6(network, gateway, ends):
    """[S-8]"""
    with network.gateway:
        for where in ("all", "default", "lo"):
            with open(f"/proc/sys/net/ipv6/conf/{where}/disable_ipv6", "w", encoding="ascii") as file:
                file.write("1")
    client, server = ends
    gateway()
    source = source_of_session(client, server)
    server.send(b"answer", source)
    assert client.receive() == (b"answer", LISTENER)


def test_a_link_local_source_and_server(network, proxyd, peer):
    """[S-8] Their addresses are unique with the interface only."""
    network.server.address("eth0", "fe80::9/64")
    network.gateway.address("wan", "fe80::7/64")
    with network.client:
        client = peer(CLIENT)
    with network.server:
        server = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        interface = socket.if_nametoindex("eth0")
    with server:
        server.settimeout(2)
        server.bind(("fe80::9", SERVICE, 0, interface))
        with network.gateway:
            proxyd(shared(server=f"[fe80::9%wan]:{SERVICE}", rule={"source-address": "fe80::7%wan"}))
        client.send(b"question", LISTENER)
        data, source = server.recvfrom(100)
        assert data == b"question" and source[0].startswith("fe80::7")
        server.sendto(b"answer", source)
        assert client.receive() == (b"answer", LISTENER)


def test_no_listener_begins_to_use_a_port_of_sessions(gateway, ends):
    """[S-10] The program in the kernel would take its datagrams: the reload is refused, and --check says so too."""
    client, server = ends
    daemon = gateway(signals={"hup": "reload"})
    source = source_of_session(client, server)
    config = shared(signals={"hup": "reload"})
    config["listen-on"].append({"address": "10.1.0.1", "port": PORTS[100]})
    daemon.write_configuration(config)
    daemon.send_signal(signal.SIGHUP)
    daemon.wait_line("UDPS-215-E", text=f"no listener can begin to use port {PORTS[100]}")
    assert source_of_session(client, server) == source


@pytest.mark.parametrize("family", ["-4", "-6"])
def test_routing_by_ports_prevents_it(network, gateway, ends, proxyd, family):
    """[S-12] Raw datagrams would pass a rule that blocks their ports: shared does not start, auto takes own and says why."""
    network.gateway.ip(family, "rule", "add", "sport", "2000-2999", "prohibit", "priority", "77")
    with network.gateway:
        daemon = proxyd(shared(), ready=False)
        assert daemon.wait() == 1
        assert "ip rule 77 selects by port or protocol" in daemon.error_text()
    client, server = ends
    daemon = gateway(udpserver={"server-side": "auto"})
    assert "not possible" in daemon.wait_line("UDPS-127-K", text="ip rule 77").text
    assert source_of_session(client, server)[1] not in PORTS


def test_auto_takes_it_where_it_is_possible(gateway, ends):
    """[S-12]"""
    client, server = ends
    daemon = gateway(udpserver={"server-side": "auto"})
    daemon.wait_line("UDPS-127-K", text="shared: ")
    assert daemon.lines(None, text=f"server-side ports of IPv4: at most {len(PORTS)}, so 68 new sessions per second")
    assert source_of_session(client, server)[1] in PORTS


def test_auto_without_the_sandbox(gateway, ends):
    """[S-12] Each session has a socket; one line says why."""
    client, server = ends
    daemon = gateway(udpserver={"server-side": "auto"}, sandbox="off")
    assert "the sandbox is off" in daemon.wait_line("UDPS-127-K").text
    assert source_of_session(client, server)[1] not in PORTS


def test_auto_without_privileges(network, tmp_path):
    """[S-12] The same without the capabilities that it takes."""
    daemon = Proxyd(tmp_path, shared(udpserver={"server-side": "auto"}))
    daemon.command = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", *daemon.command]
    try:
        with network.gateway:
            daemon.start()
        assert "CAP_BPF" in daemon.wait_line("UDPS-127-K", text="own: ").text
        daemon.stop()
    finally:
        daemon.discard()
