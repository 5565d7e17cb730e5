"""proxyctl's interactive mode, from pipes and in a pseudo-terminal, and its live table."""
import os
import re
import signal
import stat
import subprocess
import time

import pytest

from deadline import wait_for
from fake_control import CLOSE, SILENCE, error
from programs import program
from proxyctl_run import FAILED, GOOD, MISUSED, NOT_RUNNING, ctl  # noqa: F401

PROMPT = "proxyctl> "
RULES = [{"rule": "lan"}, {"rule": "dmz"}]
CTRL_C, CTRL_D, UP = "\x03", "\x04", "\x1b[A"


# --- without a terminal

def test_commands_from_a_pipe(ctl):
    """No prompt; empty lines and comments are ignored; the worst status counts."""
    fake = ctl.fake("gw", {"rules": RULES, "resolve": error("no", "unknown")})
    result = ctl(stdin="\n  \n# a comment\nrules\nRU\n? ps\nps ?\n", status=GOOD)
    assert result.stdout.count("RULE\nlan\ndmz\n") == 2 and "proxyctl>" not in result.stdout
    assert result.stdout.count("ps\n  List the processes") == 2 and len(fake.requests) == 2
    result = ctl(stdin="resolve x\nfrob\nrules", status=MISUSED)
    assert "unknown command 'frob'" in result.stderr and "lan" in result.stdout


def test_quit_ends_a_script(ctl):
    fake = ctl.fake("gw", {"rules": RULES})
    ctl(stdin="rules\nQui\nrules\n", status=GOOD)
    assert len(fake.requests) == 1


def test_ctrl_c_ends_a_script(ctl):
    """Not only the command that runs."""
    fake = ctl.fake("gw", {"rules": [SILENCE], "ps": []})
    terminal = ctl.terminal("-s", fake.path, "rules")
    terminal.expect(lambda: fake.requests)
    terminal.send(CTRL_C)
    assert terminal.wait() == -signal.SIGINT
    (ctl.folder / "script").write_text("rules\nps\n")
    with open(ctl.folder / "script") as script:
        process = subprocess.Popen([program("proxyctl")], env=ctl.environment, stdin=script)
        wait_for(lambda: len(fake.requests) == 2)
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == -signal.SIGINT and len(fake.requests) == 2


def test_quotes_and_bounds_of_lines(ctl):
    """[K-72] Quotes keep words together; too long and unterminated lines are errors, and the next line is read."""
    fake = ctl.fake("gw", {"sessions": [], "rules": RULES})
    ctl(stdin="sessions --rule 'a b\\' --from \"c \\\" d\" --to e\\ f\n", status=GOOD)
    assert fake.last() == ("sessions", {"rule": "a b\\", "from": 'c " d', "to": "e f"})
    for line, told in (("rules 'x", "unterminated quote"), ("resolve " + "x" * 2000, "argument too long: 2000 characters"),
                       ("rules" + " " * 4100, "line too long: 4097 characters (maximum 4096)"),
                       ("kill" + " 1.2" * 101, "too many arguments: 102"), ("resolve \xff\x00x", "does not support")):
        result = ctl(stdin=line + "\nrules\n")
        assert result.returncode in (MISUSED, 1) and "lan" in result.stdout
        assert told in result.stderr


def test_a_name_chooses_the_instance(ctl):
    one, two = ctl.fake("one", {"rules": []}), ctl.fake("two", {"rules": []})
    result = ctl(stdin="two\nrules\none rules\nrules\n--all rules\nthree\nthree rules\n", status=NOT_RUNNING)
    assert len(two.requests) == 3 and len(one.requests) == 2
    assert "unknown command 'three'" in result.stderr and "unknown instance 'three' (found: one, two)" in result.stderr


# --- in a terminal

def test_prompt_history_and_end(ctl):
    """History comes back with the arrow, and lies in a file that only its owner reads."""
    fake = ctl.fake("gw", {"rules": RULES})
    terminal = ctl.terminal()
    at = terminal.expect(PROMPT)
    terminal.send("rules\r")
    at = terminal.expect("dmz", since=at)
    at = terminal.expect(PROMPT, since=at)
    terminal.send(UP + "\r")
    at = terminal.expect("dmz", since=at)
    at = terminal.expect(PROMPT, since=at)
    terminal.send(CTRL_D)
    assert terminal.wait() == GOOD and len(fake.requests) == 2 and terminal.modes_are_restored()
    file = ctl.home / ".proxyctl_history"
    assert "rules" in file.read_text() and stat.S_IMODE(file.stat().st_mode) == 0o600
    terminal = ctl.terminal("gw")
    terminal.expect("proxyctl gw> ")
    terminal.send(UP + "\r")
    terminal.expect("dmz")
    terminal.send("quit\r")
    assert terminal.wait() == GOOD and len(fake.requests) == 3


@pytest.mark.parametrize("home", ["", "relative", "/nonexistent", "/dev/null"])
def test_no_history_without_a_home(ctl, home):
    terminal = ctl.terminal(HOME=home)
    terminal.expect(PROMPT)
    terminal.send("help quit\r")
    terminal.expect("Leave the interactive mode")
    terminal.send("quit\r")
    assert terminal.wait() == GOOD
    assert not (ctl.home / ".proxyctl_history").exists()


def test_a_history_of_another_kind(ctl):
    """A file that is no history is replaced, a link is not followed."""
    (ctl.home / ".proxyctl_history").write_bytes(b"\x00\xffrubbish\n" * 100)
    terminal = ctl.terminal()
    terminal.expect(PROMPT)
    terminal.send("help quit\r")
    terminal.expect("Leave the interactive mode")
    terminal.send("quit\r")
    assert terminal.wait() == GOOD
    (ctl.home / ".proxyctl_history").unlink()
    other = ctl.folder / "other"
    other.write_text("mine")
    (ctl.home / ".proxyctl_history").symlink_to(other)
    terminal = ctl.terminal()
    terminal.expect(PROMPT)
    terminal.send("help\rquit\r")
    assert terminal.wait() == GOOD and other.read_text() == "mine"


def test_completion(ctl):
    """Tab completes commands, instances, options, rules and sessions, and lists what is possible."""
    fake = ctl.fake("gw", {"rules": RULES, "sessions": [{"id": "17.3"}]})
    terminal = ctl.terminal()
    at = terminal.expect(PROMPT)
    terminal.send("RES\t")
    at = terminal.expect("\nrestart", since=at)
    terminal.expect("resolve", since=at)
    at = terminal.expect(PROMPT, since=at)
    terminal.send(CTRL_C)
    at = terminal.expect(PROMPT, since=at)
    terminal.send("g\tsessions --ru\td\t\r")
    terminal.expect(lambda: any(r["command"] == "sessions" for r in fake.requests))
    assert fake.last() == ("sessions", {"rule": "dmz"})
    at = terminal.expect(PROMPT, since=at)
    terminal.send("session \t\r")
    terminal.expect(lambda: fake.requests[-1]["command"] == "session")
    assert fake.last() == ("session", {"id": "17.3"})
    terminal.expect(PROMPT, since=terminal.expect("does not support"))
    terminal.send(CTRL_D)
    assert terminal.wait() == GOOD


def test_completion_with_a_silent_server(ctl):
    """It returns soon, and prints nothing."""
    ctl.fake("gw", {"rules": [SILENCE]})
    terminal = ctl.terminal()
    at = terminal.expect(PROMPT)
    terminal.send("sessions --rule \t")
    time.sleep(0.7)
    terminal.send(CTRL_C)
    terminal.expect(PROMPT, since=at)
    terminal.send("quit\r")
    assert terminal.wait() == GOOD and "no answer" not in terminal.output


def test_context_help(ctl):
    """`?` shows what may follow and leaves the line as it is."""
    fake = ctl.fake("gw", {"session": [{"id": "1.2"}]})
    terminal = ctl.terminal()
    at = terminal.expect(PROMPT)
    terminal.send("session 1.?")
    at = terminal.expect("session SESSION", since=at)
    at = terminal.expect("session 1.", since=at)
    terminal.send("2\r")
    terminal.expect(lambda: fake.requests)
    assert fake.last() == ("session", {"id": "1.2"})
    at = terminal.expect(PROMPT, since=at)
    terminal.send("?")
    terminal.expect("doctor: ", since=at)
    terminal.send("quit\r")
    assert terminal.wait() == GOOD


def test_ctrl_c_cancels_a_command(ctl):
    """A silent server does not block the user; the next command works."""
    fake = ctl.fake("gw", {"rules": [SILENCE], "ps": [{"role": "REG"}]})
    terminal = ctl.terminal()
    at = terminal.expect(PROMPT)
    terminal.send("rules\r")
    terminal.expect(lambda: fake.requests)
    terminal.send(CTRL_C)
    at = terminal.expect("interrupted", since=at)
    at = terminal.expect(PROMPT, since=at)
    terminal.send("ps\r")
    at = terminal.expect(PROMPT, since=terminal.expect("REG", since=at))
    terminal.send("half a line" + CTRL_C)
    at = terminal.expect("^C", since=at)
    at = terminal.expect(PROMPT, since=at)
    terminal.send("quit\r")
    assert terminal.wait() == GOOD


def test_ctrl_c_at_any_moment_ends_no_conversation(ctl):
    """Also between a command and the prompt, where it is no key yet; and one that another program sends."""
    ctl.fake("gw", {"ps": [{"role": "REG"}]})
    terminal = ctl.terminal()
    at = terminal.expect(PROMPT)
    for _ in range(20):
        terminal.send("ps\r")
        at = terminal.expect("REG", since=at)
        terminal.send(CTRL_C)
        terminal.send_signal(signal.SIGINT)
        at = terminal.expect(PROMPT, since=at)
    terminal.send("quit\r")
    assert terminal.wait() == GOOD


def test_ctrl_c_ends_watch_and_stats(ctl):
    fake = ctl.fake("gw", {"events": lambda request: [{"event": "begin"}, {"next_ms": 1}],
                           "stats": [{"sessions": 5}], "log-tail": [{"line": "hello"}, SILENCE]})
    terminal = ctl.terminal()
    at = terminal.expect(PROMPT)
    for line, shown in (("watch", "begin"), ("stats --interval 200ms", "RATE"), ("log tail -f", "hello")):
        terminal.send(line + "\r")
        at = terminal.expect(shown, since=terminal.expect("\n", since=at))
        terminal.send(CTRL_C)
        at = terminal.expect("interrupted", since=at)
        at = terminal.expect(PROMPT, since=at)
    terminal.send("quit\r")
    assert terminal.wait() == GOOD and fake.requests


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_at_the_prompt(ctl, number):
    """The terminal is as before."""
    terminal = ctl.terminal()
    terminal.expect(PROMPT)
    terminal.send_signal(number)
    assert terminal.wait() == -number and terminal.modes_are_restored()


@pytest.mark.parametrize("kind", ["dumb", ""])
def test_dumb_terminals(ctl, kind):
    """A prompt without escape sequences; Ctrl-C discards the line."""
    ctl.fake("gw", {"rules": RULES})
    terminal = ctl.terminal(TERM=kind)
    at = terminal.expect(PROMPT)
    terminal.send("rules\n")
    at = terminal.expect("dmz", since=at)
    at = terminal.expect(PROMPT, since=at)
    terminal.send("half")
    time.sleep(0.1)
    terminal.send(CTRL_C)
    at = terminal.expect(PROMPT, since=at)
    terminal.send(CTRL_D)
    assert terminal.wait() == GOOD and "\x1b" not in terminal.output


def test_colors(ctl):
    """On a terminal, without --no-color, NO_COLOR and a dumb terminal; never in a pipe."""
    ctl.fake("gw", {"status": [{"name": "gw", "state": "serving"}]})
    outputs = {}
    for name, arguments, variables in (("plain", ["status"], {}), ("refused", ["--no-color", "status"], {}),
                                       ("environment", ["status"], {"NO_COLOR": "1"}), ("dumb", ["status"], {"TERM": "dumb"})):
        terminal = ctl.terminal(*arguments, **variables)
        assert terminal.wait() == GOOD
        outputs[name] = terminal.output
    assert "\x1b[32m" in outputs.pop("plain") and not any("\x1b" in text for text in outputs.values())
    assert "\x1b" not in ctl("status").stdout


# --- monitor

def growing(step=10_000):
    """Sessions whose bytes grow, the second one faster."""
    began = time.monotonic()

    def sessions(_):
        passed = time.monotonic() - began
        return [{"id": f"{n}.1", "client": f"10.0.0.{n}:5000", "server": "192.0.2.53:53", "rule": f"rule{n}",
                 "created_ms": 1000 * n, "idle_ms": 5, "client_bytes": int(passed * step * n),
                 "server_bytes": int(passed * step)} for n in range(1, 41)]
    return sessions


def ids(terminal):
    return [line.split()[0] for line in terminal.screen().lines if re.match(r"\d+\.1 ", line)]


@pytest.fixture
def monitor(ctl):  # noqa: F811
    def start(answers=None, arguments=("--interval", "200ms"), **size):
        start.fake = ctl.fake("gw", answers or {"sessions": growing()})
        return ctl.terminal("monitor", *arguments, **size)
    return start


def test_monitor_is_a_live_table(ctl, monitor):
    """[K-70] It fits the window, the fastest are above, rates are differences, q quits and restores everything."""
    terminal = monitor()
    terminal.expect(lambda: ids(terminal)[:2] == ["40.1", "39.1"])
    picture = terminal.screen()
    assert picture.second and not picture.cursor_shown and not picture.overflow
    assert picture.lines[0].startswith("gw  40 sessions  up ") and len(ids(terminal)) == 21
    assert picture.lines[2].split() == ["ID", "CLIENT", "SERVER", "RULE", "AGE", "IDLE", "UP/S", "DOWN/S"]
    terminal.expect(lambda: re.search(r" 3\d\dK +(9\.\d|1\d)K$", terminal.screen().lines[3]), seconds=10)
    asked = len(monitor.fake.requests)
    terminal.expect(lambda: len(monitor.fake.requests) > asked + 2)
    terminal.send("q")
    assert terminal.wait() == GOOD and terminal.modes_are_restored()
    picture = terminal.screen()
    assert not picture.second and picture.cursor_shown and not picture.overflow


def test_monitor_changes_its_order(monitor):
    """Letters choose it, `-` reverses it."""
    terminal = monitor()
    for key, first in (("c", "1.1"), ("-", "40.1"), ("a", "40.1"), ("-", "1.1"), ("r", "1.1"), ("b", "40.1"), ("i", None)):
        terminal.send(key)
        terminal.expect(lambda: not first or ids(terminal)[:1] == [first])
    terminal.send("Q")
    assert terminal.wait() == GOOD


def test_monitor_passes_filters_on(monitor):
    terminal = monitor(arguments=("--from", "10.0.0.0/8", "--interval", "1s"))
    terminal.expect("40 sessions")
    assert monitor.fake.last() == ("sessions", {"from": "10.0.0.0/8"})
    terminal.send("q")
    assert terminal.wait() == GOOD


@pytest.mark.parametrize("columns, rows", [(40, 10), (200, 60), (20, 3), (80, 1)])
def test_monitor_follows_the_window(monitor, columns, rows):
    """Nothing is written beyond an edge, whatever the size; the size may change."""
    terminal = monitor(columns=columns, rows=rows)
    terminal.expect(lambda: terminal.screen().lines[0].startswith("gw"))
    assert not terminal.screen().overflow
    terminal.resize(60, 12)
    terminal.send_signal(signal.SIGWINCH)
    began = len(terminal.output)
    terminal.expect("\x1b[H", since=began)
    terminal.expect("\x1b[J", since=began)
    terminal.send("q")
    assert terminal.wait() == GOOD


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGINT])
def test_monitor_restores_the_terminal_on_signals(monitor, number):
    """It ends by the signal; Ctrl-C is a normal exit."""
    terminal = monitor()
    terminal.expect("40 sessions")
    terminal.send_signal(number)
    assert terminal.wait() == (GOOD if number == signal.SIGINT else -number)
    assert terminal.modes_are_restored() and not terminal.screen().second and terminal.screen().cursor_shown


def test_monitor_stops_and_goes_on(monitor):
    """Ctrl-Z gives the terminal back, fg takes it again."""
    terminal = monitor()
    terminal.expect("40 sessions")
    terminal.send_signal(signal.SIGTSTP)
    terminal.expect("\x1b[?1049l")
    wait_for(lambda: f"({os.path.basename('proxyctl')}) T" in open(f"/proc/{terminal.process.pid}/stat").read())
    assert terminal.modes_are_restored()
    terminal.send_signal(signal.SIGCONT)
    terminal.expect(lambda: terminal.output.count("\x1b[?1049h") == 2)
    terminal.send("q")
    assert terminal.wait() == GOOD


def test_monitor_survives_its_server(ctl, monitor):
    """[K-71] The last frame stays, marked as old with the error, until the next server answers."""
    terminal = monitor()
    terminal.expect("40 sessions")
    monitor.fake.answers["sessions"] = [CLOSE]
    terminal.expect(lambda: terminal.screen().lines[0].startswith("OLD (") and "before the end" in terminal.screen().lines[0])
    assert len(ids(terminal)) == 21
    monitor.fake.close()
    terminal.expect(lambda: "no such socket" in terminal.screen().lines[0])
    ctl.fake("gw", {"sessions": growing()})
    terminal.expect(lambda: terminal.screen().lines[0].startswith("gw  40"))
    terminal.send("q")
    assert terminal.wait() == GOOD


@pytest.mark.parametrize("rows", [[SILENCE], ["garbage"], [b"half"]])
def test_monitor_with_a_bad_server(monitor, rows):
    """Keys work all the time."""
    terminal = monitor({"sessions": rows + ([SILENCE] if rows == [b"half"] else [])})
    terminal.expect("gw  0 sessions")
    terminal.send("q")
    assert terminal.wait() == GOOD and terminal.modes_are_restored()


def test_monitor_without_a_server(ctl):
    """The start fails as any command does, and the screen is not touched."""
    ctl.configure("gw")
    terminal = ctl.terminal("monitor")
    assert terminal.wait() == NOT_RUNNING and "\x1b" not in terminal.output
    terminal = ctl.terminal("monitor", TERM="dumb")
    assert terminal.wait() == MISUSED and "requires a terminal" in terminal.output


def test_monitor_within_the_interactive_mode(ctl):
    ctl.fake("gw", {"sessions": growing()})
    terminal = ctl.terminal()
    at = terminal.expect(PROMPT)
    terminal.send("mon --interval 200ms\r")
    terminal.expect("40 sessions")
    terminal.send(CTRL_C)
    at = terminal.expect("\x1b[?1049l", since=at)
    at = terminal.expect(PROMPT, since=at)
    terminal.send("quit\r")
    assert terminal.wait() == GOOD and terminal.modes_are_restored()
