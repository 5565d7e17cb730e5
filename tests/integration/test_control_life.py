"""proxyctl ends and starts proxies; and who may use a control socket at all."""
import grp
import os
import pathlib
import pwd
import shutil
import socket
import subprocess
import tempfile
import time

import pytest
import yaml

from control_gateway import ctl, echo, gw  # noqa: F401
from deadline import SLOWNESS, wait_for
from free_ports import free_port
from processes import is_alive
from programs import program
from proxyctl_run import FAILED, GOOD, NO_RIGHT, NOT_RUNNING
from proxyd_process import configuration

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become other users")


def bind(listener):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(listener)


def test_the_ports_are_free_when_stop_returns(gw, echo, peer):
    """[K-76] Nothing is left: no process, no socket file; sessions are reported."""
    one = gw(echo)
    peer().ask(b"x", one.listener)
    with pytest.raises(OSError):
        bind(one.listener)
    assert one("stop", status=GOOD).stdout == "gw: stopped\n"
    bind(one.listener)
    assert not is_alive(one.daemon.pid) and not (one.ctl.run_dir / "gw.sock").exists()
    assert one.daemon.wait() == 0 and len(one.daemon.records(REASON="process-end")) == 1
    one("stop", status=NOT_RUNNING)


def test_a_graceful_end_waits_for_the_last_session(gw, echo, peer):
    """[O-13] A running session lives on, no new one begins, and the end comes with the end of the last one.
    Refusals that come in a burst are one record."""
    one = gw(echo, rule={"limits": {"idle": "1s"}})
    client, late = peer(), peer("127.0.0.2")
    client.ask(b"x", one.listener)
    stopping = one.ctl.start(one.name, "stop", "--graceful", "1m")
    wait_for(lambda: "stopping: no new sessions" in one("status").stdout, what="the state")
    for _ in range(5):
        assert client.ask(b"still", one.listener) == b"still"
        late.send(b"late", one.listener)
        time.sleep(0.3)
    late.receive_nothing()
    assert stopping.poll() is None
    output, errors = stopping.communicate(timeout=10 * SLOWNESS)
    assert (stopping.returncode, output, errors) == (GOOD, "gw: stopped\n", "")
    bind(one.listener)
    assert one.daemon.wait() == 0
    refused = one.daemon.records(REASON="admin")
    assert {record["STATUS"] for record in refused} == {"REJECTED"} and len(refused) <= 3 + SLOWNESS
    assert sum(int(record["COUNT"]) for record in refused) == 5
    accepted = [record for record in one.daemon.records() if record["STATUS"] != "REJECTED"]
    assert [(record["REASON"], record["DATAGRAMS-COUT"]) for record in accepted] == [("idle", "6")]


def test_a_graceful_end_with_nothing_to_wait_for(gw, echo):
    one = gw(echo)
    before = time.monotonic()
    one("stop", "--graceful", "1m", status=GOOD)
    assert time.monotonic() - before < 2 * SLOWNESS and one.daemon.wait() == 0


def test_a_graceful_end_has_a_limit(gw, echo, peer):
    """[O-13] Then the sessions that are left are ended and reported."""
    one = gw(echo)
    peer().ask(b"x", one.listener)
    before = time.monotonic()
    one("stop", "--graceful", "1s", status=GOOD)
    assert 1 <= time.monotonic() - before < 1 + 3 * SLOWNESS
    assert one.daemon.wait() == 0 and len(one.daemon.records(REASON="process-end")) == 1


@pytest.mark.parametrize("second", [("stop",), ("stop", "--graceful", "1m")])
def test_a_second_stop_ends_at_once(gw, echo, peer, second):
    """[O-13]"""
    one = gw(echo)
    peer().ask(b"x", one.listener)
    first = one.ctl.start(one.name, "stop", "--graceful", "1m")
    wait_for(lambda: "stopping: no new sessions" in one("status").stdout, what="the state")
    before = time.monotonic()
    one(*second, status=GOOD)
    assert time.monotonic() - before < 3 * SLOWNESS
    assert first.wait(5 * SLOWNESS) == GOOD and one.daemon.wait() == 0


def test_a_reg_that_dies_while_the_proxy_ends_gracefully(gw, echo, peer):
    """[O-13] Its successor lets no new session begin either."""
    one = gw(echo)
    client, late = peer(), peer("127.0.0.2")
    client.ask(b"x", one.listener)
    first = one.ctl.start(one.name, "stop", "--graceful", "1m")
    wait_for(lambda: "stopping: no new sessions" in one("status").stdout, what="the state")
    one.daemon.replace_child()
    assert client.ask(b"y", one.listener) == b"y"
    late.send(b"late", one.listener)
    late.receive_nothing()
    one("stop", status=GOOD)
    assert first.wait(5 * SLOWNESS) == GOOD and one.daemon.wait() == 0


def test_start_restart_and_stop_of_a_daemon(ctl, proxyd, echo, peer):  # noqa: F811
    """[K-73][K-76] From the configuration in the folder; restart takes the file that the running one was started with."""
    listener = ("127.0.0.1", free_port())
    config = {"name": "gw", **configuration(listener, echo, control={"socket": str(ctl.run_dir / "gw.sock")},
                                            log={"to": str(ctl.folder / "log")})}
    (ctl.conf_dir / "gw.yaml").write_text(yaml.safe_dump(config))
    try:
        assert ctl("gw", "status").returncode == 2
        assert ctl("gw", "start", status=GOOD).stdout == "gw: started\n"
        first = ctl.rows("gw", "version")[0]["pid"]
        assert "already running" in ctl("gw", "start", status=FAILED).stderr
        assert peer().ask(b"x", listener) == b"x"
        assert ctl("gw", "restart", status=GOOD).stdout == "gw: stopped\ngw: started\n"
        second = ctl.rows("gw", "version")[0]["pid"]
        assert first != second and not is_alive(first) and peer().ask(b"x", listener) == b"x"
        (ctl.conf_dir / "gw.yaml").write_text("name: gw\nlisten: x\n")
        error = ctl("gw", "restart", status=FAILED).stderr
        assert "not restarted: " in error and "gw.yaml:1:1: " in error and "lists all " in error
        (ctl.conf_dir / "gw.yaml").write_text(yaml.safe_dump({**config, "user": "no-such-user"}))
        assert "no account 'no-such-user'" in ctl("gw", "restart", status=FAILED).stderr
        assert "no account 'no-such-user'" in ctl("gw", "doctor").stdout
        taken = peer()
        for address, port, why in (*taken.address, "already in use"), ("192.0.2.99", listener[1], "Cannot assign"):
            other = {**config, "listen-on": [*config["listen-on"], {"address": address, "port": port}]}
            (ctl.conf_dir / "gw.yaml").write_text(yaml.safe_dump(other))
            error = ctl("gw", "restart", status=FAILED).stderr
            assert "not restarted: it could not listen at" in error and f"{address}:{port}: " in error and why in error
        assert ctl.rows("gw", "version")[0]["pid"] == second and peer().ask(b"x", listener) == b"x"
    finally:
        ctl("gw", "stop")


# --- rights

@pytest.fixture
def open_folder():
    """A folder that every user can enter, unlike those of the test run."""
    with tempfile.TemporaryDirectory(prefix="proxyctl-test-") as folder:
        path = pathlib.Path(folder)
        path.chmod(0o755)
        shutil.copy(program("proxyctl"), path / "proxyctl")
        yield path


def by_nobody(folder, *words, groups=()):
    """proxyctl, given by the user nobody as a member of these groups."""
    result = subprocess.run([folder / "proxyctl", "-s", folder / "gw.sock", *words], user="nobody",
                            group=pwd.getpwnam("nobody").pw_gid, extra_groups=list(groups), capture_output=True,
                            text=True, timeout=20 * SLOWNESS, cwd="/", env={"LC_ALL": "C.UTF-8"})
    return result


@root_only
@pytest.mark.parametrize("mode, told", [("0666", "you may not control this proxy"), ("0660", "permission denied")])
def test_a_stranger_is_refused(gw, echo, open_folder, mode, told):
    """[O-45] Whether the file lets him connect or not."""
    one = gw(echo, control={"socket": str(open_folder / "gw.sock"), "mode": mode})
    for words in (["ps"], ["stop"], ["kill", "REG"]):
        answer = by_nobody(open_folder, *words)
        assert answer.returncode == NO_RIGHT and told in answer.stderr and answer.stdout == "", answer
    assert one.daemon.running
    assert bool(one.daemon.lines(text="may not use it")) == (mode == "0666")


@root_only
def test_the_read_only_group_looks_and_changes_nothing(gw, echo, peer, open_folder):
    """[K-75] Every command that shows; none that changes."""
    group = next(entry for entry in grp.getgrall() if entry.gr_name == "games")
    one = gw(echo, control={"socket": str(open_folder / "gw.sock"), "read-only-group": group.gr_name})
    peer().ask(b"x", one.listener)
    pid = one.daemon.child()
    to = "127.0.0.1:%d" % one.listener[1]
    for words in (["ps"], ["status"], ["version"], ["sessions"], ["session", "0.1"], ["rules"], ["stats"], ["info"],
                  ["config", "--effective"], ["log", "level"], ["explain", "from", "127.0.0.1", "to", to],
                  ["explain", "--last", "127.0.0.1"]):
        answer = by_nobody(open_folder, *words, groups=[group.gr_gid])
        assert answer.returncode == GOOD and answer.stderr == "", (words, answer)
    for words in (["kill", "REG"], ["kill", "--every"], ["stop"], ["signal", "TERM"], ["log", "level", "9"],
                  ["log", "reopen"], ["stop", "--graceful", "1s"]):
        answer = by_nobody(open_folder, *words, groups=[group.gr_gid])
        assert answer.returncode == NO_RIGHT and "you have read-only access" in answer.stderr, (words, answer)
    assert one.daemon.running and one.daemon.child() == pid


@root_only
def test_the_group_may_do_everything(gw, echo, open_folder):
    """[O-45] And no other user."""
    group = next(entry for entry in grp.getgrall() if entry.gr_name == "games")
    one = gw(echo, control={"socket": str(open_folder / "gw.sock"), "group": group.gr_name})
    assert by_nobody(open_folder, "ps").returncode == NO_RIGHT
    assert by_nobody(open_folder, "log", "level", "7", groups=[group.gr_gid]).returncode == GOOD
    assert by_nobody(open_folder, "stop", groups=[group.gr_gid]).returncode == GOOD
    assert one.daemon.wait() == 0
