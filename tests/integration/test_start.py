"""The command line, the configuration and the start: what is refused, and how it is told."""
import fcntl
import os
import pathlib
import re
import shutil
import signal
import stat
import subprocess

import pytest
import yaml

from deadline import wait_for
from free_ports import free_port, free_ports
from processes import descriptors_of, is_alive
from programs import program, run_program, top
from proxyd_process import Proxyd, configuration
from udp_peer import UdpPeer

EXAMPLES = sorted((top / "conf" / "examples").glob("*.yaml"))
USAGE_ERROR, FAILED, WRONG_CONFIGURATION = 2, 1, 78


@pytest.fixture
def config(tmp_path):
    """`config(**sections)` is a valid configuration as a dictionary; a section that is None is left out."""
    def make(port=None, **sections):
        good = configuration(("127.0.0.1", port or free_port()), "127.0.0.1:9", name="start", log={"to": "stderr"})
        return {key: value for key, value in {**good, **sections}.items() if value is not None}
    return make


@pytest.fixture
def check(tmp_path):
    """`check(config, *options)` runs `proxyd -n` on a dictionary or a text."""
    def run(content, *options):
        file = tmp_path / "proxyd.yaml"
        file.write_text(content if isinstance(content, str) else yaml.safe_dump(content, sort_keys=False))
        return run_program("proxyd", "-n", *options, "-f", file)
    return run


@pytest.fixture
def refused(tmp_path):
    """`refused(config)` starts a proxyd that has to end with this status before any fork; returns what it said."""
    tmp_path.chmod(0o755)

    def start(content, arguments=("-d",), status=FAILED):
        instance = Proxyd(tmp_path, content, arguments)
        instance.start(ready=False)
        assert instance.wait() == status, instance.tail()
        assert not instance.lines("UDPS-220-K"), "no child was started"
        return instance.error_text()
    return start


# --- the command line

@pytest.mark.parametrize("arguments, told", [
    ([], "no configuration file"), (["-x"], "-x"), (["-f"], "-f needs an argument"),
    (["-t"], "-t needs an argument"), (["-f", "a", "b"], '"b"'), (["-n"], "no configuration file"),
    (["--unknown", "-f", "a"], "unknown option --unknown"), (["start"], '"start"')])
def test_wrong_usage(arguments, told):
    """Exit status 2, the reason and the usage on stderr."""
    result = run_program("proxyd", *arguments)
    assert result.returncode == USAGE_ERROR
    assert told in result.stderr and "usage: proxyd" in result.stderr and result.stdout == ""


def test_help_and_version():
    """They go to stdout, and are no failure."""
    result = run_program("proxyd", "-h")
    assert result.returncode == 0 and result.stdout.startswith("usage: proxyd") and result.stderr == ""
    assert run_program("proxyd", "--help").stdout == result.stdout
    assert run_program("proxyd", "--version").stdout == run_program("proxyd", "-V").stdout
    result = run_program("proxyd", "-V")
    assert result.returncode == 0 and re.fullmatch(r"proxyd \d+\.\d+\S*\n", result.stdout)


def test_more_v_is_a_higher_level(proxyd, config):
    """-v raises the configured level, up to the highest."""
    daemon = proxyd(config(log={"level": "normal"}), ("-d", "-v", "-v"))
    daemon.send_signal(signal.SIGUSR1)
    daemon.wait_line("LOGS-210-K", "log level 9 (full), was 8")
    daemon = proxyd(config(), ("-d", "-vvvvvvv"))
    daemon.send_signal(signal.SIGUSR2)
    daemon.wait_line("LOGS-210-K", "log level 8 (trace), was 9")


# --- the configuration

@pytest.mark.parametrize("value", [None, 0, -1, 4000001, "many", 1.5, "", [1]])
def test_max_sessions_is_mandatory_and_has_a_range(check, refused, config, value):
    """[K-24] The error names the key, in the checker and at the start alike."""
    bad = config(udpserver={} if value is None else {"max-sessions": value})
    result = check(bad)
    assert result.returncode == FAILED
    assert "udpserver" in result.stderr and "max-sessions" in result.stderr
    assert "max-sessions" in refused(bad, status=WRONG_CONFIGURATION)


@pytest.mark.parametrize("value", [1, 65535, 4000000])
def test_max_sessions_within_its_range(check, config, value):
    """[K-24]"""
    assert check(config(udpserver={"max-sessions": value})).returncode == 0


@pytest.mark.parametrize("value", [None, []])
def test_there_must_be_a_listener(check, config, value):
    """[K-25]"""
    result = check(config(**{"listen-on": value}))
    assert result.returncode == FAILED and "listen-on" in result.stderr


def test_an_address_that_is_not_here(refused, config):
    """[K-26] The start fails with its name and the reason, before any fork."""
    told = refused(config(**{"listen-on": [{"address": "192.0.2.77", "port": 5353}]}))
    assert "192.0.2.77:5353" in told and "Cannot assign requested address" in told


@pytest.mark.parametrize("workers", [1, 2])
def test_an_occupied_port(refused, config, peer, workers):
    """[K-26] It is named, before any fork; with several workers and shared ports, too."""
    occupied = peer()
    told = refused(config(port=occupied.address[1], udpserver={"max-sessions": 10, "workers": workers}))
    assert occupied.text in told and "Address already in use" in told


def test_an_occupied_port_of_many_leaves_nothing_open(refused, config, peer):
    """[K-26] Those that could be bound are free again."""
    first, occupied = free_port(), peer()
    listen = [{"address": "127.0.0.1", "port": port} for port in (first, occupied.address[1])]
    assert occupied.text in refused(config(**{"listen-on": listen}))
    UdpPeer(port=first).close()


def test_every_port_of_a_range_works(proxyd, config, udp_echo, peer):
    """[K-27]"""
    echo, first = udp_echo(), free_ports(5)
    proxyd(configuration(("127.0.0.1", f"{first}-{first + 4}"), echo.text))
    client = peer()
    for port in range(first, first + 5):
        assert client.ask(b"%d" % port, ("127.0.0.1", port)) == b"%d" % port
    assert echo.counts()["sources"] == 5, "each listener has a session of its own for this client"


def test_a_range_of_ephemeral_ports_is_warned_about(check, config):
    """[K-27] The kernel gives these ports to others."""
    first = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    result = check(config(**{"listen-on": [{"address": "127.0.0.1", "port": f"{first - 1}-{first + 1}"}]}))
    assert result.returncode == 0
    assert "(warning)" in result.stderr and "listen-on[1].port" in result.stderr and "ephemeral" in result.stderr


@pytest.mark.parametrize("text", ["5-1", "0-10", "1-65536", "x", "-5", "1-2-3", ""])
def test_a_bad_range_is_refused(check, config, text):
    """[K-27]"""
    result = check(config(**{"listen-on": [{"address": "127.0.0.1", "port": text}]}))
    assert result.returncode == FAILED and "listen-on[1].port" in result.stderr


def test_listeners_of_both_families(proxyd, udp_echo, peer):
    """[K-28][O-16] In one proxy at the same time, each with its server."""
    four, six = udp_echo(), udp_echo(address="::1")
    listeners = [("127.0.0.1", free_port()), ("127.0.0.2", free_port()), ("::1", free_port())]
    config = configuration(listeners[0], four.text)
    config["listen-on"] = [{"address": address, "port": port} for address, port in listeners]
    config["session-acl"] = [{**config["session-acl"][0], "name": "six", "to": [f"[::1]:{listeners[2][1]}"],
                              "plug-to": [six.text], "from": ["*"]}, config["session-acl"][0]]
    proxyd(config)
    for address, port in listeners:
        assert peer("::1" if ":" in address else "127.0.0.1").ask(b"x", (address, port)) == b"x"
    assert (four.counts()["sources"], six.counts()["sources"]) == (2, 1)


def test_port_0_is_chosen_and_told(proxyd, config, udp_echo, peer):
    """[L-32]"""
    daemon = proxyd(configuration(("127.0.0.1", 0), udp_echo().text))
    port = int(re.search(r"127\.0\.0\.1:(\d+)", daemon.wait_line("UDPS-210-K").text)[1])
    assert peer().ask(b"x", ("127.0.0.1", port)) == b"x"


def test_the_checker_tells_all_mistakes_with_their_places(check, config):
    """[K-29] Unknown and doubled keys, missing ones, bad values: file:line:column, path, the nearest known word."""
    result = check("name: x\n"
                   "udpserver:\n"
                   "  max-sesions: 10\n"
                   "listen-on:\n"
                   "  - {address: 127.0.0.1, port: 70000}\n"
                   "session-acl:\n"
                   "  - {action: acept, from: [10.0.0.0/33]}\n"
                   "name: y\n")
    assert result.returncode == FAILED and result.stdout == ""
    lines = result.stderr.splitlines()
    assert all(re.match(r"\S+/proxyd\.yaml:\d+:\d+: ", line) for line in lines), result.stderr
    for place, told in ((":3:3:", "max-sessions"), (":5:", "70000"), (":7:", "accept"), (":7:", "invalid mask"),
                        (":8:1:", "name")):
        assert any(place in line and told in line for line in lines), (place, told, result.stderr)


def test_the_checker_starts_nothing(check, config, peer):
    """[K-29] It does not even bind: an occupied port is no mistake of the file."""
    occupied = peer()
    result = check(config(port=occupied.address[1]))
    assert result.returncode == 0 and "configuration OK" in result.stdout


@pytest.mark.parametrize("content", ["", "\0", "a: [", "- x", "x", "%", "a: &a [*a]", "\xff\xfe", "a: " + "[" * 1000])
def test_the_checker_refuses_what_is_no_configuration(check, content):
    """[K-29]"""
    result = check(content)
    assert result.returncode == FAILED
    assert "proxyd.yaml:" in result.stderr


def test_a_file_that_is_not_there():
    """[K-29] Named, with the reason."""
    result = run_program("proxyd", "-n", "-f", "/nonexistent/proxyd.yaml")
    assert result.returncode == FAILED and "/nonexistent/proxyd.yaml" in result.stderr
    assert "No such file" in result.stderr
    assert run_program("proxyd", "-d", "-f", "/").returncode == WRONG_CONFIGURATION


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_the_examples_are_right(file, check, tmp_path):
    """[K-29][K-30] And what is printed of them is the same configuration."""
    printed = check(file.read_text().replace("user: _proxyd ", "user: nobody "), "-v")  # this machine may lack _proxyd
    assert printed.returncode == 0, printed.stderr
    file = tmp_path / "example.yaml"
    pathlib.Path(printed.args[-1]).rename(file)
    again = check(printed.stdout, "-v")
    assert again.returncode == 0, again.stderr
    assert again.stdout == printed.stdout
    hashes = [run_program("proxyd", "-f", path, "-t", "show-hash").stdout
              for path in (file, pathlib.Path(again.args[-1]))]
    assert hashes[0] == hashes[1] and re.fullmatch(r"[0-9a-f]{16}\n", hashes[0])


@pytest.fixture
def simulate(tmp_path, config):
    file = tmp_path / "policy.yaml"
    rules = [{"name": "night", "from": ["10.9.0.0/16"], "action": "deny"},
             {"name": "lan", "from": ["10.0.0.0/8"], "time": "Mon-Fri 07:00-19:00", "action": "accept",
              "plug-to": ["192.0.2.1:53"]}]
    file.write_text(yaml.safe_dump(config(port=5353, **{"session-acl": rules}), sort_keys=False))
    return lambda expression: run_program("proxyd", "-f", file, "-t", expression)


@pytest.mark.parametrize("expression, decision", [
    ("from 10.1.2.3 to 127.0.0.1:5353 at Mon 08:30", "accepted by rule lan, server 192.0.2.1:53"),
    ("from 10.1.2.3 to 127.0.0.1 at Fri 18:59", "accepted by rule lan"),
    ("from 10.1.2.3:4444 to 127.0.0.1:5353 at Mon 19:00", "denied: no rule matches"),
    ("from 10.1.2.3 to 127.0.0.1:5353 at Sun 08:30", "denied: no rule matches"),
    ("from 10.9.2.3 to 127.0.0.1:5353 at Mon 08:30", "denied by rule night"),
    ("from 192.0.2.3 to 127.0.0.1:5353", "denied: no rule matches")])
def test_the_policy_is_simulated(simulate, expression, decision):
    """[K-30] The rule that would match, and the decision; nothing is started."""
    result = simulate(expression)
    assert result.returncode == 0 and decision in result.stdout


def test_the_policy_is_printed(simulate):
    """[K-30] The list of rules, the effective parameters with defaults, a hash, a help text."""
    rules = simulate("show-acl").stdout
    assert "name: 'night'" in rules and "unanswered: 30s" in rules and "listen-on" not in rules
    assert simulate("show-hash").stdout == simulate("show-hash").stdout != ""
    assert "show-acl" in simulate("help").stdout


@pytest.mark.parametrize("expression", ["", "from", "from x to y", "to 127.0.0.1", "from 10.1.2.3 to ::1", "nonsense",
                                        "from 10.1.2.3 to 127.0.0.1 at 25:00"])
def test_a_bad_expression_is_refused(simulate, expression):
    """[K-30]"""
    result = simulate(expression)
    assert result.returncode == FAILED and "usage: from HOST" in result.stderr and result.stdout == ""


def test_accounts_that_this_machine_lacks(check, config):
    """[O-14] `proxyd -n && restart` must not stop a proxy that cannot start again."""
    result = check(config(user="no-such-user", control={"group": "no-such-group", "read-only-group": "nor-this"}))
    assert result.returncode == FAILED and "configuration OK" not in result.stdout
    for problem in ("no account 'no-such-user'", "no group 'no-such-group'", "no group 'nor-this'"):
        assert problem in result.stderr
    assert "'root' is root" in check(config(user="root")).stderr
    assert check(config(user="nobody", control={"socket": "none", "group": "no-such-group"})).returncode == 0


# --- the start

@pytest.mark.parametrize("arguments", [("-d",), ()])
def test_an_unknown_user(refused, config, arguments):
    """[K-12][O-14] Found before anything is opened, in the foreground and as a daemon."""
    assert "no-such-user" in refused(config(user="no-such-user"), arguments)


@pytest.mark.parametrize("arguments", [("-d",), ()])
def test_a_user_that_no_child_can_become(refused, config, arguments):
    """[K-12][O-14] Refused once, before any fork; the children would die of it one after the other."""
    assert "'root' is root" in refused(config(user="root"), arguments)


@pytest.mark.parametrize("workers", [1, 2])
def test_two_proxies_do_not_share_a_port(proxyd, refused, config, workers):
    """[K-26] Without a pid file, too: half of the clients would meet the wrong one."""
    port = free_port()
    settings = {"port": port, "udpserver": {"max-sessions": 10, "workers": workers}}
    proxyd(config(**settings, log={}))
    assert "Address already in use" in refused(config(**settings))


@pytest.mark.parametrize("arguments", [("-d",), ()])
def test_a_log_that_cannot_be_written(refused, config, arguments):
    """[O-14] The path and the reason are on stderr, where else."""
    assert "/nonexistent/log" in refused(config(log={"to": "/nonexistent/log"}), arguments)


def test_a_start_command_that_fails_tells_so(refused, config, peer):
    """[O-14] A daemon: the status of the command is that of the start, and the reason is on its stderr."""
    occupied = peer()
    assert occupied.text in refused(config(port=occupied.address[1]), arguments=())


def test_a_daemon_serves_when_its_start_command_has_ended(proxyd, udp_echo, peer, tmp_path):
    """[O-14] In the background: a session of its own, nothing of the terminal, the root as its directory."""
    listener = ("127.0.0.1", free_port())
    daemon = proxyd(configuration(listener, udp_echo().text), daemon=True)
    assert peer().ask(b"x", listener) == b"x"
    assert os.getsid(daemon.pid) == daemon.pid
    for pid in (daemon.pid, daemon.child()):
        assert os.readlink(f"/proc/{pid}/cwd") == "/"
        found = descriptors_of(pid)
        assert {found[number] for number in (0, 1, 2)} == {"/dev/null"}
        assert str(daemon.error_path) not in found.values()
    daemon.replace_child()
    assert peer().ask(b"y", listener) == b"y"


@pytest.mark.parametrize("daemon", [True, False])
def test_the_pid_file(proxyd, config, tmp_path, daemon):
    """[O-14] It has the supervisor's pid, is locked by it, and is removed at the end."""
    path = tmp_path / "proxyd.pid"
    path.write_text("999999999\n")  # a file that a crash left prevents no start
    instance = proxyd(config(**{"pid-file": str(path), "log": {}}), daemon=daemon)
    assert path.read_text() == f"{instance.pid}\n"
    with path.open() as file, pytest.raises(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert str(path) not in descriptors_of(instance.child()).values()
    instance.replace_child()
    assert path.read_text() == f"{instance.pid}\n"
    instance.stop()
    assert not path.exists()


def test_the_pid_file_of_a_killed_proxy_stops_nobody(proxyd, config, tmp_path):
    """[O-14][K-8] The lock ends with the process."""
    path = tmp_path / "proxyd.pid"
    settings = {"pid-file": str(path), "log": {}}
    first = proxyd(config(**settings))
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert path.read_text() == f"{first.pid}\n"
    second = proxyd(config(**settings))
    assert path.read_text() == f"{second.pid}\n"


@pytest.mark.parametrize("arguments", [("-d",), ()])
def test_a_second_instance_is_refused(proxyd, refused, config, tmp_path, arguments):
    """[O-14] With the pid of the first, which keeps running; its pid file stays."""
    path = tmp_path / "proxyd.pid"
    first = proxyd(config(**{"pid-file": str(path), "log": {}}))
    told = refused(config(**{"pid-file": str(path)}), arguments)
    assert f"already running with pid {first.pid}" in told and str(path) in told
    assert path.read_text() == f"{first.pid}\n" and is_alive(first.child())


def test_a_pid_file_that_cannot_be_written(refused, config, tmp_path):
    """[O-14]"""
    assert "/nonexistent/pid" in refused(config(**{"pid-file": "/nonexistent/pid"}))
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "target")
    assert str(link) in refused(config(**{"pid-file": str(link)}))
    assert not (tmp_path / "target").exists(), "a symbolic link is not followed"


def test_too_many_listeners_for_the_limit_of_files(config, tmp_path):
    """[L-28] Said as such, not as an error of the 900th socket."""
    first = free_ports(400)
    content = config(**{"listen-on": [{"address": "127.0.0.1", "port": f"{first}-{first + 399}"}]})
    instance = Proxyd(tmp_path, content)
    instance.command = ["/usr/bin/prlimit", "--nofile=300", *instance.command]
    instance.start(ready=False)
    assert instance.wait() == FAILED
    assert "400 listening sockets" in instance.error_text() and "300" in instance.error_text()


def test_a_limit_of_files_below_max_sessions_is_told(tmp_path, config):
    """[L-28] It starts, and says how many sessions there can be."""
    instance = Proxyd(tmp_path, config(udpserver={"max-sessions": 5000}))
    instance.command = ["/usr/bin/prlimit", "--nofile=300", *instance.command]
    try:
        instance.start()
        assert "max-sessions is 5000" in instance.wait_line("UDPS-121-W").text
        instance.stop()
    finally:
        instance.discard()


def test_the_port_is_free_when_the_proxy_has_ended(proxyd, config):
    """[J-24] A new one on the same port starts directly after the old one."""
    port = free_port()
    for _ in range(3):
        proxyd(config(port=port)).stop()


def test_standard_descriptors_may_be_closed(proxyd, tmp_path, config, udp_echo, peer):
    """No socket takes the place of stderr, where something might be written."""
    listener = ("127.0.0.1", free_port())
    instance = Proxyd(tmp_path, configuration(listener, udp_echo().text))
    instance.command = ["/bin/sh", "-c", 'exec "$@" 0<&- 1>&- 2>&-', "sh", *instance.command]
    try:
        instance.start()
        for pid in (instance.pid, instance.child()):
            found = descriptors_of(pid)
            assert not any(found.get(number, "").startswith("socket:") for number in (0, 1, 2)), found
        assert peer().ask(b"x", listener) == b"x"
        instance.stop()
    finally:
        instance.discard()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can change the user of a process")
@pytest.mark.parametrize("group", ["nogroup", "65534"])
def test_the_control_group_must_not_contain_the_user(proxyd, tmp_path, group):
    """[G-7] A child that was taken over would be a member."""
    config = configuration(("127.0.0.1", free_port()), "127.0.0.1:9", user="nobody",
                           control={"socket": str(tmp_path / "control"), "group": group})
    daemon = proxyd(config, ready=False)
    assert daemon.wait() == 1
    assert f"control.group: user 'nobody' is a member of '{group}'" in daemon.error_text()
    checked = subprocess.run([program("proxyd"), "-n", "-f", str(daemon.file)], capture_output=True, text=True,
                             timeout=20)
    assert checked.returncode == 1 and f"control.group: user 'nobody' is a member of '{group}'" in checked.stderr


@pytest.mark.skipif(os.geteuid() != 0 or not os.access("/run", os.W_OK), reason="only root creates directories in /run")
@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_the_directories_in_run_are_created(proxyd, umask):
    """[F-3] The one of pid file and socket belongs to root, the status file's own one to the user who writes it."""
    run = pathlib.Path(f"/run/proxyd-test-{os.getpid()}-{umask}")
    config = configuration(("127.0.0.1", free_port()), "127.0.0.1:9", user="nobody",
                           control={"socket": str(run / "control")},
                           **{"pid-file": str(run / "pid"), "status-file": {"path": str(run / "gw/status"), "every": "1s"}})
    before = os.umask(umask)
    try:
        daemon = proxyd(config)
        wait_for((run / "gw/status").exists, 10, daemon.tail)
        daemon.stop()
        assert (run.stat().st_uid, stat.S_IMODE(run.stat().st_mode)) == (0, 0o755)
        assert (run / "gw").owner() == "nobody" and stat.S_IMODE((run / "gw").stat().st_mode) == 0o755
        assert not daemon.lines("UDPS-242-W")
    finally:
        os.umask(before)
        shutil.rmtree(run, ignore_errors=True)
