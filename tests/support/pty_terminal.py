"""A program in a pseudo-terminal, and what its user sees."""
import codecs
import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import termios
import time

from deadline import SLOWNESS
from processes import die_with_parent

_SEQUENCE = re.compile(r"\x1b(?:\[([?0-9;]*)([A-Za-z@])|([()][A-Z0-9])|([=>78]))|[\s\S]")


class PtyTerminal:
    """`output` is everything that was written; `screen` what a terminal of this size shows of it."""

    def __init__(self, command, environment, columns=80, rows=24):
        self._master, slave = os.openpty()
        self.resize(columns, rows)
        self.before = termios.tcgetattr(slave)
        self._slave = slave  # stays open, so that its modes can be looked at

        def prepare():
            die_with_parent()
            os.setsid()
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
        self.process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=environment,
                                        preexec_fn=prepare)
        self.output = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def resize(self, columns, rows):
        self.columns, self.rows = columns, rows
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def send(self, text):
        os.write(self._master, text.encode())

    def send_signal(self, number):
        self.process.send_signal(number)

    def pump(self, seconds=0.05):
        """Takes in what is written within this time; false when nothing is."""
        ready, _, _ = select.select([self._master], [], [], seconds)
        if not ready:
            return False
        self.output += self._decoder.decode(os.read(self._master, 65536))
        return True

    def expect(self, condition, seconds=5, since=0):
        """Waits for a text in what is written, or for a condition; returns where it ends in the output."""
        end = time.monotonic() + seconds * SLOWNESS
        while True:
            if callable(condition):
                if condition():
                    return len(self.output)
            else:
                found = self.output.find(condition, since)
                if found >= 0:
                    return found + len(condition)
            assert time.monotonic() < end, f"not within {seconds} s: {condition}\n{self.output[since:]!r}\n{self.text()}"
            self.pump()

    def wait(self, seconds=5):
        """Waits for the end of the program; returns its exit status."""
        end = time.monotonic() + seconds * SLOWNESS
        while self.process.poll() is None:
            assert time.monotonic() < end, f"it does not end: {self.output!r}"
            self.pump()
        while self.pump(0):
            pass
        return self.process.returncode

    def modes_are_restored(self):
        """Whether the terminal is as it was before the program."""
        return termios.tcgetattr(self._slave)[:4] == self.before[:4]

    def screen(self):
        """The lines that a terminal shows, by the sequences that were written. A line that is too long does not
        wrap, so that it is seen."""
        picture = Picture(self.columns, self.rows)
        picture.write(self.output)
        return picture

    def text(self):
        return "\n".join(self.screen().lines)

    def close(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        os.close(self._master)
        os.close(self._slave)


class Picture:
    """A small terminal: text, positions, erasing, the second screen."""

    def __init__(self, columns, rows):
        self.columns, self.rows = columns, rows
        self.second = False
        self.cursor_shown = True
        self.overflow = False  # something was written beyond an edge
        self._clear()

    def _clear(self):
        self._cells = [[" "] * self.columns for _ in range(self.rows)]
        self.row = self.column = 0

    @property
    def lines(self):
        return ["".join(row).rstrip() for row in self._cells]

    def write(self, text):
        for match in _SEQUENCE.finditer(text):
            if match[2]:
                self._control(match[1], match[2])
            elif match[3] is None and match[4] is None:
                self._character(match[0])

    def _character(self, char):
        if char == "\r":
            self.column = 0
        elif char == "\n":
            if self.row + 1 < self.rows:
                self.row += 1
            else:
                self.overflow |= self.second
                self._cells = self._cells[1:] + [[" "] * self.columns]
        elif char == "\b":
            self.column = max(0, self.column - 1)
        elif char >= " ":
            if self.column >= self.columns:
                self.overflow |= self.second
                return
            self._cells[self.row][self.column] = char
            self.column += 1

    def _control(self, parameters, letter):
        numbers = [int(number or 0) for number in parameters.lstrip("?").split(";")]
        if parameters.startswith("?"):
            self._mode(numbers[0], letter == "h")
        elif letter == "H":
            self.row = min(max(numbers[0], 1), self.rows) - 1
            self.column = min(max(numbers[1] if len(numbers) > 1 else 1, 1), self.columns) - 1
        elif letter == "K":
            self._cells[self.row][self.column:] = [" "] * (self.columns - self.column)
        elif letter == "J":
            self._erase(numbers[0])

    def _mode(self, number, on):
        if number == 1049 and on != self.second:
            self.second = on
            self._clear()
        if number == 25:
            self.cursor_shown = on

    def _erase(self, which):
        if which == 2:
            self._cells = [[" "] * self.columns for _ in range(self.rows)]
            return
        self._cells[self.row][min(self.column, self.columns):] = [" "] * (self.columns - self.column)
        for row in range(self.row + 1, self.rows):
            self._cells[row] = [" "] * self.columns
