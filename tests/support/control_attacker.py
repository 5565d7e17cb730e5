"""Plays every bad client of a control socket at the same time: `control_attacker.py SOCKET SECONDS`. Prints how many
connections it made. Meant to run as a user who has the right to use the socket, and only little of the processor."""
import itertools
import os
import socket
import sys
import time

AT_ONCE = 1000
REQUEST = b'{"command": "sessions"}\n'


def garbage(connection):
    connection.send(os.urandom(4096))


def half_a_line(connection):
    connection.send(REQUEST[:15])


def huge_line(connection):
    connection.send(b"x" * 200_000)


def never_reads(connection):
    connection.send(REQUEST * 100)


def says_nothing(_):
    pass


def goes_at_once(connection):
    connection.send(REQUEST)
    connection.close()


KINDS = (garbage, half_a_line, huge_line, never_reads, says_nothing, goes_at_once)


def attack(path, kind, held):
    connection = socket.socket(socket.AF_UNIX)
    connection.setblocking(False)
    held.append(connection)
    try:
        connection.connect(path)
        kind(connection)
        return 1
    except OSError:  # refused already, or the backlog is full
        return 0


def main(path, seconds):
    os.nice(19)
    end, made, kinds = time.monotonic() + seconds, 0, itertools.cycle(KINDS)
    while time.monotonic() < end:
        held = []
        made += sum(attack(path, next(kinds), held) for _ in range(AT_ONCE))
        time.sleep(0.2)
        for connection in held:
            connection.close()
    print(made)


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
