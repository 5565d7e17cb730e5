"""The harness sees what it is there to see: left over processes, sanitizer reports, the parts of log lines."""
import os
import shutil
import subprocess
import sys

import pytest

import proxyd_process
from deadline import wait_for
from log_file import LogFile, parse_line
from processes import children_of, is_alive
from proxyd_process import Proxyd, clear_orphans, configuration, orphans


def test_programs_do_not_inherit_ignored_signals():
    """[G-14] As in `nohup ./dev test &`: programs under test have default dispositions and an empty mask."""
    script = ("import signal, subprocess, processes; "
              "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1]); processes.stop_ignoring_signals(); "
              "signal.raise_signal(signal.SIGQUIT); print(processes.status_of('self')['SigIgn']); "
              "subprocess.run(['grep', '-E', 'Sig(Ign|Blk)', '/proc/self/status'])")
    support = os.path.dirname(os.path.abspath(proxyd_process.__file__))
    shell = ["sh", "-c", 'trap "" HUP INT QUIT TERM TSTP; exec "$@"', "sh", sys.executable, "-c", script]
    result = subprocess.run(shell, env={**os.environ, "PYTHONPATH": support}, capture_output=True, text=True, check=True)
    masks = [int(line.split()[-1], 16) for line in result.stdout.splitlines()]
    assert len(masks) == 3 and masks[1:] == [0, 0], result.stdout


def test_text_lines_have_their_parts():
    line = parse_line("2026-01-02T03:04:05.678Z dns-gw[REG] 42 UDPS-221-K REG is ready")
    assert (line.id, line.role, line.pid, line.text) == ("UDPS-221-K", "REG", 42, "REG is ready")
    line = parse_line("2026-01-02T03:04:05.678Z dns-gw 41 UDPS-210-K")
    assert (line.id, line.role, line.pid, line.text) == ("UDPS-210-K", "", 41, "")
    assert parse_line("Segmentation fault").id == ""


def test_records_have_their_fields_in_both_formats():
    text = parse_line(r'2026-01-02T03:04:05.678Z x[REG] 42 UDPP-888-I CLIENT-IP=1.2.3.4 RULE="a \"b\" \x1b" USER=""')
    assert text.fields == {"CLIENT-IP": "1.2.3.4", "RULE": 'a "b" \x1b', "USER": ""}
    json = parse_line('{"time":"t","name":"x","role":"REG","pid":42,"id":"UDPP-888-I","client-ip":"1.2.3.4"}')
    assert (json.id, json.role, json.pid, json.fields["CLIENT-IP"]) == ("UDPP-888-I", "REG", 42, "1.2.3.4")


def test_a_log_file_is_read_on_after_it_was_replaced(tmp_path):
    path = tmp_path / "log"
    log = LogFile(path)
    assert log.lines() == []
    path.write_text("one\ntw")
    assert [line.raw for line in log.lines()] == ["one"]
    with path.open("a") as file:
        file.write("o\n")
    assert [line.raw for line in log.lines()] == ["one", "two"]
    path.rename(tmp_path / "log.1")
    path.write_text("three\n")
    assert [line.raw for line in log.lines()] == ["one", "two", "three"]


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """A shell under proxyd's name."""
    binary = tmp_path / "proxyd"
    shutil.copy("/bin/bash", binary)
    monkeypatch.setattr(proxyd_process, "program", lambda name: str(binary))
    return binary


def test_a_process_that_outlives_its_parent_is_seen_and_cleared(fake):
    subprocess.run([fake, "-c", f"{fake} -c 'read -t 50 <> <(:); :' & exit 0"], check=True)
    found = wait_for(orphans, what="the orphan")
    assert len(found) == 1 and is_alive(found[0])
    clear_orphans()
    wait_for(lambda: not orphans(), what="its end")  # killed, it is there until it is reaped


@pytest.mark.parametrize("place, text", [
    ("sanitizer.17", "==17==ERROR: AddressSanitizer: heap-use-after-free"),
    ("stderr", "x.cpp:1:2: runtime error: signed integer overflow"),
    ("stderr", "WARNING: ThreadSanitizer: data race"),
])
def test_a_sanitizer_report_fails_the_test(fake, tmp_path, place, text):
    instance = Proxyd(tmp_path, configuration(("127.0.0.1", 1), "127.0.0.1:2"))
    instance.check_sanitizers()
    (instance.folder / place).write_text(text)
    with pytest.raises(AssertionError, match="sanitizer"):
        instance.check_sanitizers()


def test_an_early_end_and_a_wrong_status_are_failures(fake, tmp_path):
    instance = Proxyd(tmp_path, "", arguments=("-c", "exit 3", "x"))
    with pytest.raises(AssertionError, match="ended with status 3"):
        instance.start()
    assert instance.wait() == 3

    instance = Proxyd(tmp_path, "", arguments=("-c", "trap 'exit 5' TERM; echo UDPS-210-K >&2; while :; do read -t 1 <> <(:); done"))
    instance.start()
    with pytest.raises(AssertionError, match="status 5, not 0"):
        instance.stop()


def test_discarding_leaves_nothing(fake, tmp_path):
    instance = Proxyd(tmp_path, "", arguments=("-c", f"echo UDPS-210-K >&2; {fake} -c 'read -t 50 <> <(:); :'; :"))
    instance.start()
    child = wait_for(lambda: children_of(instance.pid), what="the child")[0]
    instance.discard()
    assert not instance.running
    wait_for(lambda: not is_alive(child), what="the child's end")


def test_a_daemon_is_followed_to_its_end(fake, tmp_path):
    daemon = f"{fake} -c \"trap 'exit 7' TERM; echo UDPS-210-K >&2; while :; do read -t 1 <> <(:); done\" & exit 0"
    instance = Proxyd(tmp_path, "", arguments=("-c", daemon))
    assert instance.start_daemon() == 0
    assert instance.running and instance.pid in children_of(os.getpid())
    instance.wait_line("UDPS-210-K")
    instance.stop(status=7)
    assert not instance.running
