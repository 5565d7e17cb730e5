"""The log as tests see it: lines with their parts, statistics records with their fields."""
import dataclasses
import json
import os
import pathlib
import re

_ID = re.compile(r"\b[A-Z]{4}-\d{3}-[CEWNIKD]\b")
_FIELD = re.compile(r'([A-Z][A-Z0-9_-]*)=("(?:\\.|[^"\\])*"|\S*)')
_HEAD = re.compile(r"(?P<time>\S+(?: \d\S*)?) (?P<name>[^\s\[]+)(?:\[(?P<role>[^\]]*)\])? (?P<pid>\d+) $")


def _unquoted(value):
    """The value without quotes; `\\x1b`, `\\n`, `\\"` in it stand for characters."""
    if not value.startswith('"'):
        return value
    simple = {"n": "\n", "t": "\t", "r": "\r"}
    return re.sub(r"\\(?:x([0-9a-f]{2})|(.))",
                  lambda m: chr(int(m[1], 16)) if m[1] else simple.get(m[2], m[2]), value[1:-1])


@dataclasses.dataclass(frozen=True)
class LogLine:
    id: str            # UDPS-210-K; empty for a line that is no message
    text: str          # what follows the id
    role: str          # REG, …; empty when the line has none
    pid: int           # 0 when the line has none
    raw: str

    @property
    def fields(self):
        """KEY=value pairs of a statistics record as strings, without quotes; keys of JSON lines in capitals too."""
        if self.raw.startswith("{"):
            return {key.upper(): str(value) for key, value in json.loads(self.raw).items()}
        return {key: _unquoted(value) for key, value in _FIELD.findall(self.text)}


def parse_line(raw):
    """Takes the text form and the JSON form."""
    if raw.startswith("{"):
        parts = {key.lower(): value for key, value in json.loads(raw).items()}
        return LogLine(parts.get("id", ""), parts.get("message", ""), parts.get("role", ""), int(parts.get("pid", 0)), raw)
    found = _ID.search(raw)
    if not found:
        return LogLine("", raw, "", 0, raw)
    head = _HEAD.match(raw[:found.start()])
    role, pid = (head["role"] or "", int(head["pid"])) if head else ("", 0)
    return LogLine(found[0], raw[found.end():].strip(), role, pid, raw)


class LogFile:
    """Reads what was added since the last look; a file that was replaced is read from its beginning."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self._lines = []
        self._inode = None
        self._offset = 0

    def lines(self):
        """All complete lines so far, those of replaced files too."""
        try:
            with self.path.open("rb") as file:
                self._read(file)
        except FileNotFoundError:
            pass
        return self._lines

    def _read(self, file):
        inode = os.fstat(file.fileno()).st_ino
        if inode != self._inode:
            self._inode, self._offset = inode, 0
        file.seek(self._offset)
        data = file.read()
        end = data.rfind(b"\n") + 1
        self._offset += end
        self._lines += [parse_line(line) for line in data[:end].decode(errors="replace").splitlines() if line.strip()]
