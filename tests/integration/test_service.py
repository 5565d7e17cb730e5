"""Under a service manager: what proxyd reports to it, its exit statuses, and proxyctl for instances that have a unit."""
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

import pytest
import yaml

from control_socket import ask
from deadline import SLOWNESS, wait_for
from free_ports import free_port
from processes import die_with_parent
from programs import program, run_program, top
from proxyctl_run import FAILED, GOOD, MISUSED, ctl  # noqa: F401
from proxyd_process import configuration

EX_CONFIG = 78


class Manager:
    """The socket of a service manager, with all that was sent to it."""

    def __init__(self, name):
        self.name = name
        self.messages = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(name.replace("@", "\0", 1) if name.startswith("@") else name)
        self._socket.settimeout(0.05)

    def read(self):
        """All variables that were sent, in their order."""
        try:
            while True:
                self.messages += self._socket.recv(9999).decode().splitlines()
        except TimeoutError:
            return self.messages

    def wait(self, *lines):
        """Until these lines have arrived, in this order; forgets them and all before."""
        def arrived():
            rest = iter(self.read())
            return all(line in rest for line in lines)
        wait_for(arrived, 10, lambda: f"{lines} in {self.messages}")
        last = len(self.messages) - 1 - self.messages[::-1].index(lines[-1])
        seen, self.messages = self.messages[:last + 1], self.messages[last + 1:]
        return seen

    def close(self):
        self._socket.close()


@pytest.fixture
def manager(tmp_path, started):
    def make(name=None):
        started.append(Manager(name or str(tmp_path / "notify")))
        return started[-1]
    return make


def service_config(tmp_path, **sections):
    return {**configuration(("127.0.0.1", free_port()), "127.0.0.1:9"), "name": "gw",
            "control": {"socket": str(tmp_path / "gw.sock")}, **sections}


@pytest.mark.parametrize("abstract", [False, True])
def test_what_a_service_manager_is_told(proxyd, manager, tmp_path, abstract):
    """[H-1] Ready, then a reload and an upgrade with their ends, a graceful stop; the pid stays."""
    one = manager(f"@proxyd-test-{os.getpid()}" if abstract else None)
    config = service_config(tmp_path)
    daemon = proxyd(config, environment={"NOTIFY_SOCKET": one.name})
    ready = ["READY=1", f"MAINPID={daemon.pid}"]
    seen = one.wait(*ready, "STATUS=ready")
    assert seen[0].startswith("STATUS=REG is not ready") and not any("WATCHDOG" in line for line in seen)
    ask(config["control"]["socket"], "reload")
    one.read()
    assert "RELOADING=1" not in one.messages, "nothing changed"
    daemon.write_configuration({**config, "udpserver": {"max-sessions": 77}})
    ask(config["control"]["socket"], "reload")
    assert any(line.startswith("MONOTONIC_USEC=") for line in one.wait("RELOADING=1", *ready, "STATUS=ready"))
    ask(config["control"]["socket"], "upgrade")
    one.wait("RELOADING=1", *ready, "STATUS=ready")
    assert not [line for line in one.read() if line.startswith(("RELOADING", "READY"))]
    ask(config["control"]["socket"], "stop")
    one.wait("STOPPING=1", "STATUS=shutting down")
    assert daemon.wait() == 0


def test_a_child_that_dies_shows_in_the_status(proxyd, manager, tmp_path):
    """[H-1] In a crash loop, where its restart takes longer than the interval of the status. The proxy stays ready."""
    one = manager()
    daemon = proxyd(service_config(tmp_path, udpserver={"max-sessions": 10, "max-restarts": {"count": 1, "within": "60s"}}),
                    environment={"NOTIFY_SOCKET": one.name})
    one.wait("STATUS=ready")
    for _ in range(4):
        pid = wait_for(daemon.child, what="REG")
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: daemon.child() != pid, what=f"the end of {pid}")
    for expected in ("REG is not ready, last exit: signal 9 (Killed)", "degraded: crash loop"):
        wait_for(lambda: any(line.startswith("STATUS=" + expected) for line in one.read()), 20, expected)
    assert not [line for line in one.messages if line.startswith(("READY", "RELOADING", "STOPPING"))]


def test_a_daemon_tells_its_pid(proxyd, manager, tmp_path):
    """[H-1] Without -d the process that the manager started is another one."""
    one = manager()
    daemon = proxyd(service_config(tmp_path), environment={"NOTIFY_SOCKET": one.name}, daemon=True)
    one.wait("READY=1", f"MAINPID={daemon.pid}")


def test_the_watchdog(proxyd, manager, tmp_path):
    """[H-1] It hears from the loop of the parent, at least twice in its time, and nothing while the parent hangs."""
    one = manager()
    daemon = proxyd(service_config(tmp_path), environment={"NOTIFY_SOCKET": one.name, "WATCHDOG_USEC": "400000"})
    one.wait("READY=1")
    one.wait(*["WATCHDOG=1"] * 4)
    daemon.send_signal(signal.SIGSTOP)
    one.read()
    one.messages.clear()
    signal.sigtimedwait([], 0.5)
    assert not one.read()
    daemon.send_signal(signal.SIGCONT)
    one.wait("WATCHDOG=1")


def test_a_single_process_tells_too(proxyd, manager, tmp_path):
    """[H-1]"""
    one = manager()
    daemon = proxyd(service_config(tmp_path), ("-ds",), environment={"NOTIFY_SOCKET": one.name})
    one.wait("READY=1", f"MAINPID={daemon.pid}")
    daemon.stop()
    one.wait("STOPPING=1")


@pytest.mark.parametrize("name", ["", "@", "relative", "/" + "x" * 200, "/nonexistent/socket", "vsock:2:3"])
def test_a_useless_notify_socket_does_not_matter(proxyd, tmp_path, name):
    """[H-1]"""
    proxyd(service_config(tmp_path), environment={"NOTIFY_SOCKET": name}).stop()


def test_a_service_is_not_restarted_for_a_wrong_configuration(proxyd, tmp_path):
    """[H-2] Status 78, which the units except from Restart=; a port in use may be free later, and is 1."""
    assert proxyd("name: gw\n", ready=False).wait() == EX_CONFIG
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        config = {**service_config(tmp_path), "listen-on": [{"address": "127.0.0.1", "port": taken.getsockname()[1]}]}
        assert proxyd(config, ready=False).wait() == 1


def test_yml_is_as_good_as_yaml(ctl, tmp_path):  # noqa: F811
    """[H-4] proxyctl finds it, and proxyd reads it where FILE.yaml is missing; if there are both, .yaml is read."""
    ctl.configure("one").rename(ctl.conf_dir / "one.yml")
    ctl.configure("two")
    rows = {row["name"]: row["configuration"] for row in ctl.rows("show-app")}
    assert rows == {"one": str(ctl.conf_dir / "one.yml"), "two": str(ctl.conf_dir / "two.yaml")}
    for name, file in (("one.yaml", "one.yml"), ("two.yml", "two.yaml"), ("one.yml", "one.yml")):
        checked = run_program("proxyd", "-n", "-f", ctl.conf_dir / name)
        assert checked.returncode == 0 and checked.stdout.startswith(str(ctl.conf_dir / file)), checked.stderr
    ctl.configure("one")
    rows = {row["name"]: row["configuration"] for row in ctl.rows("show-app")}
    assert rows["one"] == str(ctl.conf_dir / "one.yaml")
    assert "no.yaml: cannot be read" in run_program("proxyd", "-n", "-f", ctl.conf_dir / "no.yaml").stderr


def test_an_instance_is_also_named_by_its_file(ctl):  # noqa: F811
    """[H-4] The units do so: the name may differ from that of the file."""
    fake = ctl.fake("gw", {"rules": []})
    (ctl.conf_dir / "other.yml").write_text(yaml.safe_dump({"name": "gw", **configuration(("127.0.0.1", 53), "127.0.0.1:9")}))
    ctl(ctl.conf_dir / "other.yaml", "rules", status=GOOD)
    assert len(fake.requests) == 1
    assert "unexpected argument" in ctl("rules", ctl.conf_dir / "other.yaml", status=MISUSED).stderr


class Machine:
    """A mount namespace with an /etc and a /run of its own, which looks as if systemd had started it. Its systemctl
    writes down its arguments and exits with `status`."""

    def __init__(self, folder):
        self.folder = folder
        self.calls = folder / "calls"
        self.setup = ["mount -t tmpfs tmpfs /etc", "mount -t tmpfs tmpfs /run",
                      "mkdir -p /etc/proxyd /etc/systemd/system /run/systemd/system /run/proxyd"]
        self.answer(0)

    def answer(self, status):
        script = self.folder / "systemctl"
        script.write_text(f'#!/bin/sh\necho "$@" >>{self.calls}\nexit {status}\n')
        script.chmod(0o755)

    def configure(self, name, file):
        config = {"name": name, **configuration(("127.0.0.1", 5353), "127.0.0.1:9")}
        (self.folder / file).write_text(yaml.safe_dump(config))
        self.setup.append(f"cp {self.folder}/{file} /etc/proxyd/{file}")

    def run(self, *arguments):
        script = " && ".join([*self.setup, 'exec "$@"'])
        environment = {**os.environ, "PATH": f"{self.folder}:{os.environ['PATH']}", "PROXYD_PROGRAM": "/bin/false"}
        return subprocess.run(["unshare", "--mount", "sh", "-c", script, "sh", program("proxyctl"), *arguments],
                              env=environment, capture_output=True, text=True, timeout=20 * SLOWNESS, check=False)

    def called(self):
        return self.calls.read_text().splitlines() if self.calls.exists() else []


@pytest.fixture
def machine(tmp_path):
    one = Machine(tmp_path)
    one.configure("gw", "dns-gw.yml")
    one.configure("main", "proxyd.yaml")
    return one


def test_proxyctl_starts_a_unit_where_there_is_one(machine):
    """[H-5] A proxy beside its unit would have no supervisor, and a restart would take it away from systemd."""
    machine.setup.append("touch /etc/systemd/system/proxyd@.service /etc/systemd/system/proxyd.service")
    assert machine.run("gw", "start").stdout == "gw: started\n"
    assert machine.run("main", "restart").returncode == GOOD
    assert machine.called() == ["start proxyd@dns-gw.service", "start proxyd.service"]


def test_a_failed_start_names_the_journal_of_the_unit(machine):
    """[H-5]"""
    machine.setup.append("touch /etc/systemd/system/proxyd@.service")
    machine.answer(1)
    result = machine.run("gw", "start")
    assert result.returncode == FAILED
    assert result.stderr == ("proxyctl: gw: proxyd@dns-gw.service did not start; "
                             "see `journalctl -u proxyd@dns-gw.service`\n")


@pytest.mark.parametrize("change", ["true", "rmdir /run/systemd/system", "mv /etc/proxyd/dns-gw.yml '/etc/proxyd/a b.yml'",
                                    "rm /etc/systemd/system/proxyd@.service"])
def test_without_a_unit_proxyctl_starts_proxyd(machine, change):
    """[H-5] Another init system, no unit, or a name that no unit has as it is."""
    if change != "true":
        machine.setup += ["touch /etc/systemd/system/proxyd@.service", change]
    result = machine.run("gw", "start")
    assert "proxyd exited with status 1" in result.stderr and not machine.called()


def test_restart_uses_the_unit_of_the_named_file(machine):
    """[H-5] Also if the instance has another one, and none for *.yml beside *.yaml, which the unit would start."""
    machine.setup.append("touch /etc/systemd/system/proxyd@.service /etc/systemd/system/proxyd.service")
    for path in ("/etc/proxyd/dns-gw.yml", "/etc/proxyd/../proxyd/./dns-gw.yml"):
        assert machine.run("main", "restart", "--file", path).returncode == GOOD
    assert machine.called() == ["start proxyd@dns-gw.service"] * 2
    machine.setup.append("cp /etc/proxyd/dns-gw.yml /etc/proxyd/dns-gw.yaml")
    result = machine.run("main", "restart", "--file", "/etc/proxyd/dns-gw.yml")
    assert "proxyd exited with status 1" in result.stderr and len(machine.called()) == 2


def test_restart_moves_no_instance_out_of_its_unit(machine):
    """[H-5] It would be stopped, and then run without a supervisor."""
    fake = pathlib.Path(__file__).parent.parent / "support/fake_control.py"
    script = f"""import sys, time; sys.path.insert(0, {str(fake.parent)!r}); from fake_control import FakeControl
FakeControl("/run/proxyd/main.sock", {{"version": [{{"name": "main", "pid": 0, "config": "/etc/proxyd/proxyd.yaml"}}],
            "status": [{{"name": "main", "state": "serving", "why": ""}}], "stop": []}}); print("up", flush=True); time.sleep(5)"""
    (machine.folder / "serve.py").write_text(script)
    machine.setup += ["touch /etc/systemd/system/proxyd.service", f"cp {machine.folder}/proxyd.yaml /etc/other.yaml",
                      f"{{ {sys.executable} {machine.folder}/serve.py >/run/up 2>&1 & }}", "until grep -q up /run/up; do sleep 0.05; done"]
    result = machine.run("main", "restart", "--file", "/etc/other.yaml")
    assert result.returncode == FAILED and result.stdout == ""
    assert "not restarted: it runs as proxyd.service, but /etc/other.yaml would run as a process without a unit" in result.stderr


def test_a_wrong_file_is_refused_before_anything_is_said(machine):
    """[H-5]"""
    machine.setup.append("echo 'name: gw' >/etc/bad.yaml")
    result = machine.run("gw", "restart", "--file", "/etc/bad.yaml")
    assert result.returncode == FAILED and "was not running" not in result.stderr
    assert "not restarted: /etc/bad.yaml:1:1: udpserver: is missing" in result.stderr


def capabilities_of(pid, kind):
    return int(pathlib.Path(f"/proc/{pid}/status").read_text().split(f"Cap{kind}:\t")[1].split()[0], 16)


def test_the_privileges_of_the_units_suffice():
    """[H-10] Without root, with the capabilities of the unit: ports below 1024, children without any, an upgrade."""
    unit = (top / "debian/proxyd.service").read_text()
    words = re.search("^AmbientCapabilities=(.*)$", unit, re.M).group(1).lower().replace("cap_", "+").split()
    folder = pathlib.Path(tempfile.mkdtemp(dir="/var/tmp"))  # pytest's own is for root only
    folder.chmod(0o777)
    socket_path, log = folder / "gw.sock", folder / "log"
    config = {"name": "gw", **configuration(("127.0.0.1", 953), "127.0.0.1:9"), "user": "nobody",
              "control": {"socket": str(socket_path)}, "log": {"to": "stderr"}}
    (folder / "gw.yaml").write_text(yaml.safe_dump(config))
    shutil.copy(program("proxyd"), folder / "proxyd")
    rights = [f"--{kind}={','.join(['-all', *words] if kind != 'ambient-caps' else words)}"
              for kind in ("inh-caps", "bounding-set", "ambient-caps")]
    command = ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh", "setpriv", "--reuid=nobody",
               "--regid=nogroup", "--clear-groups", "--no-new-privs", *rights, folder / "proxyd", "-d", "-f",
               folder / "gw.yaml"]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stderr=output, preexec_fn=die_with_parent)
    try:
        wait_for(lambda: "UDPS-210-K" in log.read_text(), 10, log.read_text)
        had = capabilities_of(process.pid, "Eff")
        assert bin(had).count("1") == len(words)
        ask(socket_path, "upgrade")
        wait_for(lambda: "UDPS-217-K" in log.read_text() and log.read_text().count("UDPS-210-K") == 2, 10, log.read_text)
        assert capabilities_of(process.pid, "Eff") == had
        for child in pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split():
            assert not any(capabilities_of(child, kind) for kind in ("Eff", "Prm", "Inh", "Amb"))
        process.terminate()
        assert process.wait(10 * SLOWNESS) == 0
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder)


def test_proxyd_is_pid_1_of_a_container(tmp_path):
    """[H-6] Nothing else runs there: it serves, stops on TERM, and leaves nothing."""
    port, log = free_port(), tmp_path / "log"
    config = {"name": "gw", **configuration(("127.0.0.1", port), "127.0.0.1:9"), "control": {"socket": "none"},
              "log": {"to": str(log)}}
    file = tmp_path / "gw.yaml"
    file.write_text(yaml.safe_dump(config))
    process = subprocess.Popen(["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", program("proxyd"), "-d", "-f",
                                str(file)], preexec_fn=die_with_parent)
    try:
        wait_for(lambda: log.exists() and "UDPS-210-K" in log.read_text(), 10, "the start")
        parent, = (int(pid) for pid in
                   pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split())
        assert pathlib.Path(f"/proc/{parent}/status").read_text().split("NSpid:")[1].split()[1] == "1"
        os.kill(parent, signal.SIGTERM)
        assert process.wait(10 * SLOWNESS) == 0
    finally:
        process.kill()
        process.wait()
    assert "exit status 0" in log.read_text()
