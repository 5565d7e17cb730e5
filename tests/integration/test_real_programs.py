"""Programs that others wrote, through proxyd: DNS, TFTP, NTP, iperf3."""
import json
import os
import random
import socket
import subprocess
import threading

import pytest

from deadline import SLOWNESS, wait_for
from free_ports import free_port, free_ports
from processes import die_with_parent
from proxyd_process import configuration


@pytest.fixture
def background(started, tmp_path):
    """`background(command...)` runs a program until the end of the test; its output goes to a file."""
    def start(*command):
        output = (tmp_path / f"{os.path.basename(command[0])}.out").open("ab")
        process = subprocess.Popen([str(part) for part in command], stdin=subprocess.DEVNULL, stdout=output,
                                   stderr=output, cwd=tmp_path, preexec_fn=die_with_parent)
        started.append(Background(process, output))
        return process
    return start


class Background:
    def __init__(self, process, output):
        self.process, self.output = process, output

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.output.close()


def run(*command, seconds=20, stderr_too=False, **keywords):
    """Runs it to the end; returns its output. AssertionError when it fails."""
    result = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=seconds * SLOWNESS,
                            **keywords)
    assert result.returncode == 0, f"{command}: status {result.returncode}\n{result.stdout}{result.stderr}"
    return result.stdout + (result.stderr if stderr_too else "")


def is_bound(port):
    with open("/proc/net/udp", encoding="ascii") as table:
        return f":{port:04X} " in table.read()


# --- DNS

@pytest.fixture
def dns(background, proxyd):
    """(daemon, port of proxyd) in front of a dnsmasq, one question and one answer a session."""
    port, listener = free_port(), ("127.0.0.1", free_port())
    background("dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--user=root", "--pid-file=",
               f"--port={port}", "--listen-address=127.0.0.1", "--bind-interfaces", "--no-resolv", "--no-hosts",
               "--address=/example.test/192.0.2.1", "--txt-record=long.example.test," + "x" * 200,
               "--address=/example.test/2001:db8::1", "--local=/test/")
    wait_for(lambda: is_bound(port), what="dnsmasq serves")
    daemon = proxyd(configuration(listener, f"127.0.0.1:{port}", {
        "limits": {"client-datagrams": 1, "server-datagrams": 1, "unanswered": "5s"}},
        udpserver={"max-sessions": 1000, "quarantine-answered": "100ms"}))
    return daemon, listener[1]


def test_dig_asks_a_name_server(dns):
    """[K-37] Each exchange is one session that ends with its answer."""
    daemon, port = dns
    dig = ["dig", "@127.0.0.1", "-p", port, "+tries=1", "+time=5", "+noall", "+answer", "+short"]
    assert run(*dig, "a.example.test", "A").split() == ["192.0.2.1"]
    assert run(*dig, "a.example.test", "AAAA").split() == ["2001:db8::1"]
    assert run(*dig, "long.example.test", "TXT").strip() == '"' + "x" * 200 + '"'
    records = daemon.wait_records(3, REASON="server-datagrams")
    assert all((r["DATAGRAMS-CIN"], r["DATAGRAMS-COUT"], r["RESULT"]) == ("1", "1", "OK") for r in records)


def test_dig_asks_many_times(dns, tmp_path):
    """[K-37] 500 questions in a row, each with an answer of its own."""
    daemon, port = dns
    (tmp_path / "names").write_text("".join(f"n{i}.example.test A\n" for i in range(500)))
    output = run("dig", "@127.0.0.1", "-p", port, "+tries=1", "+time=5", "+noall", "+answer", "-f", tmp_path / "names",
                 seconds=50)
    assert [line.split()[0] for line in output.splitlines()] == [f"n{i}.example.test." for i in range(500)]
    assert {line.split()[-1] for line in output.splitlines()} == {"192.0.2.1"}
    assert len(daemon.wait_records(500, REASON="server-datagrams")) == 500


def test_dig_asks_twice_from_the_same_port(dns):
    """[K-37] The second question opens a session of its own."""
    daemon, port = dns
    own = free_port()
    for name in ("one", "two"):
        output = run("dig", "@127.0.0.1", "-p", port, "-b", f"127.0.0.1#{own}", "+tries=1", "+time=5", "+short",
                     f"{name}.example.test")
        assert output.strip() == "192.0.2.1"
    records = daemon.wait_records(2, REASON="server-datagrams")
    assert {int(record["CLIENT-PORT"]) for record in records} == {own}
    assert len({record["SESSION"] for record in records}) == 2


def test_several_kdigs_at_once(dns):
    """[K-37] Ten programs at a time, 20 questions each."""
    daemon, port = dns
    commands = [["kdig", "@127.0.0.1", "-p", str(port), "+retry=0", "+time=5", "+short",
                 *(f"k{c}-{i}.example.test" for i in range(20))] for c in range(10)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for command in commands]
    outputs = [process.communicate(timeout=30 * SLOWNESS)[0] for process in processes]
    assert [output.split() for output in outputs] == [["192.0.2.1"] * 20] * 10
    assert len(daemon.wait_records(200, REASON="server-datagrams")) == 200


# --- TFTP

@pytest.fixture
def tftp(background, proxyd, tmp_path):
    """(daemon, port of proxyd, folder of the server); the server answers each request from a port of its own."""
    folder, port, listener = tmp_path / "tftp", free_port(), ("127.0.0.1", free_port())
    folder.mkdir()
    background("in.tftpd", "--foreground", "--user", "root", "--secure", "--create", "--address", f"127.0.0.2:{port}",
               folder)
    wait_for(lambda: is_bound(port), what="tftpd serves")
    daemon = proxyd(configuration(listener, f"127.0.0.2:{port}", {"udp-session-type": "any-port",
                                                                  "limits": {"idle": "20s"}}))
    return daemon, listener[1], folder


SIZES = [0, 1, 511, 512, 513, 5000, 65536, 1_000_003]


def test_tftp_gets_files(tftp, tmp_path):
    """[K-39] [K-42] any-port; every file arrives byte by byte the same."""
    daemon, port, folder = tftp
    for size in SIZES:
        (folder / f"file{size}").write_bytes(random.Random(size).randbytes(size))
        got = tmp_path / f"got{size}"
        run("tftp", "-m", "binary", "127.0.0.1", port, "-c", "get", f"file{size}", got)
        assert got.read_bytes() == (folder / f"file{size}").read_bytes()
    daemon.stop()
    records = daemon.records()
    assert len(records) == len(SIZES), "each transfer is a session"
    assert all(int(record["SERVER-PORT"]) != 0 and record["TYPE"] == "any-port" for record in records)
    assert max(int(record["BYTES-COUT"]) for record in records) > max(SIZES)


def test_tftp_puts_files(tftp, tmp_path):
    """[K-39] [K-42]"""
    _, port, folder = tftp
    for size in (0, 512, 100_000):
        source = tmp_path / f"put{size}"
        source.write_bytes(random.Random(size).randbytes(size))
        run("tftp", "-m", "binary", "127.0.0.1", port, "-c", "put", source, f"sent{size}")
        wait_for(lambda: (folder / f"sent{size}").exists() and (folder / f"sent{size}").stat().st_size == size)
        assert (folder / f"sent{size}").read_bytes() == source.read_bytes()


def test_tftp_survives_the_death_of_reg(tftp, tmp_path):
    """[K-42] The port that the first answer fixed is kept through a new REG."""
    daemon, port, folder = tftp
    size = 8_000_000
    (folder / "big").write_bytes(random.Random(8).randbytes(size))
    process = subprocess.Popen(["tftp", "-m", "binary", "127.0.0.1", str(port), "-c", "get", "big", "big"], cwd=tmp_path)
    wait_for(lambda: (tmp_path / "big").exists() and (tmp_path / "big").stat().st_size > 10_000, what="the transfer")
    daemon.replace_child("REG")
    assert process.wait(40 * SLOWNESS) == 0
    assert (tmp_path / "big").read_bytes() == (folder / "big").read_bytes()


# --- NTP

@pytest.fixture
def ntp_server(background, tmp_path):
    """`ntp_server()` starts a chronyd that serves its own time and leaves the clock alone; returns its address."""
    def start():
        port = free_port()
        (tmp_path / "server.conf").write_text(
            f"port {port}\nbindaddress 127.0.0.3\nallow\nlocal stratum 5\ncmdport 0\nbindcmdaddress /\n"
            f"pidfile {tmp_path}/server.pid\n")
        background("chronyd", "-d", "-x", "-u", "root", "-f", tmp_path / "server.conf")
        wait_for(lambda: is_bound(port), what="chronyd serves")
        return f"127.0.0.3:{port}"
    return start


def test_chronyd_gets_the_time(ntp_server, proxyd, tmp_path):
    """[K-39] chronyd -Q asks and only prints."""
    listener = ("127.0.0.1", free_port())
    daemon = proxyd(configuration(listener, ntp_server()))
    (tmp_path / "client.conf").write_text(
        f"server 127.0.0.1 port {listener[1]} iburst maxsamples 1\npidfile {tmp_path}/client.pid\ncmdport 0\n")
    output = run("chronyd", "-Q", "-t", "20", "-u", "root", "-f", tmp_path / "client.conf", seconds=30,
                 stderr_too=True)
    assert "System clock wrong by" in output
    daemon.stop()
    assert any(int(record["DATAGRAMS-COUT"]) > 0 for record in daemon.records())


# --- iperf3

class TcpRelay:
    """Carries iperf3's control connection to the server: proxyd does UDP only."""

    def __init__(self, listen, to):
        self.server = socket.create_server(listen)
        self.to = to
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                one, _ = self.server.accept()
            except OSError:
                return
            other = socket.create_connection(self.to)
            for source, target in ((one, other), (other, one)):
                threading.Thread(target=self._copy, args=(source, target), daemon=True).start()

    @staticmethod
    def _copy(source, target):
        try:
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def close(self):
        self.server.close()


@pytest.mark.parametrize("direction", [[], ["--reverse"], ["--bidir"]], ids=["up", "down", "both"])
def test_iperf3_measures(background, proxyd, started, direction):
    """[K-39] UDP streams of iperf3 through proxyd, each way and both at once. Their buffers hold what a busy machine
    delays."""
    port = free_ports(1)
    background("iperf3", "--server", "--bind", "127.0.0.3", "--port", port, "--one-off")
    wait_for(lambda: listens_tcp(port), what="iperf3 serves")
    started.append(TcpRelay(("127.0.0.2", port), ("127.0.0.3", port)))
    daemon = proxyd(configuration(("127.0.0.2", port), f"127.0.0.3:{port}"))
    output = run("iperf3", "--client", "127.0.0.2", "--port", port, "--udp", "--bitrate", "6M", "--parallel", "2",
                 "--window", "1M", "--length", "1200", "--time", "3", "--json", *direction, seconds=30)
    end = json.loads(output)["end"]
    for key in ("sum", "sum_bidir_reverse") if direction == ["--bidir"] else ("sum",):
        assert end[key]["packets"] > 2500, end[key]
        assert end[key]["lost_percent"] < 1, end[key]
    daemon.stop()
    streams = [r for r in daemon.records() if int(r["DATAGRAMS-CIN"]) + int(r["DATAGRAMS-SIN"]) > 100]
    assert len(streams) == (4 if direction == ["--bidir"] else 2)


def listens_tcp(port):
    with open("/proc/net/tcp", encoding="ascii") as table:
        return any(f":{port:04X} " in line and " 0A " in line for line in table)
