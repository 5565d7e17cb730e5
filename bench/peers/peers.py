"""The programs that are compared. Each forwards datagrams from PROXY:PORT to SERVER:PORT."""
import pathlib
import resource
import shutil
import subprocess
import time

import process_tree
from network import PORT, PROXY, SERVER

FOLDER = pathlib.Path("/run/bench")
LISTEN, TARGET = f"{PROXY}:{PORT}", f"{SERVER}:{PORT}"
START_SECONDS = 20
SPARE = 600  # descriptors for other things than sessions

PROXYD = """
name: bench
nodaemon: true
control: {{socket: none}}
log: {{to: {folder}/proxyd.log}}
udpserver: {{max-sessions: {sessions}, unanswered-share: 100%, unconfirmed-share: 100%, source-share: 100%{side}}}
listen-on: [{{address: {address}, port: {port}}}]
session-acl:
  - name: all
    action: accept
    plug-to: "{target}"
    record: never
    limits: {{unanswered: 120s, idle: 120s{limits}}}
"""
NGINX = """
load_module /usr/lib/nginx/modules/ngx_stream_module.so;
user root;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log crit;
worker_processes 1;
worker_rlimit_nofile {descriptors};
events {{ worker_connections {connections}; }}
stream {{ server {{ listen {listen} udp rcvbuf=4m; proxy_pass {target}; proxy_timeout 120s; {limits} }} }}
"""


def descriptors():
    return resource.getrlimit(resource.RLIMIT_NOFILE)[1]


class Peer:
    """A program under test. `command` is what runs; `max_sessions` what it can have open, at most."""
    name, program = "", ""
    target = LISTEN
    max_sessions = None  # None: one descriptor for each session

    def __init__(self, network, bin_folder):
        self.network, self.bin_folder = network, bin_folder
        self._process = None

    def command(self, workload):
        raise NotImplementedError

    def reason_against(self, workload, seconds):
        """Why this peer cannot do the workload; empty if it can."""
        if self.program and not shutil.which(self.program):
            return f"{self.program} is not installed"
        needed = workload.sessions(seconds)
        if self.max_sessions is not None and needed > self.max_sessions:
            return f"{needed:,} sessions, {self.why_max}"
        if self.max_sessions is None and needed + SPARE > descriptors():
            return f"{needed:,} sessions need a descriptor each, and a process may have {descriptors():,} here"
        return ""

    def start(self, workload, cpu):
        FOLDER.mkdir(exist_ok=True)
        with open(FOLDER / f"{self.name}.out", "w", encoding="utf-8") as output:
            self._process = self.network.spawn("proxy", cpu, *self.command(workload), stdin=subprocess.DEVNULL,
                                               stdout=output, stderr=subprocess.STDOUT)
        end = time.monotonic() + START_SECONDS
        while not self.is_ready():
            if self._process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"{self.name} did not start: {self.tail()}")
            time.sleep(0.02)

    def is_ready(self):
        return self.network.has_listener()

    def tail(self):
        return (FOLDER / f"{self.name}.out").read_text(errors="replace")[-500:].strip()

    def stop(self):
        if self._process:
            process_tree.stop(self._process)
            self._process = None

    def pids(self):
        return process_tree.tree(self._process.pid) if self._process else []


class Direct(Peer):
    """No proxy: the middle namespace routes. What generator and server can do at most."""
    name, target, max_sessions = "direct", TARGET, 10**9

    def start(self, workload, cpu):
        pass


class Dnat(Direct):
    name, target, program = "dnat", LISTEN, "nft"
    why_max = "more than 80 % of nf_conntrack_max"

    @property
    def max_sessions(self):
        limit = pathlib.Path("/proc/sys/net/netfilter/nf_conntrack_max")
        return int(limit.read_text()) * 8 // 10 if limit.exists() else 50_000

    def start(self, workload, cpu):
        self.network.start_dnat()

    def stop(self):
        self.network.stop_dnat()


class Proxyd(Peer):
    name, side = "proxyd", ""

    def sessions(self):
        return descriptors() - SPARE

    def command(self, workload):
        limits = ", client-datagrams: 1, server-datagrams: 1" if workload.is_new else ""
        log = FOLDER / "proxyd.log"
        log.unlink(missing_ok=True)
        config = FOLDER / "proxyd.yaml"
        config.write_text(PROXYD.format(folder=FOLDER, sessions=self.sessions(), side=self.side, address=PROXY, port=PORT,
                                        target=TARGET, limits=limits))
        return [self.bin_folder / "proxyd", "-d", "-f", config]

    def is_ready(self):
        log = FOLDER / "proxyd.log"
        return log.exists() and "UDPS-210-K" in log.read_text()

    def tail(self):
        log = FOLDER / "proxyd.log"
        return super().tail() + (log.read_text(errors="replace")[-500:] if log.exists() else "")


class Shared(Proxyd):
    """proxyd with one socket for all sessions."""
    PORTS = 10240, 32767
    name, side = "shared", f", server-side: shared, server-ports: {PORTS[0]}-{PORTS[1]}"
    max_sessions, why_max = PORTS[1] - PORTS[0] + 1, "more than the server-ports of one address"

    def sessions(self):
        return self.max_sessions


class Relay(Peer):
    name = "relay"

    def command(self, workload):
        return [self.bin_folder / "udp-relay", LISTEN, TARGET]


class Nginx(Peer):
    name, program = "nginx", "/usr/sbin/nginx"

    def command(self, workload):
        limits = "proxy_requests 1; proxy_responses 1;" if workload.is_new else ""
        config = FOLDER / "nginx.conf"
        # A session takes two connections, one of them without a descriptor.
        config.write_text(NGINX.format(folder=FOLDER, descriptors=descriptors(), connections=3 * descriptors(), listen=LISTEN,
                                       target=TARGET, limits=limits))
        return [self.program, "-e", FOLDER / "nginx.log", "-c", config]

    def is_ready(self):
        # The worker process, which forwards, starts after the socket is open.
        return super().is_ready() and len(self.pids()) > 1


class Socat(Peer):
    name, program = "socat", "socat"
    max_sessions, why_max = 200, "a process for each"

    def command(self, workload):
        return [self.program, "-T", "60", f"UDP4-LISTEN:{PORT},bind={PROXY},reuseaddr,fork", f"UDP4:{TARGET}"]


class Pen(Peer):
    name, program = "pen", "pen"

    def command(self, workload):
        most = str(descriptors() - SPARE)
        return [self.program, "-U", "-f", "-r", "-c", most, "-x", most, LISTEN, TARGET]


PEERS = {peer.name: peer for peer in (Direct, Dnat, Relay, Proxyd, Shared, Nginx, Socat, Pen)}
