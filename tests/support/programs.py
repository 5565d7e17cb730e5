"""The programs under test and those of bench/, started and ended in bounded time."""
import json
import os
import pathlib
import signal
import subprocess

from deadline import SLOWNESS, wait_for
from processes import die_with_parent

top = pathlib.Path(__file__).resolve().parents[2]
bin_folder = pathlib.Path(os.environ.get("PROXYD_BIN", top / "build" / "bin")).resolve()


def program(name):
    path = bin_folder / name
    assert path.exists(), f"{path} is missing: build it first, or set PROXYD_BIN"
    return str(path)


def run_program(name, *arguments, seconds=30, **keywords):
    """Runs to the end and returns the CompletedProcess with its output as text."""
    return subprocess.run([program(name), *map(str, arguments)], capture_output=True, text=True,
                          timeout=seconds * SLOWNESS, **keywords)


def udp_load(*arguments, seconds=60):
    """Runs udp-load and returns (exit status, figures); see udp-load --help for the arguments."""
    result = run_program("udp-load", *arguments, "--json", seconds=seconds)
    assert result.stdout.startswith("{"), result.stderr
    return result.returncode, json.loads(result.stdout)


class UdpLoad:
    """udp-load in the background: for tests that do something to the proxy meanwhile."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen([program("udp-load"), *map(str, arguments), "--json"], text=True,
                                        stdout=subprocess.PIPE, preexec_fn=die_with_parent)

    @property
    def running(self):
        return self.process.poll() is None

    def stop(self):
        """It sends no more; returns (exit status, figures) after the last answers. It must still run."""
        assert self.running, "the load ended before what it was to go along with"
        self.process.terminate()
        return self.finish()

    def finish(self, seconds=60):
        """Waits for the end; returns (exit status, figures)."""
        output, _ = self.process.communicate(timeout=seconds * SLOWNESS)
        return self.process.returncode, json.loads(output)

    def close(self):
        if self.running:
            self.process.kill()
        self.process.communicate()


class UdpEcho:
    """udp-echo in the background; `options` as in udp-echo --help."""

    def __init__(self, address, port, folder, *options):
        self.address = (address, port)
        self.text = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
        self._counts = pathlib.Path(folder) / f"echo-{port}.json"
        command = [program("udp-echo"), *map(str, options), "--count-file", str(self._counts), self.text]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, preexec_fn=die_with_parent)
        wait_for(self._is_bound, what=f"udp-echo serves {self.text}")

    def _is_bound(self):
        assert self.process.poll() is None, f"udp-echo ended with status {self.process.returncode}"
        tables = pathlib.Path(f"/proc/{self.process.pid}/net/udp"), pathlib.Path(f"/proc/{self.process.pid}/net/udp6")
        return any(f":{self.address[1]:04X} " in table.read_text() for table in tables if table.exists())

    def counts(self):
        """What it has seen: datagrams, bytes, answers, failed, sources, ports."""
        self._counts.unlink(missing_ok=True)
        self.process.send_signal(signal.SIGUSR1)
        wait_for(self._counts.exists, what="the counts of udp-echo")
        return json.loads(self._counts.read_text())

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(5 * SLOWNESS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
