#!/usr/bin/python3
"""Attacks and failures under load: what steady clients lose, and whether new ones are served.

    bench/campaign.py BIN [BIN_OTHER] [--only WORD] [--seconds S]

Each scenario runs once for each build, one after the other, and prints a line with its figures: the loss and the 99th percentile
of 100 clients that make 2,000 round trips/s all the time, the loss of new clients (a new port for each round trip) that come while
the attack lasts and in the second after it, and the number of wrong answers. The attackers use addresses of 127.0.0.0/8, which are all local.
"""
import argparse
import contextlib
import os
import pathlib
import random
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

top = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(top / "tests" / "support"))
import programs  # noqa: E402
from control_socket import ask  # noqa: E402
from evil_dns import EvilDns, silence  # noqa: E402
from free_ports import free_port  # noqa: E402
from processes import adopt_orphans  # noqa: E402
from proxyd_process import Proxyd, clear_orphans, configuration, resolver  # noqa: E402

STEADY_FROM, NEW_FROM = "127.88.0.0/24", "127.99.0.0/24"
IP_PKTINFO = 8


class Flood:
    """A process that sends to the listener: `source()` gives each datagram's (address, socket)."""

    def __init__(self, listener, rate, seconds, address, ports=64):
        self.pid = os.fork()
        if self.pid == 0:
            with contextlib.suppress(BaseException):
                self._run(listener, rate, seconds, address, ports)
            os._exit(0)

    @staticmethod
    def _run(listener, rate, seconds, address, ports):
        sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(ports)]
        for one in sockets:
            one.bind(("0.0.0.0", 0))
            one.setblocking(False)
        begin, sent = time.monotonic(), 0
        while (elapsed := time.monotonic() - begin) < seconds:
            for _ in range(int(elapsed * rate) - sent):
                source = struct.pack("=I4s4s", 0, address(), bytes(4))
                with contextlib.suppress(OSError):
                    sockets[sent % ports].sendmsg([b"flood"], [(socket.IPPROTO_IP, IP_PKTINFO, source)], 0, listener)
                sent += 1
            time.sleep(0.0005)

    def wait(self):
        os.waitpid(self.pid, 0)


def any_address():
    """A forged source: 127.128.0.0/9, which no honest client uses."""
    return bytes([127, random.randrange(128, 255), random.randrange(256), random.randrange(1, 255)])


def one_address():
    return socket.inet_aton("127.66.0.1")


def sixteen_addresses():
    return bytes([127, 66, 0, random.randrange(1, 17)])


class Scene:
    """The proxy of one build before an echo server, with steady clients. `first_rule` accepts, too, and comes before the one that
    accepts everybody."""

    def __init__(self, folder, bin_folder, rule=None, first_rule=None, ready=True, around=(), binary=None, **sections):
        self.echo = programs.UdpEcho("127.0.0.1", free_port(), folder)
        self.listener = ("127.0.0.1", free_port())
        self.text = f"127.0.0.1:{self.listener[1]}"
        config = configuration(self.listener, self.echo.text, rule, **sections)
        if first_rule:
            first = {"name": "first", "action": "accept", "plug-to": [self.echo.text], **first_rule}
            config["session-acl"].insert(0, first)
        self.proxy = Proxyd(folder, config, binary=binary or f"{bin_folder}/proxyd")
        self.proxy.command = [*around, *self.proxy.command]
        self.proxy.start(ready)

    def steady(self, seconds, rate=2000):
        return programs.UdpLoad("--to", self.text, "--from", STEADY_FROM, "--clients", 100, "--rate", rate,
                                "--seconds", seconds, "--max-loss", 100)

    def new(self, seconds, rate=200, source=NEW_FROM):
        return programs.UdpLoad("--to", self.text, "--from", source, "--clients", 100, "--rate", rate,
                                "--seconds", seconds, "--max-loss", 100, "--churn")

    def close(self):
        self.proxy.discard()
        self.echo.close()
        clear_orphans()


def figures(steady, **others):
    _, known = steady.finish()
    text = f"steady: {known['loss_percent']:6.2f} % lost, p99 {known['p99_us'] / 1000:8.2f} ms"
    wrong = known["wrong"]
    for name, load in others.items():
        _, fresh = load.finish()
        text += f"; {name}: {fresh['loss_percent']:6.2f} % lost"
        wrong += fresh["wrong"]
    return f"{text}; {wrong} wrong"


def under_flood(scene, seconds, rate, address, ports=64, source=NEW_FROM):
    """Steady clients all the time, the flood in the middle, new clients from its second second to its end and after it."""
    steady = scene.steady(seconds + 3)
    time.sleep(1)
    flood = Flood(scene.listener, rate, seconds, address, ports)
    time.sleep(1)
    new = scene.new(seconds - 1, source=source)
    flood.wait()
    after = scene.new(1, source=source)
    return figures(steady, new=new, after=after)


def short_flood(folder, bin_folder, seconds):
    """B.1: 5,200 forged requests in all, which the server answers; 5,000 sessions. The new clients come after them."""
    scene = Scene(folder, bin_folder, udpserver={"max-sessions": 5000})
    with contextlib.closing(scene):
        steady = scene.steady(seconds + 2)
        time.sleep(1)
        Flood(scene.listener, 20_000, 0.26, any_address).wait()
        time.sleep(0.5)
        return figures(steady, after=scene.new(seconds))


def forged_requests(folder, bin_folder, seconds):
    """B.1: 20,000 forged requests/s; the server answers them; 5,000 sessions."""
    scene = Scene(folder, bin_folder, udpserver={"max-sessions": 5000})
    with contextlib.closing(scene):
        return under_flood(scene, seconds, 20_000, any_address)


def forged_beside_known_addresses(folder, bin_folder, seconds):
    """B.1: the same, and the new clients come from addresses that had sessions before."""
    scene = Scene(folder, bin_folder, udpserver={"max-sessions": 5000})
    with contextlib.closing(scene):
        return under_flood(scene, seconds, 20_000, any_address, source=STEADY_FROM)


def forged_to_silent_server(folder, bin_folder, seconds):
    """B.2: 20,000 forged requests/s to a rule whose server never answers; 5,000 sessions."""
    silent = free_port()
    scene = Scene(folder, bin_folder, udpserver={"max-sessions": 5000},
                  first_rule={"from": ["127.128.0.0/9"], "plug-to": [f"127.0.0.1:{silent}"]})
    with contextlib.closing(scene):
        return under_flood(scene, seconds, 20_000, any_address)


def slow_names(folder, bin_folder, seconds):
    """B.2: one address, 2,000 ports/s, whose name has to be looked up and never comes; honest clients need a name, too."""
    dns = EvilDns()
    dns.set("1.0.66.127.in-addr.arpa", "PTR", silence())
    for last in range(256):
        dns.client(f"127.99.0.{last}", f"h{last}.example.test")
    settings = resolver(dns)
    del settings["negative-grace"]  # which older builds do not have
    scene = Scene(folder, bin_folder, {"from": [STEADY_FROM, r"~.*\.example\.test"]}, resolver=settings)
    with contextlib.closing(scene), contextlib.closing(dns):
        return under_flood(scene, seconds, 2_000, one_address, ports=2_000)


def random_sources(folder, bin_folder, seconds):
    """B.3: 20,000 forged sources/s where 1,000 new sessions/s are allowed; the new clients come from known addresses."""
    scene = Scene(folder, bin_folder, udpserver={"max-sessions": 100_000, "new-sessions-per-second": 1000})
    with contextlib.closing(scene):
        return under_flood(scene, seconds, 20_000, any_address, source=STEADY_FROM)


def one_heavy_client(folder, bin_folder, seconds):
    """B.4: one client sends as fast as it can."""
    scene = Scene(folder, bin_folder)
    with contextlib.closing(scene):
        return under_flood(scene, seconds, 1_000_000, one_address, ports=1)


def sixteen_heavy_clients(folder, bin_folder, seconds):
    """B.4: the same from sixteen addresses."""
    scene = Scene(folder, bin_folder)
    with contextlib.closing(scene):
        return under_flood(scene, seconds, 1_000_000, sixteen_addresses, ports=1)


def two_proxies(folder, bin_folder, seconds):
    """A.4: two proxies plugged into each other; one datagram. Counts the sessions of both."""
    del seconds
    ports = free_port(), free_port()
    proxies = [Proxyd(folder, configuration(("127.0.0.1", ports[side]), f"127.0.0.1:{ports[1 - side]}"),
                      binary=f"{bin_folder}/proxyd").start() for side in (0, 1)]
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.sendto(b"one", ("127.0.0.1", ports[0]))
            time.sleep(2)
        for proxy in proxies:
            proxy.stop()
        counts = [len([r for r in proxy.records() if r.get("STATUS") != "REJECTED"]) for proxy in proxies]
        return f"{counts[0]} and {counts[1]} sessions in 2 s"
    finally:
        for proxy in proxies:
            proxy.discard()
        clear_orphans()


def kills(folder, bin_folder, seconds):
    """REG is killed every second at 7,000 round trips/s."""
    scene = Scene(folder, bin_folder, udpserver={"max-sessions": 1000, "max-restarts": {"count": 1000, "within": "60s"}})
    with contextlib.closing(scene):
        steady = scene.steady(seconds + 1, 7000)
        for _ in range(seconds):
            time.sleep(1)
            scene.proxy.replace_child("REG")
        text = figures(steady)
        return f"{text}; {scene.echo.counts()['ports']} source ports for 100 clients"


def hanging_disk(folder, bin_folder, seconds):
    """E.6: the log is a FIFO whose reader stops reading; a session's record is written for each round trip of new clients."""
    path = pathlib.Path(folder, "log.fifo")
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    one_round_trip = {"from": [NEW_FROM], "limits": {"client-datagrams": 1, "server-datagrams": 1}}
    scene = Scene(folder, bin_folder, first_rule=one_round_trip, ready=False, log={"to": str(path)}, udpserver={"max-sessions": 20_000})
    with contextlib.closing(scene):
        wait_for_text(reader, b"UDPS-221-K")
        steady = scene.steady(seconds + 2)
        text = figures(steady, new=scene.new(seconds, rate=2000))
        began = time.monotonic()
        scene.proxy.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            scene.proxy.process.wait(30)
        os.close(reader)
        return f"{text}; ends {time.monotonic() - began:.1f} s after TERM"


def hanging_name_service(folder, bin_folder, seconds):
    """E.5: REG is killed every second while the name service cache, which knows users and groups, does not answer."""
    cache, target = pathlib.Path(folder, "nscd"), pathlib.Path("/run/nscd")
    cache.mkdir()
    cache.chmod(0o755)
    target.mkdir(exist_ok=True)
    scene = Scene(folder, bin_folder, user="nobody",
                  udpserver={"max-sessions": 1000, "max-restarts": {"count": 1000, "within": "60s"}},
                  around=["unshare", "-m", "sh", "-c", f'mount --bind {cache} {target} && exec "$@"', "sh"])
    with contextlib.closing(scene), socket.socket(socket.AF_UNIX) as service:
        service.bind(str(cache / "socket"))
        (cache / "socket").chmod(0o777)
        service.listen(100)
        steady = scene.steady(seconds + 1)
        for _ in range(seconds):
            time.sleep(1)
            scene.proxy.replace_child("REG", seconds=30)
        return figures(steady)


def failed_upgrades(folder, bin_folder, seconds):
    """E.1: upgrades to a program that answers all questions and then hangs, and to one that exits then."""
    installed, control = pathlib.Path(folder, "proxyd"), pathlib.Path(folder, "control")
    shutil.copy(f"{bin_folder}/proxyd", installed)
    scene = Scene(folder, bin_folder, binary=installed, control={"socket": str(control)})
    with contextlib.closing(scene):
        steady = scene.steady(seconds + 8)
        for fault in ("exec sleep 60", "exit 7"):
            time.sleep(1)
            broken = installed.with_name("broken")
            broken.write_text(f'#!/bin/sh\ncase $1 in --handover | -n) exec {bin_folder}/proxyd "$@" ;; esac\n{fault}\n')
            broken.chmod(0o755)
            broken.rename(installed)
            with contextlib.suppress(Exception):  # a proxy that is gone does not answer
                ask(control, "upgrade")
        return figures(steady)


def wait_for_text(reader, text):
    seen, deadline = b"", time.monotonic() + 10
    while text not in seen:
        if time.monotonic() > deadline:
            sys.exit(f"no {text.decode()} in the log: {seen.decode(errors='replace')}")
        with contextlib.suppress(BlockingIOError):
            seen += os.read(reader, 65536)
        time.sleep(0.01)


SCENARIOS = [short_flood, forged_requests, forged_beside_known_addresses, forged_to_silent_server, slow_names, random_sources,
             one_heavy_client, sixteen_heavy_clients, two_proxies, kills, hanging_disk, hanging_name_service, failed_upgrades]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("builds", nargs="+", metavar="BIN", help="folder with proxyd, udp-load and udp-echo")
    parser.add_argument("--only", default="", metavar="WORD", help="only scenarios with this in their name")
    parser.add_argument("--seconds", type=int, default=5, help="how long an attack lasts (5)")
    arguments = parser.parse_args()
    adopt_orphans()
    programs.bin_folder = pathlib.Path(arguments.builds[-1]).resolve()
    for scenario in SCENARIOS:
        if arguments.only not in scenario.__name__:
            continue
        print(f"{scenario.__name__}: {scenario.__doc__}")
        for build in arguments.builds:
            with tempfile.TemporaryDirectory() as folder:
                os.chmod(folder, 0o755)
                print(f"    {build}: {scenario(folder, pathlib.Path(build).resolve(), arguments.seconds)}", flush=True)


main()
