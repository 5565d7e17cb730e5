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
