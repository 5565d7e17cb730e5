"""UDP ports without another user: no other test, nor the kernel for outgoing traffic."""
import os
import pathlib
import socket

SERVER_PORTS = range(12288, 32768)  # of proxies with server-side: shared

_taken = {}  # port: the abstract socket that reserves it as long as this process lives


def _candidates():
    """All unprivileged ports below and above the ephemeral range, from a place that depends on the process; where all
    proxies have a shared server side, not those that they have (proxyd_process.py)."""
    others = SERVER_PORTS if os.environ.get("PROXYD_TEST_SERVER_SIDE") == "shared" else ()
    text = pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text()
    first, last = map(int, text.split())
    ports = [port for port in range(10000, 65000) if not first <= port <= last and port not in others]
    start = os.getpid() * 97 % len(ports)
    return ports[start:] + ports[:start]


def _reserve(port):
    """Other test runs on this machine skip the port: the name of an abstract socket has one owner."""
    owner = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        owner.bind(f"\0proxyd-test-port-{port}")
    except OSError:
        owner.close()
        return False
    _taken[port] = owner
    return True


def _is_free(port):
    for family, address in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                if family == socket.AF_INET6:
                    probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                probe.bind((address, port))
        except OSError as error:
            if family == socket.AF_INET or error.errno == 98:  # a machine without IPv6 is no obstacle
                return False
    return True


def free_ports(count=1):
    """Finds consecutive free ports and returns the first. Each is given out once in a process."""
    run, last = 0, None
    for port in _candidates():
        # Reserved first: the probe itself takes the port for a moment, which may be another test's.
        usable = port not in _taken and _reserve(port) and _is_free(port)
        # The candidates have gaps, and wrap around after the highest port.
        run = (run + 1 if last == port - 1 else 1) if usable else 0
        last = port
        if run == count:
            return port - count + 1
    raise RuntimeError(f"no {count} free UDP ports in a row")


def free_port():
    return free_ports(1)
