"""Three network namespaces in a row: client - proxy - server, joined by veth."""
import json
import os
import subprocess

from isolation import die_with_parent

PORT = 5000
PROXY, SERVER = "172.31.1.1", "172.31.2.2"
CLIENTS = "10.0.0.0/8"  # the generators' networks are inside
MAC = {"c0": "02:00:00:00:00:01", "p0": "02:00:00:00:00:02", "p1": "02:00:00:00:00:03", "s0": "02:00:00:00:00:04"}
NAMESPACE = {"c0": "client", "p0": "proxy", "p1": "proxy", "s0": "server"}
ADDRESS = {"c0": "172.31.1.2", "p0": PROXY, "p1": "172.31.2.1", "s0": SERVER}
PEER = {"c0": "p0", "p0": "c0", "p1": "s0", "s0": "p1"}
SETTINGS = {
    "client": ["net.ipv4.ip_forward=0"],
    "proxy": ["net.ipv4.ip_forward=1", "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.p0.rp_filter=0",
              "net.ipv4.conf.p1.rp_filter=0", "net.ipv4.ip_local_port_range=10000 65535"],
    "server": ["net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.s0.rp_filter=0"],
}
SINK = f"""
table ip sink {{
    chain arrivals {{
        type filter hook prerouting priority -300
        udp dport {PORT} counter drop
    }}
}}
"""
# It leaves the client's address as it is: the server's replies come back this way.
DNAT = f"""
table ip peer {{
    chain arrivals {{
        type nat hook prerouting priority -100
        ip daddr {PROXY} udp dport {PORT} dnat to {SERVER}:{PORT}
    }}
}}
"""


def _run(*command, text=None):
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip().partition(chr(10))[0]}")
    return done.stdout


class Network:
    """The namespaces. They disappear with the mount namespace that has their names."""

    def __init__(self):
        os.makedirs("/run/netns")
        for name in ("client", "proxy", "server"):
            _run("ip", "netns", "add", name)
            self.run(name, "sysctl", "-qw", "net.ipv6.conf.default.disable_ipv6=1")
            _run("ip", "-n", name, "link", "set", "lo", "up")
        for one, other in (("c0", "p0"), ("p1", "s0")):
            _run("ip", "link", "add", one, "netns", NAMESPACE[one], "address", MAC[one], "type", "veth",
                 "peer", "name", other, "netns", NAMESPACE[other], "address", MAC[other])
        for device in MAC:
            self._address(device)
        _run("ip", "-n", "proxy", "route", "add", CLIENTS, "via", ADDRESS["c0"])
        _run("ip", "-n", "server", "route", "add", CLIENTS, "via", ADDRESS["p1"])
        for name, settings in SETTINGS.items():
            self.run(name, "sysctl", "-qw", *settings)

    @staticmethod
    def _address(device):
        name, peer = NAMESPACE[device], PEER[device]
        _run("ip", "-n", name, "link", "set", device, "up")
        _run("ip", "-n", name, "address", "add", f"{ADDRESS[device]}/24", "dev", device)
        # Fixed neighbours: no ARP exchange and no garbage collection during a measurement.
        _run("ip", "-n", name, "neighbour", "replace", ADDRESS[peer], "lladdr", MAC[peer], "dev", device, "nud", "permanent")

    @staticmethod
    def run(name, *command, text=None):
        """Runs a command in a namespace and returns its output; raises RuntimeError if it fails."""
        return _run("ip", "netns", "exec", name, *command, text=text)

    @staticmethod
    def spawn(name, cpu, *command, **options):
        """Starts a program in a namespace on one CPU; it keeps the pid of the returned Popen."""
        return subprocess.Popen(["ip", "netns", "exec", name, "taskset", "-c", str(cpu), *map(str, command)],
                                preexec_fn=die_with_parent, text=True, **options)

    def has_listener(self):
        return f":{PORT:04X} " in self.run("proxy", "cat", "/proc/net/udp").upper()

    def udp_sockets(self):
        """UDP sockets of the proxy's namespace."""
        for line in self.run("proxy", "cat", "/proc/net/sockstat").splitlines():
            if line.startswith("UDP:"):
                return int(line.split()[2])
        return 0

    def start_sink(self):
        self.run("server", "nft", "-f", "-", text=SINK)

    def stop_sink(self):
        self.run("server", "nft", "flush", "ruleset")

    def sink_count(self):
        """Datagrams that the sink counted."""
        for item in json.loads(self.run("server", "nft", "-j", "list", "ruleset"))["nftables"]:
            for part in item.get("rule", {}).get("expr", []):
                if "counter" in part:
                    return part["counter"]["packets"]
        return 0

    def start_dnat(self):
        self.run("proxy", "nft", "-f", "-", text=DNAT)

    def stop_dnat(self):
        self.run("proxy", "nft", "flush", "ruleset")
        self.run("proxy", "conntrack", "-F")
