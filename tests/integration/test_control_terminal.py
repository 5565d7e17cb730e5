"""The admin at a terminal, before a running proxyd: the interactive mode and the live table."""
import re
import subprocess
import time

import pytest
import yaml

from control_gateway import ctl, echo, gw  # noqa: F401
from deadline import SLOWNESS, wait_for
from programs import bin_folder, top
from proxyctl_run import GOOD

PROMPT, CTRL_C, CTRL_D = "proxyctl> ", "\x03", "\x04"


@pytest.fixture
def two_rules(gw, echo):
    return gw(echo, [{"name": "lan", "from": ["127.1.0.0/16"], "action": "accept", "plug-to": [echo]},
                     {"name": "dmz", "from": ["127.2.0.0/16"], "action": "accept", "plug-to": [echo]}])


def test_a_conversation(ctl, two_rules, peer):
    """[K-72] Commands one after the other on one terminal, completed from what the proxy has; a session is looked at,
    watched while it ends, and killed by its id."""
    client = peer("127.1.0.1")
    client.ask(b"x", two_rules.listener)
    session = two_rules.row("sessions")["id"]
    terminal = ctl.terminal()
    at = terminal.expect(PROMPT)
    terminal.send("status\r")
    at = terminal.expect("gw: serving, 127.0.0.1:%d" % two_rules.listener[1], since=at)
    terminal.send("sessions --rule l\t\r")
    at = terminal.expect(client.text, since=at)
    at = terminal.expect(PROMPT, since=at)
    terminal.send("session \t\r")
    at = terminal.expect("why_server", since=at)
    at = terminal.expect(PROMPT, since=at)
    terminal.send("watch --rule lan\r")
    time.sleep(0.5 * SLOWNESS)  # from now on it watches
    two_rules("kill", session, status=GOOD)
    at = terminal.expect(f"end id={session}", since=at)
    terminal.send(CTRL_C)
    at = terminal.expect(PROMPT, since=at)
    terminal.send(f"kill {session}\r")
    at = terminal.expect("no such session", since=at)
    terminal.send("explain from 127.2.0.1 to 127.0.0.1:%d\r" % two_rules.listener[1])
    at = terminal.expect("decision: accept by rule dmz", since=at)
    at = terminal.expect(PROMPT, since=at)
    terminal.send("ps\rkill reg\r")
    at = terminal.expect(PROMPT, since=terminal.expect("REG", since=at))
    at = terminal.expect(PROMPT, since=at)
    terminal.send(CTRL_D)
    terminal.wait()
    assert terminal.modes_are_restored()


@pytest.mark.parametrize("columns, rows", [(80, 24), (132, 50)])
def test_monitor_of_real_load(ctl, two_rules, background_load, columns, rows):
    """[K-70] The busiest above, speeds near the truth, aligned, nothing beyond an edge; also while REG is replaced."""
    listener = "%s:%d" % two_rules.listener
    for clients, rate, size, network in ((5, 50, 100, "127.1.0.0/24"), (2, 200, 1000, "127.2.0.0/24")):
        background_load("--to", listener, "--clients", clients, "--rate", rate, "--size", size, "--from", network,
                        "--seconds", int(40 * SLOWNESS))  # ended with the test
    two_rules.wait_sessions(7)
    terminal = ctl.terminal("monitor", "--interval", "500ms", columns=columns, rows=rows)

    def rules():
        return [line.split()[3] for line in terminal.screen().lines[3:] if re.match(r"\d+\.\d+ ", line)]
    terminal.expect(lambda: rules() == ["dmz"] * 2 + ["lan"] * 5, seconds=10)
    # 200 datagrams of 1,000 bytes a second from two clients: some 98K for each.
    terminal.expect(lambda: all(re.search(r" (8\d|9\d|10\d|11\d)K +(8\d|9\d|10\d|11\d)K$", line)
                                for line in terminal.screen().lines[3:5]), seconds=15)
    picture = terminal.screen()
    assert re.match(r"gw  7 sessions  up (1[5-9]|2\d)\dK/s  down (1[5-9]|2\d)\dK/s$", picture.lines[0]), picture.lines[0]
    assert not picture.overflow and all(len(line) <= columns for line in picture.lines)
    for key, first in (("r", "dmz"), ("-", "lan"), ("u", "dmz")):
        terminal.send(key)
        terminal.expect(lambda first=first: rules()[:1] == [first])
    two_rules.daemon.replace_child()
    terminal.expect(lambda: not terminal.screen().lines[0].startswith("OLD") and len(rules()) == 7, seconds=10)
    terminal.send("q")
    assert terminal.wait() == GOOD and terminal.modes_are_restored() and not terminal.screen().overflow


def test_completion_in_a_real_shell(ctl, two_rules, peer):
    """Tab in bash, as the package installs the script: what the running proxy has is completed."""
    peer("127.2.0.1").ask(b"x", two_rules.listener)
    session = two_rules.row("sessions")["id"]
    terminal = ctl.terminal_of(["bash", "--noprofile", "--norc", "-i"], PS1="shell> ", HISTFILE="",
                               PATH=f"{bin_folder}:/usr/bin:/bin")
    at = terminal.expect("shell> ")
    terminal.send(f"source {top}/proxyctl/completion.bash; echo re''ady\r")
    at = terminal.expect("shell> ", since=terminal.expect("ready", since=at))
    terminal.send("proxyctl g\tsessions --rule d\t--columns id | cat -A\r")
    at = terminal.expect(f"{session}$", since=at)
    terminal.send("proxyctl gw session \t\r")
    at = terminal.expect("why_server", since=at)
    terminal.send("proxyctl stat\t\t")
    terminal.expect("stats   status", since=at)


def test_terminal_sequences_in_names_stay_text(ctl, gw, echo, peer):
    """A rule, a configuration and a log line with control characters drive no terminal."""
    one = gw(echo)
    path = ctl.conf_dir / "evil.yaml"
    path.write_text(yaml.safe_dump({"name": "evil", "\x1b]0;owned\x07": 1}))
    with one.daemon.log_path.open("a") as log:
        log.write("\x1b[2J\x1b]0;owned\x07 a line\n")
    peer().ask(b"x", one.listener)
    for words in (["show-app"], ["gw", "log", "tail"], ["evil", "config"], ["evil", "reload"],
                  ["gw", "explain", "from", "\x1b[31m", "to", "1.2.3.4"], ["\x1b[2J"], ["gw", "session", "\x1b[2J"],
                  ["-s", "/nowhere/\x1b[2J", "ps"], ["gw", "resolve", "\x1b[2J"], ["gw", "sessions", "--rule", "\x1b[1m"],
                  ["gw", "sessions", "--from", "\x1b[1m"], ["gw", "log", "level", "\x1b[1m"]):
        terminal = ctl.terminal("--no-color", *words)
        terminal.wait()
        assert "\x1b" not in terminal.output and "\x07" not in terminal.output, (words, terminal.output)


def test_the_folder_of_sockets_may_have_anything(ctl, gw, echo):
    """Links, folders, files and sockets of others beside the real one neither harm nor hide it."""
    one = gw(echo)
    (ctl.run_dir / "link.sock").symlink_to(ctl.run_dir / "gw.sock")
    (ctl.run_dir / "dangling.sock").symlink_to("/nowhere")
    (ctl.run_dir / "folder.sock").mkdir()
    (ctl.run_dir / "file.sock").write_text("x")
    (ctl.run_dir / ".hidden.sock").write_text("x")
    subprocess.run(["mkfifo", str(ctl.run_dir / "fifo.sock")], check=True)
    shown = {row["name"]: row["state"] for row in ctl.rows("show-app")}
    assert shown["gw"] == "serving" and shown.get("file", "down") != "serving"
    wait_for(lambda: one.row("status")["state"] == "serving", what="the status")
