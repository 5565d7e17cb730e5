"""The sandbox of each process: what it has given up, what kills it, and that the service continues."""
import contextlib
import os
import pathlib
import pwd
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile

import pytest
import yaml

from control_socket import ask
from deadline import wait_for
from free_ports import free_port
from proxyctl_run import ctl  # noqa: F401
from proxyd_process import configuration, resolver
from programs import program, run_program
from test_arena import arena_of
from test_upgrade import trip

REACHED, INCOMPLETE, FORBIDDEN, DIED, REFUSED = "UDPS-124-K", "UDPS-125-W", "UDPS-330-E", "UDPS-222-E", "CTRL-220-N"
PARENT_CAPABILITIES = {0, 1, 3, 5, 6, 7, 8, 10, 12, 13, 19, 39}  # by their numbers; the table in proxyd(8) has the names
WITHOUT = pathlib.Path(__file__).resolve().parents[1] / "support" / "without_sandbox.py"
SANITIZED = b"__asan_init" in pathlib.Path(program("proxyd")).read_bytes() or \
    b"__tsan_init" in pathlib.Path(program("proxyd")).read_bytes()
pytestmark = [pytest.mark.skipif(SANITIZED, reason="programs with a sanitizer are not confined"),
              pytest.mark.skipif(os.geteuid() != 0, reason="the full sandbox needs root")]


def status_of(path):
    """The fields of /proc/PID/status as texts."""
    return dict(line.split(":\t", 1) for line in pathlib.Path(path).read_text().splitlines() if ":\t" in line)


def tasks_of(pid):
    """The status of each thread."""
    return [status_of(path) for path in pathlib.Path(f"/proc/{pid}/task").glob("*/status")]


def numbers(mask):
    return {number for number in range(64) if int(mask, 16) >> number & 1}


def all_roles(listener, evil_dns, **sections):
    """Needs ACR and APR."""
    evil_dns.host("a.example", "127.0.0.1")
    return configuration(listener, "127.0.0.1:9", user="nobody", resolver=resolver(evil_dns), **sections,
                         rule={"from": ["a.example", "~^b[.]example$", "*"]})


def test_what_each_process_has_given_up(proxyd, evil_dns):
    """[Z-2][Z-10] Every thread of each child, from its first: no new privileges, a filter, no capability in any set."""
    daemon = proxyd(all_roles(("127.0.0.1", free_port()), evil_dns, udpserver={"max-sessions": 100, "workers": 2}))
    assert set(daemon.children()) == {"REG", "ACR", "APR"}
    filters = status_of(f"/proc/{daemon.child()}/status")["Seccomp_filters"]
    for role, pid in [("LOG", daemon.log_process()), *((role, daemon.child(role)) for role in ("REG", "ACR", "APR"))]:
        tasks = tasks_of(pid)
        assert len(tasks) >= {"REG": 5, "LOG": 1}.get(role, 3)  # with the guard, the log and the workers
        for task in tasks:
            assert (task["NoNewPrivs"], task["Seccomp"], task["Seccomp_filters"]) == ("1", "2", filters)
            assert not any(int(task[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"))
            assert int(task["Uid"].split()[0]) != 0
    parent, = tasks_of(daemon.pid)
    assert (parent["NoNewPrivs"], parent["Seccomp"]) == ("1", "2")
    for name in ("CapPrm", "CapEff", "CapBnd"):
        assert numbers(parent[name]) <= PARENT_CAPABILITIES
    assert not numbers(parent["CapInh"]) and not numbers(parent["CapAmb"])
    assert daemon.wait_line(REACHED, "seccomp, Landlock") and not daemon.lines(INCOMPLETE)


def test_no_process_leaves_a_core_file(proxyd, evil_dns):
    """[Z-13] The limit of core files is 0, and the memory is closed to other programs of the same user."""
    daemon = proxyd(all_roles(("127.0.0.1", free_port()), evil_dns))
    for pid in (daemon.pid, *(daemon.child(role) for role in ("REG", "ACR", "APR"))):
        limits = pathlib.Path(f"/proc/{pid}/limits").read_text()
        assert re.search(r"Max core file size +0 +0 ", limits)
        assert os.stat(f"/proc/{pid}/environ").st_uid == 0  # of root, not of the user: it is not dumpable


@pytest.mark.skipif(resource.getrlimit(resource.RLIMIT_CORE)[1] == 0, reason="the limit of this run is 0")
def test_core_files_can_be_allowed(proxyd):
    """[Z-13] `core-dumps` leaves the limit as it is."""
    daemon = proxyd(configuration(("127.0.0.1", free_port()), "127.0.0.1:9", **{"core-dumps": True}))
    limits = pathlib.Path(f"/proc/{daemon.child()}/limits").read_text()
    assert not re.search(r"Max core file size +0 +0 ", limits)


def selftest(tmp_path, *prefix, **keys):
    file = tmp_path / "selftest.yaml"
    file.write_text(yaml.safe_dump({"name": "selftest", "user": "nobody", **configuration(("127.0.0.1", 1), "127.0.0.1:9"), **keys}))
    result = subprocess.run([*prefix, program("proxyd"), "--selftest", "sandbox", "-f", str(file)],
                            capture_output=True, text=True, timeout=60, check=False)
    return result.returncode, result.stdout + result.stderr


def test_the_selftest_is_denied_everything(tmp_path):
    """[Z-3] In each role every forbidden class is tried; each is denied."""
    status, output = selftest(tmp_path)
    assert status == 0 and "NOT DENIED" not in output, output
    for role, least in (("parent", 7), ("REG", 15), ("ACR", 15), ("APR", 15), ("LOG", 15)):
        assert len(re.findall(rf"^{role} ", output, re.M)) >= least, output
    for what in ("write a new file", "execute a program", "raw socket", "trace its parent", "io_uring", "BPF program",
                 "user namespace", "signal another program"):
        assert re.search(rf"^REG +.*{what}", output, re.M), output
    for role in ("ACR", "APR"):
        assert re.search(rf"^{role} +connect to another port +denied", output, re.M), output
        assert re.search(rf"^{role} +connect by MPTCP +killed by socket", output, re.M), output
        assert re.search(rf"^{role} +connect by fast open +killed by sendto", output, re.M), output


def test_the_selftest_tells_what_is_not_denied(tmp_path):
    """[Z-3] Without a sandbox it fails: a check that cannot fail is worse than none."""
    status, output = selftest(tmp_path, sandbox="off")
    assert status == 1 and output.count("NOT DENIED") > 10, output


def without(tmp_path, lack):
    """A program that runs proxyd on a kernel which lacks something."""
    script = tmp_path / f"proxyd-without-{lack}"
    script.write_text(f'#!/bin/sh\nexec {sys.executable} {WITHOUT} {lack} {program("proxyd")} "$@"\n')
    script.chmod(0o755)
    return str(script)


@pytest.mark.parametrize("lack, level", [("seccomp", "Landlock .*, capabilities; missing: seccomp"),
                                         ("landlock", "seccomp, capabilities; missing: Landlock"),
                                         ("seccomp,landlock", "missing: Landlock, seccomp")])
def test_a_kernel_without_it(proxyd, udp_echo, peer, ctl, tmp_path, lack, level):  # noqa: F811
    """[Z-9] It serves, with one warning that has the level; doctor shows it; `required` makes it an error."""
    listener = ("127.0.0.1", free_port())
    socket = tmp_path / "gw.sock"
    config = configuration(listener, udp_echo().text, name="gw", control={"socket": str(socket)})
    daemon = proxyd(config, binary=without(tmp_path, lack))
    assert peer().ask(b"hello", listener) == b"hello"
    assert re.search(level, daemon.wait_line(INCOMPLETE).raw)
    assert len(daemon.lines(INCOMPLETE)) == 1 and not daemon.lines(REACHED)
    assert re.search(level, ask(socket, "status")[0]["sandbox"])
    daemon.stop()
    refused = proxyd({**config, "sandbox": "required"}, binary=without(tmp_path, lack), ready=False)
    assert refused.wait() == 1 and re.search("sandbox: required, but: .*" + level, refused.error_text())


def test_where_the_level_is_shown(proxyd, tmp_path):
    """[Z-9] In one line of the log and in `status`; `off` is a warning."""
    socket = tmp_path / "gw.sock"
    config = configuration(("127.0.0.1", free_port()), "127.0.0.1:9", name="gw", control={"socket": str(socket)})
    daemon = proxyd({**config, "sandbox": "required"})
    row, = ask(socket, "status")
    assert row["sandbox_complete"] and row["sandbox"] in daemon.wait_line(REACHED).raw
    assert len(daemon.lines(REACHED)) == 1
    daemon.stop()
    off = proxyd({**config, "sandbox": "off"})
    assert "off: the configuration says so" in off.wait_line(INCOMPLETE).raw
    assert {task["Seccomp"] for task in tasks_of(off.child())} == tasks_without_filter()


def tasks_without_filter():
    return {status_of("/proc/self/status")["Seccomp"]}


@pytest.mark.parametrize("user", [{"user": "nobody"}, {}], ids=["user", "root"])
def test_without_a_sandbox_children_have_no_capabilities(proxyd, evil_dns, user):
    """[Z-2] `sandbox: off` leaves out filters and files, not this: also a child that stays root has none."""
    config = {**all_roles(("127.0.0.1", free_port()), evil_dns), "sandbox": "off"}
    daemon = proxyd({**{key: value for key, value in config.items() if key != "user"}, **user})
    for pid in (daemon.log_process(), *(daemon.child(role) for role in ("REG", "ACR", "APR"))):
        for task in tasks_of(pid):
            assert not any(int(task[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"))
            assert task["NoNewPrivs"] == "1"


@pytest.fixture
def nobodys_folder():
    """Not below pytest's own, which is for root only."""
    folder, account = pathlib.Path(tempfile.mkdtemp(dir="/var/tmp")), pwd.getpwnam("nobody")
    os.chown(folder, account.pw_uid, account.pw_gid)
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def test_an_unprivileged_proxyd_is_not_dumpable(proxyd, evil_dns, nobodys_folder):
    """[Z-13] Its user cannot read the memory of its processes, and no process leaves a core file. The parent cannot count
    the files of its children then, and `doctor` says so instead of 0."""
    folder, nobody = nobodys_folder, pwd.getpwnam("nobody").pw_uid
    script = folder / "unprivileged"
    script.write_text("#!/bin/sh\nexec setpriv --reuid=nobody --regid=nogroup --clear-groups "
                      f'{shutil.copy(program("proxyd"), folder)} -d -f {folder}/gw.yaml\n')
    script.chmod(0o755)
    config = all_roles(("127.0.0.1", free_port()), evil_dns, name="gw", log={"to": "stderr"},
                       control={"socket": str(folder / "gw.sock")})
    (folder / "gw.yaml").write_text(yaml.safe_dump(config))
    daemon = proxyd(config, binary=str(script))
    for pid in (daemon.pid, daemon.log_process(), *(daemon.child(role) for role in ("REG", "ACR", "APR"))):
        assert {int(task["Uid"].split()[0]) for task in tasks_of(pid)} == {nobody}
        assert re.search(r"Max core file size +0 +0 ", pathlib.Path(f"/proc/{pid}/limits").read_text())
        assert os.stat(f"/proc/{pid}/environ").st_uid == 0
    unprivileged = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
    result = subprocess.run([*unprivileged, shutil.copy(program("proxyctl"), folder), "-s", folder / "gw.sock", "doctor"],
                            capture_output=True, text=True, timeout=60, check=False)
    assert "REG: open files: cannot be read" in result.stdout and ": 0 of" not in result.stdout, result.stdout


class Hostile:
    """A proxy whose REG an attacker has taken over, and a sound session through it."""

    def __init__(self, proxyd, peer, folder, **sections):
        self.socket = folder / "gw.sock"
        self.listener, self.server = ("127.0.0.1", free_port()), peer()
        limit = {"max-sessions": 100, "max-restarts": {"count": 1000, "within": "60s"}}
        sections = {"udpserver": limit, **sections}
        self.daemon = proxyd(configuration(self.listener, self.server.text, name="gw", user="nobody", proxy="hostile",
                                           control={"socket": str(self.socket)}, **sections), binary="proxyd-test")
        self.daemon.may_be_killed = True
        self.sound, self.attacker = peer(), peer()
        self.source = trip(self.sound, self.server, self.listener)

    def order(self, word):
        self.attacker.send(b"!" + word.encode(), self.listener)

    def check_sound(self):
        """The session of another client continues, from the same port."""
        assert trip(self.sound, self.server, self.listener, b"sound") == self.source


@pytest.fixture
def hostile(proxyd, peer, tmp_path):
    return lambda **sections: Hostile(proxyd, peer, tmp_path, **sections)


KILLED = {"socket": "socket", "raw": "socket", "unix": "socket", "exec": "execve", "fork": "clone", "namespace": "unshare",
          "ptrace": "ptrace", "kill": "kill", "stop": "tgkill", "code": "mmap", "handler": "rt_sigaction", "bpf": "bpf",
          "io_uring": "io_uring_setup", "bind": "bind", "shut": "shutdown", "fastopen": "sendto"}


@pytest.mark.parametrize("half", [0, 1])  # after ten deaths soon after a start the sessions are not adopted any more
def test_a_violation_kills_only_that_child(hostile, half):
    """[Z-4][Z-6] Each attempt of a REG that was taken over kills it; the line has the call's name; it is counted, the
    next REG adopts, and the sessions of others continue from the same port."""
    proxy = hostile()
    for number, (word, call) in enumerate(list(KILLED.items())[half::2], 1):
        reg = proxy.daemon.child()
        proxy.order(word)
        line = proxy.daemon.wait_line(FORBIDDEN, count=number)
        assert f"REG: killed, pid {reg}: forbidden system call {call}" in line.raw
        proxy.daemon.child(other_than=reg)
        proxy.check_sound()
        row = next(row for row in ask(proxy.socket, "ps") if row["role"] == "REG")
        assert row["forbidden_calls"] == number and "Bad system call" in row["last_exit"]
    assert proxy.daemon.running and not pathlib.Path("/tmp/hostile").exists()
    doctor = run_program("proxyctl", "-s", str(proxy.socket), "doctor")
    assert f"REG: killed {number} times for a forbidden system call" in doctor.stdout, doctor.stdout + doctor.stderr


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("order", ["connect 9", "connect 0", "mute"])
def test_what_it_did_to_the_listeners_ends_with_it(hostile, peer, order, workers):
    """[Z-14] The next REG has listeners that are not connected and have no filter: sessions continue, others begin."""
    proxy = hostile(udpserver={"max-sessions": 100, "workers": workers})
    reg = proxy.daemon.child()
    proxy.order(order)

    def is_silent():
        try:
            with contextlib.closing(peer()) as client:
                client.send(b"heard?", proxy.listener)
                proxy.server.receive(0.2)
            return False
        except (AssertionError, OSError):
            return True
    wait_for(is_silent, 10)
    os.kill(reg, signal.SIGKILL)
    proxy.daemon.child(other_than=reg)
    with contextlib.suppress(AssertionError):
        while True:
            proxy.server.receive(0.2)  # what came late
    proxy.check_sound()
    trip(peer(), proxy.server, proxy.listener, b"new")


@pytest.mark.parametrize("word", ["open", "write"])
def test_reg_opens_no_file(hostile, tmp_path, word):
    """[Z-4] Neither for reading nor for writing, which is LOG's work: also with a status file."""
    proxy = hostile(**{"status-file": {"path": str(tmp_path / "status"), "every": "1s"}})
    proxy.order(word)
    assert "REG: killed" in (line := proxy.daemon.wait_line(FORBIDDEN).raw) and "openat" in line
    assert not pathlib.Path("/tmp/hostile").exists()
    proxy.check_sound()


def test_forged_messages(hostile):
    """[Z-14] Every type of message, with random contents, to every process: REG may lose its link and be replaced; the
    parent and the sound session stay."""
    proxy = hostile()
    for kind in range(20):
        proxy.order(f"forge {kind}")
        proxy.check_sound()
    assert proxy.daemon.running and ask(proxy.socket, "version")
    proxy.check_sound()


@pytest.mark.parametrize("order", ["flood 0", "flood 3", "ask"], ids=["unknown", "pong", "requests for sockets"])
def test_a_flood_of_messages(hostile, order):
    """[Z-14] The parent still answers, restarts REG if need be, and its log does not grow with the flood."""
    proxy = hostile()
    proxy.order(order)
    for _ in range(20):
        assert ask(proxy.socket, "version")
    wait_for(lambda: all(row["state"] == "up" for row in ask(proxy.socket, "ps")), 20)
    proxy.check_sound()
    assert proxy.daemon.log_path.stat().st_size < 1_000_000


def test_no_child_may_use_the_control_socket(proxyd, peer, tmp_path):
    """[Z-14] A child that can connect, without a sandbox here, is refused, although its user may control the proxy."""
    socket, listener = tmp_path / "gw.sock", ("127.0.0.1", free_port())
    config = configuration(listener, peer().text, name="gw", proxy="hostile", sandbox="off", control={"socket": str(socket)})
    daemon = proxyd(config, binary="proxyd-test", environment={"HOSTILE_SOCKET": str(socket)})
    with contextlib.closing(peer()) as attacker:
        attacker.send(b"!control", listener)
        assert f"pid {daemon.child()} may not use it" in daemon.wait_line(REFUSED).raw
        assert attacker.receive()[0].startswith(b"done")
    assert daemon.running and ask(socket, "version")


def standard_descriptors(pid):
    return [os.readlink(f"/proc/{pid}/fd/{number}") for number in range(3)]


@pytest.mark.parametrize("target", ["file", "stderr"])
def test_children_have_no_terminal(proxyd, evil_dns, target):
    """[Z-15] Also in the foreground stdin, stdout and stderr are /dev/null; LOG has stderr if it writes there, the next
    LOG too."""
    log = {"log": {"to": "stderr"}} if target == "stderr" else {}
    daemon = proxyd(all_roles(("127.0.0.1", free_port()), evil_dns, **log))
    error = str(daemon.error_path) if target == "stderr" else "/dev/null"
    for role in ("REG", "ACR", "APR"):
        assert standard_descriptors(daemon.child(role)) == ["/dev/null"] * 3
    assert standard_descriptors(daemon.log_process()) == ["/dev/null", "/dev/null", error]
    assert standard_descriptors(daemon.pid)[2] == str(daemon.error_path)
    old = daemon.log_process()
    os.kill(old, signal.SIGKILL)
    assert standard_descriptors(daemon.log_process(other_than=old)) == ["/dev/null", "/dev/null", error]
    daemon.wait_line(DIED, text="LOG")


def test_a_taken_over_reg_with_a_damaged_arena(hostile):
    """[Z-14][E-3] After it has written over the arena, the next REG serves."""
    proxy = hostile()
    with open(arena_of(proxy.daemon.pid), "r+b", buffering=0) as arena:
        arena.write(os.urandom(200_000))
    reg = proxy.daemon.child()
    proxy.order("fork")
    proxy.daemon.wait_line(FORBIDDEN)
    proxy.daemon.child(other_than=reg)
    proxy.sound.close()

    def served():
        try:
            proxy.attacker.send(b"new", proxy.listener)
            return proxy.server.receive(0.2)[0] == b"new"
        except AssertionError:
            return False
    wait_for(served, 10)


def test_names_without_files(proxyd, evil_dns, tmp_path):
    """[Z-5] Nothing outside the folder of the hosts file is read."""
    status, output = selftest(tmp_path, resolver={"servers": ["127.0.0.1:53"], "hosts-file": "/etc/hosts"})
    assert status == 0, output
    assert re.search(r"^ACR +read a file +denied", output, re.M) and re.search(r"^APR +read a file +denied", output, re.M)


def test_a_hosts_file_that_is_replaced(proxyd, evil_dns, nobodys_folder, tmp_path):
    """[Z-5] The file that takes its place is read, too: the sandbox allows the folder."""
    hosts, socket = nobodys_folder / "hosts", tmp_path / "gw.sock"
    hosts.write_text("127.0.0.21 a.example\n")
    config = all_roles(("127.0.0.1", free_port()), evil_dns, name="gw", sandbox="required", control={"socket": str(socket)})
    proxyd({**config, "resolver": resolver(evil_dns, hosts_file=str(hosts))})
    wait_for(lambda: "127.0.0.21" in str(ask(socket, "names")), 10)
    (nobodys_folder / "new").write_text("127.0.0.22 a.example\n")
    (nobodys_folder / "new").rename(hosts)
    wait_for(lambda: ask(socket, "refresh") and "127.0.0.22" in str(ask(socket, "names")), 10)


def test_the_page_and_the_drop_in():
    """[Z-1] The table in proxyd(8) and the drop-in for systemd are generated from the table of the program."""
    top = pathlib.Path(__file__).resolve().parents[2]
    subprocess.run([top / "tests/lint/sandbox_page.sh", program("sandbox-page")], check=True, timeout=60, cwd=top)


def test_the_hostile_proxy_is_not_in_the_program():
    """[Z-14] It is in proxyd-test only."""
    with_it, released = (pathlib.Path(program(name)).read_bytes() for name in ("proxyd-test", "proxyd"))
    assert b"HostileHandler" in with_it and b"HostileHandler" not in released
