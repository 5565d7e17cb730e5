"""How proxyctl finds, starts, stops and checks instances."""
import contextlib
import json
import os
import pathlib
import pwd
import re
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import time

import pytest

from deadline import SLOWNESS, wait_for
from evil_dns import EvilDns, garbage, nodata, refused, servfail
from fake_control import SILENCE, error
from free_ports import free_port
from processes import die_with_parent, is_alive
from programs import top
from proxyctl_run import FAILED, GOOD, MISUSED, NOT_RUNNING, NO_RIGHT, TIMED_OUT, ctl  # noqa: F401

SERVING = [{"name": "gw", "state": "serving", "why": "", "listeners": ["127.0.0.1:53"]}]
DEGRADED = [{"name": "sip", "state": "degraded", "why": "ACR is down", "listeners": []}]


@pytest.fixture
def stoppable(ctl):  # noqa: F811
    """`stoppable(name, seconds)`: a process that ends so long after `stop`; waits until it listens."""
    processes = []

    def start(name="gw", seconds=0):
        path = ctl.run_dir / f"{name}.sock"
        processes.append(subprocess.Popen([sys.executable, str(top / "tests/support/fake_control.py"), str(path),
                                           str(seconds)], preexec_fn=die_with_parent))
        wait_for(path.exists, what="the fake proxy listens")
        return processes[-1]
    yield start
    for process in processes:
        process.kill()
        process.wait()


@pytest.fixture
def fake_proxyd(ctl):  # noqa: F811
    """`fake_proxyd(shell text)` is the program that `start` runs; its arguments are written to a file."""
    def make(text="exit 0"):
        program = ctl.folder / "proxyd"
        program.write_text(f'#!/bin/sh\necho "$@" >>"{ctl.folder}/started"\n{text}\n')
        program.chmod(0o755)
        ctl.environment["PROXYD_PROGRAM"] = str(program)
    return make


def started(ctl):  # noqa: F811
    path = ctl.folder / "started"
    return path.read_text() if path.exists() else ""


# --- which instance

def test_the_only_instance_needs_no_name(ctl):
    fake = ctl.fake("gw", {"rules": [{"rule": "lan"}]})
    for choice in ([], ["gw"], ["-s", fake.path], ["--all"]):
        ctl(*choice, "rules", status=GOOD)
    assert len(fake.requests) == 4


def test_one_of_several_must_be_named(ctl):
    ctl.fake("gw", {"rules": []})
    ctl.fake("sip", {"rules": []})
    told = ctl("rules", status=MISUSED).stderr
    assert "2 instances found" in told and "gw, sip" in told
    told = ctl("gww", "rules", status=NOT_RUNNING).stderr
    assert "unknown instance 'gww' (found: gw, sip)" in told
    ctl("sip", "rules", status=GOOD)


def test_there_is_none(ctl):
    told = ctl("rules", status=NOT_RUNNING).stderr
    assert str(ctl.run_dir) in told and str(ctl.conf_dir) in told
    ctl.environment["PROXYD_RUN_DIR"] = str(ctl.folder / "nowhere")
    ctl("rules", status=NOT_RUNNING)
    assert "no instances" in ctl("show-app", status=GOOD).stdout


def test_an_instance_with_the_name_of_a_command(ctl):
    """The next word decides: `rules rules` is the command for the instance."""
    fake = ctl.fake("rules", {"rules": [], "ps": []})
    ctl("rules", status=GOOD)
    ctl("rules", "ps", status=GOOD)
    ctl("ru", "ps", status=MISUSED)  # a shortened command with an argument too many
    assert [request["command"] for request in fake.requests] == ["rules", "ps"]


def test_an_instance_that_begins_as_a_command(ctl):
    """The full name of an instance takes precedence over an abbreviated command."""
    fake = ctl.fake("rul", {"ps": [], "rules": []})
    ctl("rul", "ps", status=GOOD)
    assert fake.last() == ("ps", {})


def test_all_instances_in_turn(ctl):
    """--all: each has its name above, a failure does not stop the remaining ones, the worst status counts."""
    ctl.fake("a", {"rules": error("no", "refused")})
    ctl.fake("b", {"rules": [{"rule": "lan"}]})
    ctl.configure("c")
    result = ctl("--all", "rules", status=NO_RIGHT)
    assert result.stdout.splitlines() == ["a:", "b:", "rule  lan", "c:"] or "b:\nRULE\nlan" in result.stdout
    assert "a: no" in result.stderr and "c: " in result.stderr and "is not running" in result.stderr
    assert ctl("--all", "--json", "rules", status=NO_RIGHT).stdout == '{"instance":"b","rule":"lan"}\n'


def test_the_socket_of_the_configuration(ctl):
    """`control: {socket: ...}` is found by the instance's name, wherever it is."""
    other = ctl.folder / "elsewhere.sock"
    path = ctl.configure("gw")
    path.write_text(path.read_text() + f"control: {{socket: {other}}}\n")
    result = ctl("show-app", "--json")
    assert json.loads(result.stdout)["socket"] == str(other)
    assert str(other) in ctl("gw", "ps", status=NOT_RUNNING).stderr


def test_status_of_all(ctl):
    """Without a name one line for each; the worst counts."""
    ctl.fake("gw", {"status": SERVING})
    assert ctl("status", status=0).stdout == "gw: serving, 127.0.0.1:53\n"
    ctl.fake("sip", {"status": DEGRADED})
    assert ctl("status", status=1).stdout == "gw: serving, 127.0.0.1:53\nsip: degraded: ACR is down\n"
    ctl.configure("zz")
    assert "zz: down" in ctl("status", status=2).stdout
    assert [row["state"] for row in map(json.loads, ctl("--json", "status").stdout.splitlines())] == \
        ["serving", "degraded", "down"]
    ctl("gw", "status", status=0)
    ctl.fake("mute", {"status": [SILENCE]})
    assert "mute: no-answer" in ctl("--timeout", "300ms", "mute", "status", status=2).stdout


def test_show_app(ctl):
    """[K-72] Instances and configurations with their states."""
    ctl.fake("gw", {"status": SERVING})
    gw = ctl.configure("gw")
    ctl.configure("idle")
    (ctl.conf_dir / "broken.yaml").write_text("name: broken\nudpserver: 5\n")
    (ctl.conf_dir / ".hidden.yaml").write_text("")
    (ctl.conf_dir / "notes.txt").write_text("")
    rows = {row["name"]: row for row in ctl.rows("show-app")}
    assert {name: row["state"] for name, row in rows.items()} == {"gw": "serving", "idle": "down", "broken": "down"}
    assert rows["gw"]["configuration"] == str(gw)
    lines = ctl("SHOW-APP", status=GOOD).stdout.splitlines()
    assert lines[0].split() == ["NAME", "STATE", "CONFIGURATION", "SOCKET"] and len(lines) == 4


# --- begin and end

def test_start(ctl, fake_proxyd):
    """It runs proxyd with the configuration and reports its failure."""
    fake_proxyd()
    path = ctl.configure("gw")
    assert ctl("start", status=GOOD).stdout == "gw: started\n"
    assert started(ctl) == f"-f {path}\n"
    fake_proxyd("echo cannot start >&2; exit 1")
    result = ctl("start", status=FAILED)
    assert "cannot start" in result.stderr and "gw: proxyd exited with status 1" in result.stderr
    fake_proxyd("kill -9 $$")
    assert "status 137" in ctl("start", status=FAILED).stderr


def test_start_of_a_running_one_is_skipped(ctl, fake_proxyd):
    """[K-73] A warning, and the exit status says so."""
    fake_proxyd()
    ctl.configure("gw")
    ctl.fake("gw", {"status": SERVING})
    assert ctl("start", status=FAILED).stderr == "proxyctl: gw: already running, skipped\n"
    assert started(ctl) == ""


def test_start_without_a_configuration(ctl, fake_proxyd):
    fake_proxyd()
    ctl.fake("gw")
    assert "no configuration" in ctl("start", status=NOT_RUNNING).stderr


def test_start_of_one_that_stays_in_the_foreground(ctl, fake_proxyd):
    fake_proxyd()
    ctl.configure("gw", nodaemon=True)
    assert "nodaemon" in ctl("start", status=FAILED).stderr and started(ctl) == ""


def test_restart_of_one_that_stays_in_the_foreground(ctl, stoppable, fake_proxyd):
    """It is not stopped, since it could not be started; wherever its file is."""
    fake_proxyd()
    path = ctl.configure("gw", nodaemon=True)
    process = stoppable("gw")
    assert f"gw: not restarted: {path} sets nodaemon" in ctl("restart", status=FAILED).stderr
    assert is_alive(process.pid) and started(ctl) == ""


def test_start_that_does_not_end(ctl, fake_proxyd):
    fake_proxyd("exec sleep 3")
    ctl.configure("gw")
    assert "is still running" in ctl("--timeout", "300ms", "start", status=TIMED_OUT).stderr


def test_start_without_the_program(ctl):
    ctl.environment["PROXYD_PROGRAM"] = "/nonexistent/proxyd"
    ctl.configure("gw")
    assert "No such file" in ctl("start", status=FAILED).stderr


def test_stop_waits_for_the_end(ctl, stoppable):
    """[K-76] It returns only when the parent process is gone."""
    process = stoppable(seconds=0.5)
    began = time.monotonic()
    assert ctl("stop", status=GOOD).stdout == "gw: stopped\n"
    assert not is_alive(process.pid) and time.monotonic() - began >= 0.5


def test_stop_gives_up(ctl, stoppable):
    """[K-76] It gives up after the timeout and names the process that still runs."""
    process = stoppable(seconds=60)
    told = ctl("--timeout", "400ms", "stop", status=TIMED_OUT).stderr
    assert f"gw: pid {process.pid} did not exit within 400ms" in told and is_alive(process.pid)


def test_graceful_stop_waits_longer(ctl, stoppable):
    """[O-13] The limit of the sessions is added to the timeout."""
    stoppable(seconds=1)
    ctl("--timeout", f"{int(300 * SLOWNESS)}ms", "stop", "--graceful", "5s", status=GOOD)


def test_graceful_stop_is_asked_for(ctl):
    fake = ctl.fake("gw", {"stop": error("it may not", "refused")})
    ctl("stop", "--graceful", "5m", status=NO_RIGHT)
    assert fake.last() == ("stop", {"graceful_ms": 300000})


def test_stop_of_one_that_does_not_run(ctl):
    ctl.configure("gw")
    assert "is not running" in ctl("stop", status=NOT_RUNNING).stderr


def test_restart(ctl, stoppable, fake_proxyd):
    """[K-76] Stop, then start."""
    fake_proxyd(f'test ! -e "{ctl.run_dir}/gw.sock" || exit 7')
    path = ctl.configure("gw")
    process = stoppable(seconds=0.3)
    assert ctl("restart", status=GOOD).stdout == "gw: stopped\ngw: started\n"
    assert not is_alive(process.pid) and started(ctl) == f"-f {path}\n"
    result = ctl("restart", status=GOOD)
    assert "was not running" in result.stderr and result.stdout == "gw: started\n"


def test_restart_starts_no_file_that_a_reply_names(ctl, fake_proxyd):
    """[G-8] It starts the file with the instance's name in the folder of configurations, or the one after --file."""
    fake_proxyd()
    other = ctl.folder / "other.yaml"
    other.write_text((ctl.configure("elsewhere")).read_text())
    fake = ctl.fake("gw", {"version": [{"name": "gw", "config": str(other)}], "stop": []})
    told = ctl("gw", "restart", status=NOT_RUNNING).stderr
    assert f"not restarted: no configuration in {ctl.conf_dir}; name the file with --file" in told
    path = ctl.configure("gw")
    told = ctl("gw", "restart", status=FAILED).stderr
    assert f"it runs with {other}, but {path} has its name; name one with --file" in told
    assert "stop" not in [request["command"] for request in fake.requests]
    assert not (ctl.folder / "started").exists() and "cannot read" not in told


def test_restart_with_a_file(ctl, stoppable, fake_proxyd):
    """[G-8] The file that the user names."""
    fake_proxyd()
    other = ctl.folder / "other.yaml"
    other.write_text(ctl.configure("gw").read_text())
    stoppable(seconds=0.1)
    assert ctl("restart", "--file", other, status=GOOD).stdout == "gw: stopped\ngw: started\n"
    assert started(ctl) == f"-f {other}\n"


def test_the_file_of_a_reply_is_not_read(ctl):
    """[G-8] `config` without a configuration of this name."""
    secret = ctl.folder / "secret"
    secret.write_text("secret")
    ctl.fake("gw", {"version": [{"name": "gw", "config": str(secret)}]})
    result = ctl("config", status=NOT_RUNNING)
    assert result.stdout == "" and "no configuration in" in result.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become other users")
def test_a_socket_of_another_user_is_not_used(ctl):
    """[G-8] Served by a user who is neither root nor the caller, or in a folder that others may write to."""
    nobody = pwd.getpwnam("nobody")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="proxyctl-test-"))
    folder.chmod(0o1777)
    script = (f"import socket, time; s = socket.socket(socket.AF_UNIX); s.bind('{folder}/gw.sock'); s.listen(4); "
              "print('ready', flush=True); time.sleep(30)")
    process = subprocess.Popen([sys.executable, "-c", script], user=nobody.pw_uid, stdout=subprocess.PIPE, text=True,
                               cwd="/", env={})
    try:
        assert process.stdout.readline() == "ready\n"
        told = ctl("-s", folder / "gw.sock", "stop", status=FAILED).stderr
        assert f"served by uid {nobody.pw_uid}, which is neither root nor you" in told
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        shutil.rmtree(folder)
    fake = ctl.fake("gw", {"status": SERVING})
    ctl.run_dir.chmod(0o777)
    assert "other users may replace files in" in ctl("gw", "ps", status=FAILED).stderr and fake.requests == []
    ctl.run_dir.chmod(0o755)
    ctl("gw", "status", status=0)


def test_the_name_may_follow_the_command(ctl, fake_proxyd):
    """[G-9] `start gw`, `reload gw`, `status gw`; what is no instance is an error without a suggestion to stop it."""
    fake_proxyd()
    ctl.configure("gw")
    ctl.configure("vpn")
    assert ctl("start", "gw", status=GOOD).stdout == "gw: started\n"
    fake = ctl.fake("gw", {"status": SERVING, "reload": [{"result": "unchanged", "warnings": 0, "changes": 0}],
                           "stop": []})
    assert ctl("status", "gw", status=0).stdout.startswith("gw: serving")
    assert "gw: the configuration has not changed" in ctl("reload", "gw", status=GOOD).stdout
    ctl("reload", "--check", "gw", status=GOOD)
    assert fake.last() == ("reload", {"check": True})
    for words in (["stop", "wg"], ["restart", "wg"], ["status", "wg"]):
        told = ctl(*words, status=MISUSED).stderr
        assert "no such instance; `proxyctl show-app` lists them" in told and "proxyctl gw" not in told
    assert "selected already" in ctl("vpn", "status", "gw", status=MISUSED).stderr
    assert "stop" not in [request["command"] for request in fake.requests]


def test_no_typing_error_suggests_to_stop(ctl):
    """[G-9] Nor to restart or to kill."""
    for word in ("stpo", "stopp", "restrat", "kil_"):
        told = ctl(word, status=MISUSED).stderr
        assert "unknown command" in told and "did you mean" not in told
    assert "did you mean reload?" in ctl("relaod", status=MISUSED).stderr


def test_errors_of_a_reload_have_a_line_each(ctl):
    """[G-10] On a terminal and in a log; --json has the verdict."""
    ctl.fake("gw", {"reload": [{"result": "rejected", "errors": ["a.yaml:1:2: one", "a.yaml:3:4: two"]},
                               {"error": "a.yaml:1:2: one\na.yaml:3:4: two", "code": "refused"}]})
    assert ctl("reload", status=NO_RIGHT).stderr == "proxyctl: a.yaml:1:2: one\nproxyctl: a.yaml:3:4: two\n"
    result = ctl("--json", "reload", status=NO_RIGHT)
    assert json.loads(result.stdout)["result"] == "rejected" and result.stderr.count("\n") == 2


def test_a_reload_that_only_warns_changed_nothing(ctl):
    """[G-10] The proxy's verdict counts, not the number of lines."""
    warning = {"kind": "warning", "text": "warning: a.yaml:1:2: odd"}
    ctl.fake("gw", {"reload": [warning, {"result": "unchanged", "warnings": 1, "changes": 0}]})
    assert ctl("reload", status=GOOD).stdout == "warning: a.yaml:1:2: odd\ngw: the configuration has not changed\n"
    assert ctl.rows("reload")[-1] == {"result": "unchanged", "warnings": 1, "changes": 0}


def test_a_slow_reader_of_json_gets_everything(ctl):
    """[G-13] More than all buffers hold, read slowly."""
    rows = [{"id": f"{number}.1", "pad": "x" * 400} for number in range(2000)]
    ctl.fake("gw", {"sessions": rows})
    process = ctl.start("--json", "sessions")
    count = 0
    for line in process.stdout:
        assert json.loads(line)["id"] == f"{count}.1"
        count += 1
        if count % 100 == 0:
            time.sleep(0.02)
    assert count == 2000 and process.wait(20) == 0


# --- configuration, doctor, manual

def test_config(ctl):
    """As written, and as it takes effect; by the running instance, or by the file if it is down."""
    path = ctl.configure("gw")
    assert ctl("config", status=GOOD).stdout == path.read_text()
    assert "max-sessions: 1000" in ctl("config", "--effective", status=GOOD).stdout
    fake = ctl.fake("gw", {"config": [{"text": 'name: "gw"'}, {"text": "  a: \\b"}]})
    assert ctl("config", "--effective", status=GOOD).stdout == 'name: "gw"\n  a: \\b\n'
    assert fake.last() == ("config", {})
    (ctl.conf_dir / "bad.yaml").write_text("name: bad\n")
    assert "errors" in ctl("bad", "config", "--effective", status=FAILED).stderr


def test_version_without_an_instance(ctl):
    assert ctl("version", status=GOOD).stdout.startswith("proxyctl 0.")
    assert ctl.rows("version")[0]["name"] == "proxyctl"


def test_man(ctl):
    """It runs man(1)."""
    folder = ctl.folder / "bin"
    folder.mkdir()
    (folder / "man").write_text('#!/bin/sh\necho "page $*"\n')
    (folder / "man").chmod(0o755)
    ctl.environment["PATH"] = f"{folder}:{ctl.environment['PATH']}"
    assert ctl("man", status=GOOD).stdout == "page proxyctl\n"


def findings(ctl, *arguments):  # noqa: F811
    result = ctl("--json", *arguments, "doctor")
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    worst = max((["ok", "warn", "bad"].index(row["finding"]) for row in rows), default=0)
    assert result.returncode == worst, result.stderr
    return rows


def test_doctor_without_an_instance(ctl):
    """It checks the machine."""
    texts = [row["what"] for row in findings(ctl)]
    assert any("clock" in text for text in texts) and any("core_pattern" in text for text in texts)


def test_doctor_of_one_that_is_down(ctl):
    ctl.configure("gw")
    rows = findings(ctl)
    assert any(row["finding"] == "bad" and "gw: down" in row["what"] for row in rows)
    assert any("receive-buffer" in row["what"] for row in rows)
    assert any("ephemeral ports" in row["what"] for row in rows)


@pytest.mark.parametrize("answer, what, remedy", [
    ([SILENCE], "gw: no-answer", "ps(1)"),
    (error("only members of adm may ask", "refused"), "gw: no-right", "as root or as a member of control.group"),
    ([{**SERVING[0], "state": "degraded", "why": "REG is failing"}], "gw: degraded: REG is failing", "findings below"),
    ([{**SERVING[0], "state": "stopping"}], "gw: stopping", "wait"),
])
def test_doctor_does_not_send_to_what_cannot_answer(ctl, answer, what, remedy):
    ctl.fake("gw", {"status": answer})
    told = {row["what"]: row["remedy"] for row in findings(ctl)}
    assert [remedy in told[text] for text in told if text.startswith(what)] == [True], told


def test_an_instance_without_a_control_socket(ctl):
    """It is not called down: it may run."""
    path = ctl.configure("gw", control={"socket": "none"})
    why = f"{path} disables the control socket, so proxyctl cannot reach the proxy"
    result = ctl("gw", "status")
    assert (result.returncode, result.stdout) == (2, f"gw: no-socket: {why}\n")
    for command in ("ps", "stop", "restart"):
        assert ctl("gw", command, status=NOT_RUNNING).stderr == f"proxyctl: {why}\n"
    assert any(row["what"].startswith("gw: no-socket") and "control.socket" in row["remedy"] for row in findings(ctl, "gw"))


def test_doctor_of_a_running_one(ctl):
    """Descriptors, privileges and restarts of the processes, drops at the listeners: of real processes here."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", free_port()))
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        address = "127.0.0.1:%d" % listener.getsockname()[1]
        for _ in range(50):
            listener.sendto(b"x" * 1000, listener.getsockname())
        ctl.fake("gw", {"status": [{**SERVING[0], "listeners": [address], "ceilings": ["sockets: at most 9"]}],
                        "ps": [{"role": "parent", "pid": os.getpid(), "restarts": 0},
                               {"role": "REG", "pid": os.getpid(), "restarts": 3}, {"role": "APR", "pid": None}]})
        rows = findings(ctl)
    texts = {row["what"]: row["finding"] for row in rows}
    assert any("parent: " in text and "open files" in text and texts[text] == "ok" for text in texts)
    assert texts.get("REG: restarted 3 times since startup") == "warn"
    assert texts.get("sockets: at most 9") == "ok", "[S-5]"
    dropped = [text for text in texts if text.startswith("1 listening sockets: ")]
    assert dropped and texts[dropped[0]] == "warn" and " 0 datagrams" not in dropped[0]
    if os.geteuid() == 0:
        assert any(text.startswith("REG: runs as root") for text in texts)
    text = ctl("doctor").stdout
    assert "warn  REG: restarted 3 times" in text and "      -> look for UDPS-222-E" in text


NAMED = [{"name": "lan", "from": ["host.example.test"], "action": "accept", "plug-to": ["127.0.0.1:9"]}]
PATTERN = [{"name": "lan", "from": [r"~host\.example\.test"], "action": "accept", "plug-to": ["127.0.0.1:9"]}]


def name_server_findings(ctl):  # noqa: F811
    """{what: finding} of those about name servers."""
    return {row["what"]: (row["finding"], row["remedy"]) for row in findings(ctl)
            if "name server" in row["what"] or re.search("over (TCP|UDP)", row["what"])}


def test_doctor_asks_as_the_proxy_does(ctl, evil_dns):
    """The configuration's names are asked for by TCP unless it says otherwise, those of clients by UDP; where neither is
    needed no server is queried."""
    def transports(rules, **resolver):
        evil_dns.forget()
        ctl.configure("gw", resolver={"servers": [evil_dns.text], **resolver}, **{"session-acl": rules})
        told = name_server_findings(ctl)
        asked = sorted(query.transport for query in evil_dns.queries())
        assert told == {f"1 of 1 name servers answer over {one.upper()}": ("ok", "") for one in asked}
        assert all(query.question.raw == b"\0\0\2\0\1" for query in evil_dns.queries())
        return asked
    assert transports(NAMED) == ["tcp"]
    assert transports(NAMED, **{"conf-transport": "udp"}) == ["udp"]
    assert transports(PATTERN) == ["udp"]
    assert transports(NAMED + [{**PATTERN[0], "name": "pattern"}]) == ["tcp", "udp"]
    assert transports(NAMED + [{**PATTERN[0], "name": "pattern"}], transport="tcp") == ["tcp"]
    assert transports([{**NAMED[0], "from": ["127.0.0.1"]}]) == []


def test_doctor_finds_a_name_server_without_tcp(ctl):
    """One that answers only over UDP, which ACR does not use: refused, and silent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp_only, socket.socket() as silent:
        udp_only.bind(("127.0.0.1", 0))
        silent.bind(("127.0.0.1", 0))
        silent.listen(8)
        servers = ["127.0.0.1:%d" % each.getsockname()[1] for each in (udp_only, silent)]
        ctl.configure("gw", resolver={"servers": servers}, **{"session-acl": NAMED})
        began = time.monotonic()
        told = name_server_findings(ctl)
        assert time.monotonic() - began < 3 * SLOWNESS
    assert [told[what][0] for what in told] == ["bad", "bad"]
    refused, unanswered = told
    assert refused == f"{servers[0]} does not answer over TCP: Connection refused"
    assert unanswered == f"{servers[1]} does not answer over TCP"
    assert told[refused][1].endswith("; for UDP set resolver.conf-transport: udp")


def test_doctor_finds_a_name_server_that_refuses(ctl, evil_dns):
    """A refusal is a warning; so is a silent server beside one that answers."""
    with contextlib.closing(EvilDns()) as good, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        servers = [evil_dns.text, good.text, "127.0.0.1:%d" % silent.getsockname()[1]]
        ctl.configure("gw", resolver={"servers": servers}, **{"session-acl": PATTERN})
        for behaviour, word in ((refused(), "REFUSED"), (servfail(), "SERVFAIL")):
            evil_dns.set("", "NS", behaviour)
            told = name_server_findings(ctl)
            assert {what: told[what][0] for what in told} == {
                "1 of 3 name servers answer over UDP": "ok", f"{servers[2]} does not answer over UDP": "warn",
                f"{servers[0]} answers {word} over UDP to a query for the root servers": "warn"}
            assert not any("for UDP set" in remedy for _, remedy in told.values())


@pytest.mark.parametrize("transport, behaviour, why", [
    ("tcp", nodata().but(close=True), ": closed the connection"), ("tcp", garbage(), ": sent no valid answer"),
    ("tcp", nodata().but(other_id=True), ": sent no valid answer"),
    ("tcp", nodata().but(tcp_bytes=5), ": closed the connection"),
    ("udp", garbage(), ""), ("udp", garbage(b""), ""), ("udp", nodata().but(other_id=True), "")])
def test_doctor_believes_no_nonsense(ctl, evil_dns, transport, behaviour, why):
    """Anything but an answer to the query does not count; a datagram may be a stranger's, so it keeps waiting."""
    evil_dns.set("", "NS", behaviour)
    ctl.configure("gw", resolver={"servers": [evil_dns.text], "conf-transport": transport}, **{"session-acl": NAMED})
    told = name_server_findings(ctl)
    assert {what: told[what][0] for what in told} == {
        f"{evil_dns.text} does not answer over {transport.upper()}{why}": "bad"}


def test_doctor_where_nobody_tells_of_names(ctl):
    """Without names in the configuration that is no finding; a missing ACR is one."""
    answers = {"status": SERVING, "ps": [], "names": []}
    for nothing in ([], error("there are no names", "refused"), error("unknown command 'names'", "unknown")):
        ctl.fake("gw", {**answers, "names": nothing})
        assert not any("names" in row["what"] for row in findings(ctl))
        ctl.things.pop().close()
    ctl.fake("gw", {**answers, "names": error("ACR died", "gone")})
    assert {"finding": "warn", "what": "names: ACR died", "remedy": "see `ps`"} in findings(ctl)


def test_options_may_stand_behind_the_instance(ctl):
    """As the synopsis has them."""
    ctl.fake("gw", {"status": SERVING})
    assert json.loads(ctl("gw", "--json", "--timeout", "5s", "status", status=GOOD).stdout) == SERVING[0]
    assert "unknown option --frob" in ctl("gw", "--frob", "status", status=MISUSED).stderr
    assert "exclude each other" in ctl("gw", "--all", "status", status=MISUSED).stderr


# --- what must agree

def test_the_man_page_lists_the_commands(ctl):
    """Each command stands in proxyctl(8) with its arguments, in the order of help; there are no others."""
    page = subprocess.run(["mandoc", "-T", "utf8", "-O", "width=300", str(top / "man/proxyctl.8")], check=True,
                          capture_output=True, text=True).stdout
    plain = re.sub(".\b", "", page)
    section = plain.split("\nCOMMANDS\n")[1].split("\nSESSION FILTERS\n")[0]
    assert section.count("(see RIGHTS)") == 1
    listed = [re.split(r"\s{2,}", line.strip())[0] for line in section.splitlines() if re.match(r" {5}\S", line)]
    assert listed[1:] == [row["usage"] for row in ctl.rows("help")]


def test_the_man_page_lists_the_filters(ctl):
    page = (top / "man/proxyctl.8").read_text().split(".Sh SESSION FILTERS")[1].split(".Sh")[0]
    text = ctl("help", "monitor", status=GOOD).stdout
    shown = [line.split()[0].lstrip("-") for line in text.splitlines() if line.startswith("  --")][:-1]
    written = [line.split()[2].lstrip("-") for line in page.splitlines() if line.startswith(".It Fl")]
    assert shown == [name.lstrip("-") for name in written] and len(shown) == 9


def test_bash_completion(ctl):
    """The shell asks the program; it knows commands, instances, options and values."""
    ctl.fake("gw", {"rules": [{"rule": "lan"}, {"rule": "dmz"}], "sessions": [{"id": "1.2"}, {"id": "3.4"}]})
    script = top / "proxyctl" / "completion.bash"
    code = f'source {script}; COMP_WORDS=({{words}}); COMP_CWORD=$((${{{{#COMP_WORDS[@]}}}} - 1)); _proxyctl; echo "${{{{COMPREPLY[@]}}}}"'
    environment = {**ctl.environment, "PATH": f"{os.environ.get('PROXYD_BIN', top / 'build/bin')}:{os.environ['PATH']}"}

    def complete(words):
        result = subprocess.run(["bash", "-c", code.format(words=f"proxyctl {words}")], env=environment,
                                capture_output=True, text=True, timeout=20, check=True)
        return result.stdout.split()
    assert complete("sess") == ["sessions", "session"]
    assert complete("g") == ["gw"] and complete("gw RU") == ["rules"]
    assert complete("sessions --ru") == ["--rule"] and complete("sessions --rule ''") == ["lan", "dmz"]
    assert complete("gw session ''") == ["1.2", "3.4"] and complete("kill 3") == ["3.4"]
    assert complete("kill R") == ["REG"] and complete("signal U") == ["USR1", "USR2"]
    assert complete("signal USR1 ''") == ["REG", "ACR", "APR", "parent", "all"]
    assert complete("log le") == ["level"] and complete("log level tr") == ["trace"]
    assert complete("sessions --sort idle") == ["idle_ms"] and complete("explain fr") == ["from"]
    assert complete("frob ''") != [] and complete("ps x") == [] and complete("-s /nowhere session ''") == []
    assert complete("--j") == ["--json"] and complete("help mon") == ["monitor"]


def test_completion_is_a_plain_file(ctl):
    script = top / "proxyctl" / "completion.bash"
    subprocess.run(["bash", "-n", str(script)], check=True)
    assert stat.S_ISREG(script.stat().st_mode)
