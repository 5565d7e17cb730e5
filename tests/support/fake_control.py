"""A control socket whose answers the test writes.

    fake = FakeControl(path, {"rules": [{"rule": "lan"}], "session": error("no such session", "unknown")})

An answer is a list of rows, or a function of the request that gives one. A row is a dictionary, a text (a line as it
is) or bytes (as they are). The end line is added unless the answer ends with an error, CLOSE or SILENCE.

As a program it is a proxy that can be stopped: `fake_control.py SOCKET [SECONDS]` exits SECONDS after `stop`."""
import json
import os
import pathlib
import socket
import sys
import threading
import time

CLOSE, SILENCE = "CLOSE", "SILENCE"  # close the connection; send nothing more


def error(text, code="failed"):
    return [{"error": text, "code": code}]


def to_bytes(row):
    if isinstance(row, bytes):
        return row
    return (row if isinstance(row, str) else json.dumps(row, separators=(",", ":"))).encode() + b"\n"


class FakeControl:
    def __init__(self, path, answers=None):
        self.path = pathlib.Path(path)
        self.answers = dict(answers or {})
        self.requests = []   # dictionaries, as they came
        self.lines = []      # the same as text
        self._done = threading.Event()
        self._connections = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.path))
        self._listener.listen(16)
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self._done.set()
        self._listener.close()
        self.path.unlink(missing_ok=True)
        for connection in self._connections:
            connection.close()

    def last(self):
        """(command, arguments) of the last request."""
        return self.requests[-1]["command"], self.requests[-1].get("args", {})

    def _accept(self):
        while not self._done.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._connections.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection, connection.makefile("rb") as lines:
            try:
                for line in lines:
                    self.lines.append(line.decode().rstrip("\n"))
                    self.requests.append(json.loads(line))
                    if not self._answer(connection, self.requests[-1]):
                        connection.shutdown(socket.SHUT_RDWR)
                        return
            except OSError:
                return

    def _answer(self, connection, request):
        """False when the connection is to be closed."""
        command = request["command"]
        rows = self.answers.get(command, error(f"unknown command '{command}'", "unknown"))
        if callable(rows):
            rows = rows(request)
        row, batch = None, []
        for row in rows:
            if row in (CLOSE, SILENCE):
                break
            batch.append(to_bytes(row))
            if not isinstance(rows, list):  # a generator says when
                connection.sendall(b"".join(batch))
                batch = []
        connection.sendall(b"".join(batch))
        if row == CLOSE:
            return False
        if row == SILENCE:
            return self._done.wait()
        if not (isinstance(row, dict) and "error" in row):
            connection.sendall(b'{"end":true}\n')
        return True


def main(path, seconds="0"):
    stopped = threading.Event()

    def stop(_):
        stopped.set()
        return [{"stopping": True}]
    FakeControl(path, {"version": [{"name": "fake", "pid": os.getpid(), "config": ""}], "stop": stop,
                       "status": [{"name": "fake", "state": "serving", "why": "", "listeners": []}]})
    stopped.wait()
    time.sleep(float(seconds))
    pathlib.Path(path).unlink()


if __name__ == "__main__":
    main(*sys.argv[1:])
