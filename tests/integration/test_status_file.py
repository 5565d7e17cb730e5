"""The file with all sessions (proxyd.conf(5), STATUS-FILE)."""
import csv
import json
import os
import stat
import threading
import time

import pytest

from control_gateway import ctl, echo, gw  # noqa: F401
from deadline import wait_for
from proxyctl_run import GOOD

FAILED = "UDPS-242-W"
COLUMNS = ["id", "rule", "client", "server", "client_bytes", "to_client_bytes", "since", "since_epoch"]


def sessions_of(path, form):
    """Head and sessions as dictionaries; checks that the end mark is there."""
    lines = path.read_text().splitlines()
    if form == "json":
        head, *rows, end = map(json.loads, lines)
        assert end == {"end": True, "sessions": len(rows)}
        return head["written_epoch"], rows
    if form == "text":
        head, titles, *rows, end = lines
        assert end == f"END, {len(rows)} sessions" and titles.split() == COLUMNS
        return int(head.split("(")[1].split(")")[0]), [dict(zip(COLUMNS, row.split())) for row in rows]
    table = list(csv.reader(lines, delimiter="," if form == "csv" else "\t"))
    assert [row[0] for row in table] == ["TIME", "HEADER"] + ["SESSION"] * (len(table) - 3) + ["END"]
    assert table[1][1:] == COLUMNS and table[-1][1] == str(len(table) - 3)
    return int(table[0][4]), [dict(zip(COLUMNS, row[1:])) for row in table[2:-1]]


def wait_file(path, form, count, seconds=5):
    def enough():
        return path.exists() and len(sessions_of(path, form)[1]) == count
    wait_for(enough, seconds, lambda: f"{count} sessions in {path}")
    return sessions_of(path, form)


@pytest.mark.parametrize("form", ["text", "csv", "tab", "json"])
def test_every_format_has_every_column(gw, echo, peer, tmp_path, form):
    """[O-42][O-44] Rule, both addresses, bytes each way, since when in both forms, and the session's id."""
    path = tmp_path / "gw.status"
    one = gw(echo, **{"status-file": {"path": str(path), "every": "1s", "format": form}})
    wait_file(path, form, 0)
    client = peer()
    client.ask(b"12345", one.listener)
    begun = time.time()
    written, (row,) = wait_file(path, form, 1)
    shown = one.row("sessions")
    assert (row["id"], row["rule"], row["client"], row["server"]) == (shown["id"], "everybody", client.text, echo)
    assert (int(row["client_bytes"]), int(row["to_client_bytes"])) == (5, 5)
    since = int(row["since_epoch"])
    assert abs(since - begun) <= 2 and abs(written - time.time()) <= 5
    assert row["since"] == time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(since))
    assert stat.S_IMODE(path.stat().st_mode) == 0o640 and list(tmp_path.glob("*.new")) == []


def test_nobody_reads_half_of_it(gw, echo, background_load, tmp_path):
    """[O-42] Read all the time while it is replaced all the time, with many sessions."""
    path, count = tmp_path / "gw.status", 1500
    one = gw(echo, udpserver={"max-sessions": 4 * count, "workers": 2},
             **{"status-file": {"path": str(path), "every": "1h", "format": "csv"}})
    status, result = background_load("--to", "%s:%d" % one.listener, "--clients", count, "--count", 1,
                                     "--rate", 2000).finish()
    assert status == 0 and result["lost"] == 0, result
    one("signal", "INFO", status=GOOD)
    wait_file(path, "csv", count)
    done, versions = threading.Event(), set()

    def read():
        while not done.is_set():
            versions.add(path.stat().st_mtime_ns)
            assert len(sessions_of(path, "csv")[1]) == count
    faults = []

    def guarded():
        try:
            read()
        except (AssertionError, OSError, IndexError) as fault:
            faults.append(fault)
    reader = threading.Thread(target=guarded)
    reader.start()
    for _ in range(20):
        before = path.stat().st_ino
        one("signal", "INFO", status=GOOD)
        wait_for(lambda before=before: path.stat().st_ino != before, what="the next file")
    done.set()
    reader.join()
    assert not faults and len(versions) > 5


@pytest.mark.parametrize("single", [False, True])
def test_a_report_at_once_by_signal_and_command(gw, proxyd, echo, peer, tmp_path, single):
    """[O-43] The signal writes the lines of `info` to the log and the file at once; `sessions` has the same."""
    path = tmp_path / "gw.status"
    one = gw(echo, singleproc=single, **{"status-file": {"path": str(path), "every": "1h", "format": "json"}})
    wait_file(path, "json", 0)
    client = peer()
    client.ask(b"x", one.listener)
    one.daemon.send_signal(30)  # PWR
    one.daemon.wait_line("UDPS-240-I", text="sessions: 1 open")
    _, (row,) = wait_file(path, "json", 1)
    assert row["client"] == client.text
    if not single:
        assert {key: row[key] for key in ("id", "rule", "client", "server", "client_bytes")}.items() <= \
            one.row("sessions").items()


def test_the_next_reg_writes_it_too_and_a_reload_moves_it(gw, echo, peer, tmp_path):
    """[O-42] At once, and with its own process id."""
    import yaml
    path, other = tmp_path / "gw.status", tmp_path / "other.status"
    one = gw(echo, **{"status-file": {"path": str(path), "every": "1h", "format": "json"}})
    wait_file(path, "json", 0)
    peer().ask(b"x", one.listener)
    pid = one.daemon.replace_child()
    wait_file(path, "json", 1)
    assert json.loads(path.read_text().splitlines()[0])["pid"] == pid
    config = yaml.safe_load(one.daemon.file.read_text())
    config["status-file"]["path"] = str(other)
    one.daemon.file.write_text(yaml.safe_dump(config, sort_keys=False))
    one("reload", status=GOOD)
    wait_file(other, "json", 1)


@pytest.mark.parametrize("trap", ["no folder", "a folder", "links"])
def test_a_place_where_it_cannot_be(gw, echo, peer, tmp_path, trap):
    """[O-42] It is logged, or the trap is replaced and not followed; the proxy serves."""
    path, victim = tmp_path / "gw.status", tmp_path / "victim"
    victim.write_text("mine")
    if trap == "no folder":
        path = tmp_path / "nowhere" / "gw.status"
    elif trap == "a folder":
        path.mkdir()
    else:
        path.symlink_to(victim)
        (tmp_path / "gw.status.new").symlink_to(victim)
    one = gw(echo, **{"status-file": {"path": str(path), "every": "1s"}})
    assert peer().ask(b"x", one.listener) == b"x"
    if trap == "links":
        wait_for(lambda: not path.is_symlink() and path.read_text().rstrip().endswith("sessions"), what="the file")
    else:
        one.daemon.wait_line(FAILED, text=str(path))
    assert victim.read_text() == "mine" and not os.path.lexists(f"{path}.new")
    assert one.row("status")["state"] == "serving"
