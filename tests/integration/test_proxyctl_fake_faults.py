"""proxyctl before control sockets that behave badly."""
import json
import os
import socket
import time

import pytest

from deadline import SLOWNESS
from fake_control import CLOSE, SILENCE, error
from proxyctl_run import FAILED, GOOD, MISUSED, NOT_RUNNING, NO_RIGHT, TIMED_OUT, ctl  # noqa: F401

QUICK = ("--timeout", f"{int(300 * SLOWNESS)}ms")


@pytest.mark.parametrize("rows", [[CLOSE], [{"rule": "lan"}, CLOSE], [{"rule": "lan"}, b'{"rule": "half', CLOSE]])
def test_a_server_that_dies_in_the_middle(ctl, rows):
    """Status 1 and a plain error; the rows before it stay readable with --json."""
    ctl.fake(answers={"sessions": rows})
    result = ctl("--json", "sessions", status=FAILED)
    assert result.stderr == "proxyctl: the proxy closed the connection before the end of its answer\n"
    assert result.stdout == ('{"rule":"lan"}\n' if len(rows) > 1 else "")


@pytest.mark.parametrize("rows", [[SILENCE], [{"rule": "lan"}, SILENCE], [b"half a line", SILENCE]])
def test_a_server_that_never_answers(ctl, rows):
    """[K-71] Status 5 after --timeout."""
    ctl.fake(answers={"rules": rows})
    began = time.monotonic()
    result = ctl(*QUICK, "rules", status=TIMED_OUT)
    assert "no answer within" in result.stderr
    assert time.monotonic() - began < 5 * SLOWNESS


def test_a_server_that_does_not_accept(ctl):
    """The backlog is full: connecting times out too."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(ctl.run_dir / "gw.sock"))
        listener.listen(0)
        waiting = socket.socket(socket.AF_UNIX)
        waiting.connect(str(ctl.run_dir / "gw.sock"))
        assert "no answer within" in ctl(*QUICK, "rules", status=TIMED_OUT).stderr
        waiting.close()


GARBAGE = ["hello", "[1,2]", "{", "{}{}", '{"a":' * 20 + "1" + "}" * 20, '{"a":"\xff"}'.encode("latin-1") + b"\n", "",
           '{"error":5}', "\x1b[2J", b"\x00\x01\x02\n", "null", '{"rule":"a"} trailing']


@pytest.mark.parametrize("line", GARBAGE)
def test_garbage(ctl, line):
    """Status 1, with a visible piece of it."""
    ctl.fake(answers={"rules": [line]})
    result = ctl("rules", status=FAILED)
    assert "malformed answer" in result.stderr
    assert not any(char in result.stderr.rstrip("\n") for char in "\x1b\x00\n")


def test_a_line_without_end(ctl):
    """A line beyond the limit is not collected."""
    def endless(_):
        while True:
            yield b"x" * 60000
    ctl.fake(answers={"rules": endless})
    assert "exceeds 65536 bytes" in ctl("rules", status=FAILED).stderr


def test_odd_values(ctl):
    """Nulls, missing fields, numbers of every kind and nested values are shown, never fatal."""
    ctl.fake(answers={"sessions": [{"id": None, "client": 5, "idle_ms": "soon", "created_ms": -5}, {"server": [1, {"a": []}]},
                                   {"client_bytes": 1e300, "server_bytes": 18446744073709551615, "rule": {"x": {"y": 1}}},
                                   {"created_ms": -9223372036854775808, "idle_ms": 1.5}, {}],
                      "status": [{"name": 5, "state": [], "listeners": 7}], "ps": [{}], "stats": [{"a": [], "b": {}}]})
    for command in ("sessions", "ps", "stats", "log level", "sessions --sort id"):
        ctl(*command.split(), status=GOOD)
    assert ctl("status").returncode == 1


@pytest.mark.parametrize("rows", [10_000])
def test_many_rows(ctl, rows):
    """They are complete and in order, as a table, sorted, and as JSON."""
    answer = [{"id": f"{n}.1", "client": f"10.0.{n // 250}.{n % 250}:53", "idle_ms": n} for n in range(rows)]
    ctl.fake(answers={"sessions": answer})
    assert ctl.rows("sessions") == answer
    lines = ctl("sessions", "--sort", "idle").stdout.splitlines()
    assert len(lines) == rows + 1 and lines[1].startswith("9999.1") and lines[-1].startswith("0.1")


def test_a_reader_that_leaves(ctl):
    """`proxyctl sessions | head` exits quietly."""
    ctl.fake(answers={"sessions": ({"id": f"{n}.1"} for _ in [0] for n in range(100_000))})
    process = ctl.start("--json", "sessions")
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(10 * SLOWNESS) == -13 and process.stderr.read() == ""


def test_a_full_disk(ctl):
    """A failed write is an error."""
    ctl.fake(answers={"rules": [{"rule": "lan"}]})
    with open("/dev/full", "w") as full:
        import subprocess
        from programs import program
        result = subprocess.run([program("proxyctl"), "rules"], env=ctl.environment, stdout=full,
                                stderr=subprocess.PIPE, text=True, timeout=10)
    assert result.returncode == FAILED and "cannot write the output" in result.stderr


def test_a_refusal_at_the_door(ctl):
    """[O-45] The server's only line is read although it closes before it was asked anything."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(ctl.run_dir / "gw.sock"))
    listener.listen()
    process = ctl.start("rules")
    connection, _ = listener.accept()
    connection.sendall(json.dumps({"error": "you may not", "code": "refused"}).encode() + b"\n")
    connection.close()
    _, errors = process.communicate(timeout=10)
    listener.close()
    assert (process.returncode, errors) == (NO_RIGHT, "proxyctl: you may not\n")


def test_nobody_listens(ctl):
    """A socket file that a crash left behind, and none at all: status 3."""
    with socket.socket(socket.AF_UNIX) as left_over:
        left_over.bind(str(ctl.run_dir / "gw.sock"))
    assert "connection refused" in ctl("ps", status=NOT_RUNNING).stderr
    assert "no such socket" in ctl("-s", ctl.run_dir / "other.sock", "ps", status=NOT_RUNNING).stderr
    assert "invalid socket path" in ctl("-s", "x" * 200, "ps", status=MISUSED).stderr
    (ctl.folder / "file").write_text("")
    assert ctl("-s", ctl.folder / "file", "ps", status=NOT_RUNNING)


@pytest.mark.skipif(os.geteuid() != 0, reason="changes the user")
def test_no_right_to_the_socket(ctl):
    """Status 4."""
    import subprocess
    from programs import program
    fake = ctl.fake(answers={"ps": []})
    os.chmod(fake.path, 0o600)
    for folder in (ctl.folder, ctl.run_dir, *ctl.folder.parents):
        if folder.stat().st_mode & 0o011 != 0o011 and str(folder) != "/":
            folder.chmod(folder.stat().st_mode | 0o055)
    command = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", program("proxyctl")]
    result = subprocess.run([*command, "ps"], env=ctl.environment, capture_output=True, text=True, timeout=10)
    if "cannot execute" not in result.stderr and "failed to execute" not in result.stderr:
        assert result.returncode == NO_RIGHT and "as a member of control.group" in result.stderr
    assert not fake.requests


def test_what_the_server_does_not_know_yet(ctl):
    """Commands that the server does not know get a plain error."""
    ctl.fake(answers={"reload": error("unknown command 'reload'; there are ps, stop", "unknown")})
    assert ctl("reload", status=FAILED).stderr == \
        "proxyctl: this proxyd does not support 'reload'; `version` shows its version\n"
