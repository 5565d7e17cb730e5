"""proxyctl with folders of its own, before fake control sockets. Test files import the fixture `ctl`."""
import json
import os
import pathlib
import subprocess

import pytest
import yaml

from deadline import SLOWNESS
from fake_control import FakeControl
from processes import die_with_parent
from programs import program
from pty_terminal import PtyTerminal
from proxyd_process import configuration

GOOD, FAILED, MISUSED, NOT_RUNNING, NO_RIGHT, TIMED_OUT = range(6)  # proxyctl(8), EXIT STATUS


class Ctl:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.run_dir, self.conf_dir, self.home = (self.folder / name for name in ("run", "conf", "home"))
        for path in (self.run_dir, self.conf_dir, self.home):
            path.mkdir()
        self.environment = {**os.environ, "PROXYD_RUN_DIR": str(self.run_dir), "HOME": str(self.home),
                            "PROXYD_CONF_DIR": str(self.conf_dir), "TERM": "xterm", "LC_ALL": "C.UTF-8"}
        self.environment.pop("NO_COLOR", None)
        self.things = []

    def fake(self, name="gw", answers=None):
        """A control socket in the run folder (class FakeControl)."""
        self.things.append(FakeControl(self.run_dir / f"{name}.sock", answers))
        return self.things[-1]

    def configure(self, name="gw", **sections):
        """A valid configuration in the folder of configurations; returns its path."""
        path = self.conf_dir / f"{name}.yaml"
        config = {"name": name, **configuration(("127.0.0.1", 5353), "127.0.0.1:9"), **sections}
        path.write_text(yaml.safe_dump(config, sort_keys=False))
        return path

    def __call__(self, *arguments, seconds=20, stdin="", status=None):
        """Runs it to its end; checks the exit status if one is given."""
        result = subprocess.run([program("proxyctl"), *map(str, arguments)], env=self.environment, input=stdin,
                                capture_output=True, text=True, timeout=seconds * SLOWNESS)
        assert "Sanitizer" not in result.stderr, result.stderr
        assert status in (None, result.returncode), f"status {result.returncode}\n{result.stdout}\n{result.stderr}"
        return result

    def rows(self, *arguments):
        """What it prints with --json, as dictionaries."""
        return [json.loads(line) for line in self("--json", *arguments, status=GOOD).stdout.splitlines()]

    def start(self, *arguments):
        """In the background, with a pipe for its output."""
        process = subprocess.Popen([program("proxyctl"), *map(str, arguments)], env=self.environment, text=True,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   preexec_fn=die_with_parent)
        self.things.append(_Process(process))
        return process

    def terminal(self, *arguments, columns=80, rows=24, **variables):
        """In a pseudo-terminal (class PtyTerminal)."""
        self.things.append(PtyTerminal([program("proxyctl"), *map(str, arguments)],
                                       {**self.environment, **variables}, columns, rows))
        return self.things[-1]

    def terminal_of(self, command, **variables):
        """Another program in a pseudo-terminal, for example a shell."""
        self.things.append(PtyTerminal(command, {**self.environment, **variables}))
        return self.things[-1]

    def close(self):
        for thing in reversed(self.things):
            thing.close()


class _Process:
    def __init__(self, process):
        self.process = process

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


@pytest.fixture
def ctl(tmp_path, bounded_time):
    runner = Ctl(tmp_path)
    yield runner
    runner.close()
