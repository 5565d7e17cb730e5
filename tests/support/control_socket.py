"""Asks a proxyd over its control socket, as proxyctl does, without proxyctl."""
import json
import socket

from deadline import SLOWNESS


class Refused(Exception):
    """The error line of an answer."""


def ask(path, command, seconds=10, **args):
    """The rows of the answer; Refused with the text of an error line."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(seconds * SLOWNESS)
        client.connect(str(path))
        client.sendall(json.dumps({"command": command, "args": args}).encode() + b"\n")
        rows = []
        for line in client.makefile():
            row = json.loads(line)
            if "error" in row:
                raise Refused(row["error"])
            if "end" in row:
                return rows
            rows.append(row)
    raise AssertionError("the answer ended without an end line")


class ask_later:
    """A connection to the control socket on which a request is sent later."""

    def __init__(self, path, command, **args):
        self._request = json.dumps({"command": command, "args": args}).encode() + b"\n"
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(10 * SLOWNESS)
        self._socket.connect(str(path))

    def send(self):
        self._socket.sendall(self._request)

    def answer(self):
        return self._socket.recv(9999).decode()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()
