"""proxyctl's commands before a scripted control socket: what they ask, what they show, how they end."""
import json

import pytest

from fake_control import CLOSE, SILENCE, error
from proxyctl_run import FAILED, GOOD, MISUSED, NO_RIGHT, TIMED_OUT, ctl  # noqa: F401

SESSION = {"id": "17.3", "client": "10.1.2.3:40000", "local": "10.0.1.1:53", "server": "192.0.2.53:53",
           "rule": "lan", "type": "normal", "worker": 0, "created_ms": 192345, "idle_ms": 7200,
           "client_datagrams": 12, "client_bytes": 1536, "server_datagrams": 12, "server_bytes": 23_500_000,
           "answered": True}
STATUS = {"name": "gw", "state": "serving", "why": "", "listeners": ["127.0.0.1:53"]}


def session(number, **fields):
    return {**SESSION, "id": f"{number}.1", "client": f"10.1.{number // 250}.{number % 250}:{1024 + number}", **fields}


ASKED = [  # command line: request
    ("ps", "ps", {}),
    ("PS", "ps", {}),
    ("rules", "rules", {}),
    ("names", "names", {}),
    ("refresh", "refresh", {}),
    ("refresh www.example.com", "refresh", {"name": "www.example.com"}),
    ("resolve www.example.com", "resolve", {"name": "www.example.com"}),
    ("stats", "stats", {}),
    ("reload", "reload", {}),
    ("reload --check", "reload", {"check": True}),
    ("sessions", "sessions", {}),
    ("sessions --older 3650d", "sessions", {"older_ms": 3650 * 86_400_000}),
    ("SESSIONS --from 10.0.0.0/8 --idle 5m", "sessions",
     {"from": "10.0.0.0/8", "idle_ms": 300000}),
    ("sessions --to=10.0.1.1:53 --server 192.0.2.53 --rule lan --listener 10.0.1.1:53 --type normal --state answered "
     "--older 500ms", "sessions", {"to": "10.0.1.1:53", "server": "192.0.2.53", "rule": "lan", "type": "normal",
                                   "listener": "10.0.1.1:53", "state": "answered", "older_ms": 500}),
    ("session 17.3", "session", {"id": "17.3"}),
    ("kill 17.3", "kill-sessions", {"id": "17.3"}),
    ("kill 17.3 --refuse 30s", "kill-sessions", {"id": "17.3", "refuse_ms": 30000}),
    ("kill --rule lan", "kill-sessions", {"rule": "lan"}),
    ("kill --every", "kill-sessions", {"every": True}),
    ("kill reg", "kill-role", {"role": "REG"}),
    ("signal usr1", "signal", {"signal": "USR1"}),
    ("signal SIGPWR acr", "signal", {"signal": "INFO", "role": "ACR"}),
    ("signal term PARENT", "signal", {"signal": "TERM", "role": "parent"}),
    ("explain from 10.1.2.3 to 10.0.1.1:53", "explain", {"client": "10.1.2.3", "local": "10.0.1.1:53"}),
    ("explain TO 10.0.1.1:53 from [2001:db8::1]:5 AT mon 08:30 DSCP 46", "explain",
     {"client": "[2001:db8::1]:5", "local": "10.0.1.1:53", "time": "mon 08:30", "dscp": 46}),
    ("explain from 10.1.2.3 to 10.0.1.1:53 at 23:59", "explain",
     {"client": "10.1.2.3", "local": "10.0.1.1:53", "time": "23:59"}),
    ("explain --last 10.1.2.3", "last-refusals", {"client": "10.1.2.3"}),
    ("log level", "ps", {}),
    ("log level up", "log-level", {"steps": 1}),
    ("log level down", "log-level", {"steps": -1}),
    ("log level reg 7", "log-level", {"role": "REG", "level": 7}),
    ("log LEVEL all debug", "log-level", {"role": "all", "level": 7}),
    ("log reopen", "log-reopen", {}),
    ("log tail", "log-tail", {}),
    ("log tail -n 50", "log-tail", {"lines": 50}),
    ("log tail -n5 --follow", "log-tail", {"lines": 5, "follow": True}),
    ("info", "info", {}),
    ("info APR", "info", {"role": "APR"}),
    ("config --effective", "config", {}),
    ("status", "status", {}),
    ("version", "version", {}),
]


@pytest.mark.parametrize("line, command, args", ASKED)
def test_what_is_asked(ctl, line, command, args):
    """[K-72] Every command sends its request, upper and lower case equal."""
    fake = ctl.fake(answers={command: [{"role": "REG", "name": "gw", "state": "serving", "line": "x", "text": "y"}]})
    ctl(*line.split(), status=GOOD)
    assert fake.last() == (command, args)


@pytest.mark.parametrize("short, command", [("sess 17.3", None), ("sessions", "sessions"), ("exp --last 1.2.3.4",
                                            "last-refusals"), ("ru", "rules"), ("Na", "names"), ("p", "ps")])
def test_commands_may_be_shortened(ctl, short, command):
    """[K-72] Unless they are ambiguous; then the candidates are named. A whole name is never ambiguous."""
    fake = ctl.fake(answers={command: [{"rule": "lan"}]})
    result = ctl(*short.split(), status=GOOD if command else MISUSED)
    if command:
        assert fake.last()[0] == command
    else:
        assert "ambiguous command 'sess' (sessions, session)" in result.stderr and not fake.requests


WRONG = [
    ("sesions", "did you mean sessions?"), ("frobnicate", "unknown command 'frobnicate'"),
    ("session", "missing argument"), ("session x", "'x' is not a session id"), ("session 1.2 3.4", "unexpected argument '3.4'"),
    ("sessions --idle 5", "expected a duration"), ("kill --from 1.2.3.4 --refuse 3651d", "the maximum is 3650d"),
    ("session 1.1 --interval 99ms", "at least 100ms"), ("sessions --top x", "expected a whole number"),
    ("sessions --top -1", "expected a whole number"), ("sessions --frob", "unknown option --frob"), ("sessions --formm x", "did you mean --from?"),
    ("sessions --s 1", "ambiguous option --s (--server, --state, --sort)"), ("sessions --from", "--from requires a value"),
    ("sessions --from=", "empty value"), ("sessions --top 1 --top 2", "given twice"),
    ("sessions -x", "unknown option -x"), ("kill", "expected a role, sessions"), ("kill --every --rule a", "exclude each other"),
    ("kill 1.2 --rule a", "exclude each other"), ("kill ALL", "'ALL' is not a role"), ("kill 1.2 REG", "expected one role, or sessions"),
    ("kill LOG", "'LOG' is not a role"), ("kill REG --refuse 5m", "--refuse is for the clients of sessions"),
    ("signal KILL", "unknown signal 'KILL'"), ("signal USR1 FOO", "unknown role 'FOO'"), ("signal", "missing argument"),
    ("explain", "'from' is missing"), ("explain from 10.1.2.3", "'to' is missing"), ("explain from", "no value after"),
    ("explain from 1.2.3.4 from 1.2.3.4", "given twice"), ("explain via x", "expected from, to, at or dscp"),
    ("explain --last 1.2.3.4 from 1.2.3.4", "--last cannot be combined"),
    ("log", "missing argument"), ("log frob", "unknown action 'frob'"), ("log level 12", "unknown level '12'"),
    ("log level LOG", "LOG takes no signals"), ("log level log debug", "LOG takes no signals"), ("log level debug REG", "unknown role 'debug'"),
    ("info LOG", "LOG takes no signals"),
    ("log level REG up down", "unexpected argument 'down'"), ("log reopen now", "unexpected argument 'now'"),
    ("info FOO", "unknown role 'FOO'"), ("stats --interval 1ms", "at least 100ms"),
    ("monitor", "requires a terminal"), ("help frobnicate", "unknown command 'frobnicate'"), ("ps all", "unexpected argument 'all': no such instance"),
    ("stop --graceful soon", "expected a duration"), ("--frob ps", "unknown option --frob"),
    ("stop --graceful 5", "did you mean '5s'?"), ("kill --older 5min", "did you mean '5m'?"),
    ("--timeout 0s ps", "--timeout '0s'"), ("-s", "option -s requires a value"), ("-s a --all ps", "exclude each other"),
]


@pytest.mark.parametrize("line, told", WRONG)
def test_wrong_usage(ctl, line, told):
    """Exit status 2, an error that names the mistake, and no request."""
    fake = ctl.fake()
    result = ctl(*line.split(), status=MISUSED)
    assert told in result.stderr and result.stdout == "" and not fake.requests


def test_bounds_of_the_command_line(ctl):
    """[K-72] Too many and too long arguments get a clear error."""
    ctl.fake()
    assert "too many arguments: 102 (maximum 100)" in ctl("kill", *["1.2"] * 101, status=MISUSED).stderr
    assert "argument too long: 1025 characters" in ctl("resolve", "x" * 1025, status=MISUSED).stderr
    ctl.fake("other", {"resolve": [{"status": "ok"}]})
    ctl("other", "resolve", "x" * 1024, status=GOOD)


def test_the_table_of_sessions_fits(ctl):
    """[K-70] Columns are aligned, numbers to the right with human units, 80 characters are enough."""
    ctl.fake(answers={"sessions": [SESSION, session(5, idle_ms=90_000, client_bytes=7)]})
    lines = ctl("sessions", status=GOOD).stdout.splitlines()
    assert lines == [
        "ID    CLIENT          SERVER         RULE    AGE   IDLE  FROM CL  FROM SV",
        "17.3  10.1.2.3:40000  192.0.2.53:53  lan   3m12s   7.2s     1.5K      22M",
        "5.1   10.1.0.5:1029   192.0.2.53:53  lan   3m12s  1m30s        7      22M"]


def test_long_addresses_are_cut_on_a_terminal_only(ctl):
    long = session(1, client="[2001:db8:1111:2222:3333:4444:5555:6666]:65535",
                   server="[2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff]:65535")
    ctl.fake(answers={"sessions": [long]})
    assert long["client"] in ctl("sessions").stdout
    terminal = ctl.terminal("sessions")
    assert terminal.wait() == GOOD
    rows = terminal.screen().lines
    assert "…" in rows[1] and all(len(line) <= 80 for line in terminal.output.splitlines() if "\x1b" not in line)
    assert rows[1].endswith("22M"), "the last column is still there"


def test_sort_top_and_columns(ctl):
    """[K-70] Numbers descending, texts ascending, `-` reverses; addresses are compared as addresses."""
    rows = [session(n, idle_ms=n * 1000, rule=rule) for n, rule in ((9, "b"), (10, "c"), (2, "a"))]
    ctl.fake(answers={"sessions": rows})

    def ids(*arguments):
        return [line.split()[0] for line in ctl("sessions", *arguments, status=GOOD).stdout.splitlines()[1:]]
    assert ids() == ["9.1", "10.1", "2.1"]
    assert ids("--sort", "idle") == ["10.1", "9.1", "2.1"]
    assert ids("--sort", "-idle_ms") == ["2.1", "9.1", "10.1"]
    assert ids("--sort", "rule") == ["2.1", "9.1", "10.1"]
    assert ids("--sort", "client", "--top", "2") == ["2.1", "9.1"]
    assert [row["id"] for row in ctl.rows("sessions", "--sort", "idle", "--top", "1")] == ["10.1"]
    assert ctl("sessions", "--columns", "rule,idle,client", status=GOOD).stdout.splitlines()[:2] == \
        ["RULE  IDLE  CLIENT", "b     9.0s  10.1.0.9:1033"]
    told = ctl("sessions", "--sort", "speed", status=MISUSED).stderr
    assert "unknown session field 'speed' (expected id, client" in told
    assert "unknown session field 'x'" in ctl("sessions", "--columns", "id,x", status=MISUSED).stderr


def test_no_sessions(ctl):
    ctl.fake(answers={"sessions": []})
    assert ctl("sessions", "--sort", "idle", "--columns", "id", status=GOOD).stdout == "none\n"
    assert ctl("--json", "sessions", status=GOOD).stdout == ""


@pytest.mark.parametrize("place", ["before", "behind"])
def test_json_is_exactly_what_was_received(ctl, place):
    """Also numbers beyond 64 bits, odd spaces, and unknown fields; no end line."""
    odd = '{"id": "1.1",  "future": [1,{"a":18446744073709551615}], "client":"x\\u001b[31m"}'
    ctl.fake(answers={"sessions": [odd, SESSION]})
    arguments = ("--json", "sessions") if place == "before" else ("sessions", "--json")
    assert ctl(*arguments, status=GOOD).stdout == odd + "\n" + json.dumps(SESSION, separators=(",", ":")) + "\n"


@pytest.mark.parametrize("command", ["ps", "sessions", "session 1.1", "rules", "names", "stats", "status", "info",
                                     "refresh", "resolve x", "explain --last 1.2.3.4", "log tail", "config --effective", "log level up",
                                     "signal USR1", "kill REG", "kill 1.1", "reload", "version",
                                     "explain from 1.2.3.4 to 1.2.3.4:5"])
def test_every_command_has_json(ctl, command):
    row = {"name": "gw", "role": "REG", "state": "serving", "line": "x"}
    names = ["ps", "sessions", "session", "rules", "names", "stats", "status", "info", "refresh", "resolve", "last-refusals",
             "log-tail", "config", "log-level", "signal", "kill-role", "kill-sessions", "reload", "version", "explain"]
    ctl.fake(answers={name: [row] for name in names})
    assert ctl.rows(*command.split()) == [row]


def test_json_cannot_drive_the_terminal(ctl):
    """[G-8] A C1 control character and a mark of direction are escaped on a terminal, and as they are in a pipe."""
    evil = "a\x9b2Jb\u202ec\u200bd\x7f"
    ctl.fake(answers={"rules": ['{"rule":"' + evil + '"}']})
    assert ctl.rows("rules") == [{"rule": evil}]
    assert ctl("--json", "rules").stdout == '{"rule":"' + evil + '"}\n'
    terminal = ctl.terminal("--json", "rules")
    assert terminal.wait() == GOOD
    assert not any(char in terminal.output for char in "\x9b\u202e\u200b\x7f"), terminal.output
    assert json.loads(terminal.output) == {"rule": evil}


def test_foreign_text_cannot_drive_the_terminal(ctl):
    """Control characters are escaped in tables, lists, lines, errors and in the names of fields."""
    evil = "a\x1b[2Jb\nc\u202ed\x07"
    ctl.fake(answers={"rules": [{"rule": evil, evil: 1}, {"rule": "x"}], "session": [{evil: evil, "o": {evil: evil}}],
                      "log-tail": [{"line": evil}], "stats": error(evil), "explain": [{"decision": evil, "why": evil}],
                      "status": [{"name": "gw", "state": evil, "why": evil, "listeners": [evil]}],
                      "config": [{"text": evil}]})
    for command in ("rules", "session 1.1", "log tail", "stats", "explain from 1.2.3.4 to 1.2.3.4:5", "status",
                    "config --effective"):
        result = ctl(*command.split())
        text = result.stdout + result.stderr
        assert "\\x1b[2J" in text, command
        assert not any(char in text for char in "\x1b\x07\u202e"), command


@pytest.mark.parametrize("code, status", [("usage", MISUSED), ("refused", NO_RIGHT), ("unknown", FAILED),
                                          ("busy", TIMED_OUT), ("gone", TIMED_OUT), ("failed", FAILED),
                                          ("of-tomorrow", FAILED)])
def test_errors_have_exit_codes(ctl, code, status):
    """The server's error goes to stderr, and its code gives the exit status; also after some rows."""
    ctl.fake(answers={"rules": [{"rule": "lan"}, *error("it is so and so", code)]})
    result = ctl("rules", status=status)
    assert result.stderr == "proxyctl: it is so and so\n"


def test_read_only(ctl):
    """[K-75] A refusal is one clear message with its own exit status."""
    ctl.fake(answers={"kill-sessions": error("only members of adm may change something", "refused")})
    result = ctl("kill", "1.2", status=NO_RIGHT)
    assert result.stderr == "proxyctl: only members of adm may change something\n" and result.stdout == ""


def test_kill_of_several(ctl):
    """[O-48] A missing session does not stop the remaining ones; the counts are shown."""
    def kill(request):
        return error("there is no session 2.2", "unknown") if request["args"]["id"] == "2.2" else [{"killed": 1}]
    fake = ctl.fake(answers={"kill-sessions": kill})
    result = ctl("kill", "1.1", "2.2", "3.3", status=FAILED)
    assert [request["args"]["id"] for request in fake.requests] == ["1.1", "2.2", "3.3"]
    assert result.stdout == "killed  1\nkilled  1\n" and "2.2: there is no session 2.2" in result.stderr


def test_session_shows_everything(ctl):
    ctl.fake(answers={"session": [{**SESSION, "limits_left": {"idle_ms": 172800000, "client_bytes": 0}}]})
    lines = ctl("session", "17.3", status=GOOD).stdout.splitlines()
    assert "client            10.1.2.3:40000" in lines and "created_ms        3m12s" in lines
    assert lines[-3:] == ["limits_left", "  idle_ms       2d00h", "  client_bytes  0"]


def test_explain_shows_the_rules_and_the_decision(ctl):
    ctl.fake(answers={"explain": [{"rule": "dmz", "matched": False, "why": "from"}, {"rule": "lan", "matched": True},
                                  {"decision": "accept", "rule": "lan", "server": "192.0.2.1:53", "why": "all match"}]})
    lines = ctl("explain", "from", "10.1.2.3", "to", "10.0.1.1:53", status=GOOD).stdout.splitlines()
    assert lines == ["RULE  MATCHED  WHY", "dmz   no       from", "lan   yes      -",
                     "decision: accept by rule lan, server 192.0.2.1:53: all match"]


@pytest.mark.parametrize("state, status", [("serving", 0), ("degraded", 1), ("starting", 1), ("stopping", 1)])
def test_status_of_one(ctl, state, status):
    ctl.fake(answers={"status": [{**STATUS, "state": state, "why": "" if status == 0 else "REG is down"}]})
    text = ctl("status", status=status).stdout
    assert text == f"gw: {state}{': REG is down' if status else ''}, 127.0.0.1:53\n"


def test_rates_of_stats(ctl):
    """Changes per second; numbers that shrank have none; Ctrl-C stops it."""
    counts = iter(range(1000))

    def stats(_):
        step = next(counts)
        return [{"datagrams": 1000 * step, "client_bytes": 10240 * step, "sessions": 5 - step, "uptime_ms": 100 * step}]
    fake = ctl.fake(answers={"stats": stats})
    process = ctl.start("stats", "--interval", "500ms")
    lines = [process.stdout.readline() for _ in range(4 + 6)]
    process.terminate()
    table = {line.split()[0]: line.split()[1:] for line in lines[6:]}
    assert len(fake.requests) >= 2 and lines[5].split() == ["NAME", "VALUE", "RATE"]
    assert table["datagrams"][0] == "1000" and table["datagrams"][1] in ("2.0k/s", "1.9k/s", "1.8k/s", "1.7k/s")
    assert table["client_bytes"][1].endswith("K/s")
    assert table["sessions"][1] == "-" and table["uptime_ms"][1] == "-"


def test_watch_polls_events(ctl):
    """It asks for the events after the last answer, prints each, and continues when REG restarts."""
    gone = iter([error("REG exited while answering; retry", "gone"),
                 error("REG is down; retry later", "gone")])

    def events(request):
        since = request["args"].get("since_ms")
        if since == 8:
            yield from next(gone, [{"event": "refused", "ago_ms": 5, "client": "10.1.2.3:5"}, {"next_ms": 9}])
        else:
            yield from {None: [], 7: [{"event": "begin", "ago_ms": 200, "id": "1.1", "client": "10.1.2.3:5"},
                                      {"event": "end", "ago_ms": 100, "id": "1.1", "reason": "idle"}]}.get(since, [])
            yield {"next_ms": {None: 7, 7: 8}.get(since, 9)}
    fake = ctl.fake(answers={"events": events})
    process = ctl.start("watch", "--from", "10.1.0.0/16")
    lines = [process.stdout.readline().rstrip("\n") for _ in range(3)]
    process.terminate()
    _, errors = process.communicate()
    assert [line.split(" ", 1)[1] for line in lines] == [
        "begin id=1.1 client=10.1.2.3:5", "end id=1.1 reason=idle", "refused client=10.1.2.3:5"]
    assert errors == "proxyctl: REG exited while answering; retry; events may be missing\n"
    assert fake.requests[0] == {"command": "events", "args": {"from": "10.1.0.0/16"}}


@pytest.mark.parametrize("answer, status, text", [
    ([], FAILED, "does not give its end"), ([CLOSE], FAILED, "before the end of its answer"),
    (error("you may only look", "refused"), NO_RIGHT, "you may only look")])
def test_watch_ends_with_what_does_not_pass(ctl, answer, status, text):
    ctl.fake(answers={"events": answer})
    assert text in ctl("watch", status=status).stderr


def test_the_first_rows_need_no_whole_answer(ctl):
    """--top without --sort does not wait for the rest of the answer."""
    rows = [{"id": f"{n}.1", "client": f"10.0.0.{n}:5"} for n in range(5)]
    ctl.fake(answers={"sessions": [*rows, SILENCE]})
    assert [row["id"] for row in ctl.rows("sessions", "--top", "3")] == ["0.1", "1.1", "2.1"]


def test_help_of_a_command(ctl):
    """Also for an abbreviation, and in JSON; it sends no request."""
    text = ctl("help", "sessi", status=MISUSED).stderr
    assert "ambiguous command" in text
    text = ctl("help", "KILL", status=GOOD).stdout
    assert text.startswith("kill [ROLE | SESSION ...] [FILTER ...]") and "--refuse TIME" in text and "--from" in text
    assert len(ctl.rows("help")) == 29 and ctl("--help").stdout.startswith("usage: proxyctl")
    assert ctl("--version").stdout.startswith("proxyctl 0.")
    assert ctl("quit", status=GOOD).stdout == ""
