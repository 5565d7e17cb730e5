"""Load while REG is killed every second: no session is lost, no answer goes astray."""
import datetime
import time

import pytest

from deadline import SLOWNESS, wait_for
from free_ports import free_port
from proxyd_process import configuration

DIED, READY = "UDPS-222-E", "UDPS-221-K"
RATE, CLIENTS = 10_000, 100


def moment(line):
    """Seconds since 1970 of a log line."""
    return datetime.datetime.fromisoformat(line.raw.split()[0].replace("Z", "+00:00")).timestamp()


def ready_times(daemon, deaths):
    """Milliseconds from each death in the log to the next REG that is ready."""
    died = [moment(line) for line in daemon.lines(DIED)]
    ready = [moment(line) for line in daemon.lines(READY, text="REG")]
    assert len(died) == deaths and len(ready) == deaths + 1
    return [1000 * (ready[i + 1] - died[i]) for i in range(deaths)]


@pytest.mark.load
@pytest.mark.seconds(120)
@pytest.mark.parametrize("workers", [1, 2])
def test_reg_dies_every_second_under_load(proxyd, udp_echo, background_load, long_run, workers):
    """[K-4] [L-8] 100 clients, 10,000 round trips a second; the server sees 100 source ports to the end."""
    seconds = 30 if long_run else 6
    rate = int(RATE / SLOWNESS)
    echo, listener = udp_echo(), ("127.0.0.1", free_port())
    daemon = proxyd(configuration(listener, echo.text, udpserver={
        "max-sessions": 1000, "workers": workers, "max-restarts": {"count": 1000, "within": "60s"}}))
    before = daemon.descriptor_counts()
    load = background_load("--to", f"{listener[0]}:{listener[1]}", "--clients", CLIENTS, "--rate", rate,
                           "--seconds", seconds, "--max-loss", 0.1, "--from", "127.88.0.0/24")
    begin = time.monotonic()
    deaths = 0
    while time.monotonic() < begin + seconds - 0.7:
        time.sleep(max(0, begin + 0.7 + deaths - time.monotonic()))
        daemon.kill_child("REG")
        deaths += 1
        daemon.wait_line(READY, text="REG", count=deaths + 1)
    status, figures = load.finish()
    times = ready_times(daemon, deaths)
    counts = echo.counts()
    print(f"\n{workers} worker(s), {seconds} s, {deaths} deaths: {figures['sent']} sent, {figures['lost']} lost "
          f"({figures['loss_percent']:.4f} %), {figures['wrong']} wrong, {counts['ports']} source ports; "
          f"p50 {figures['p50_us']:.0f} us, p99 {figures['p99_us']:.0f} us, longest {figures['max_us'] / 1000:.1f} ms; "
          f"ready after {sorted(times)[len(times) // 2]:.0f} ms (median), {max(times):.0f} ms (longest)")
    assert figures["wrong"] == figures["corrupt"] == figures["duplicates"] == 0
    assert counts["ports"] == counts["sources"] == CLIENTS
    assert status == 0, figures
    assert max(times) <= 100 * SLOWNESS, times
    assert not daemon.lines("UDPP-211-W"), "every session is taken over"
    wait_for(lambda: daemon.descriptor_counts() == before, 5,
             lambda: f"descriptors: {before} before, {daemon.descriptor_counts()} after")
    daemon.stop()
    records = daemon.records()
    assert len(records) == CLIENTS, "one record for each session, however often REG died"
    assert sum(int(r["DATAGRAMS-CIN"]) for r in records) >= figures["sent"] * 0.999
