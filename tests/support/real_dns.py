"""knotd with zones that a test changes: a name server as people run them."""
import pathlib
import shutil
import socket
import subprocess
import tempfile

from deadline import SLOWNESS, wait_for
from dns_packet import make_question, read_answer, reverse_name
from free_ports import free_port
from processes import die_with_parent

FORWARD, REVERSE = "example.test", "127.in-addr.arpa"
_CONFIGURATION = """
server:
    listen: [127.0.0.1@{port}]
    rundir: {run}
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
log:
  - target: {folder}/knot.log
    any: info
database:
    storage: {folder}/db
template:
  - id: default
    storage: {folder}
    file: "%s.zone"
    zonefile-sync: -1
    zonefile-load: whole
    journal-content: none
    semantic-checks: off
zone:
  - domain: {forward}
  - domain: {reverse}
"""


class RealDns:
    """`dns.set("srv.example.test", "A", "127.0.0.21", ttl=2)` is in force when it returns. Names outside of
    example.test are refused, addresses in 127.0.0.0/8 have reverse names."""

    def __init__(self, folder):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="knot-", dir=folder))
        self._run = tempfile.mkdtemp(prefix="knot-")  # its socket has a short path wherever the test's folder is
        self.address = ("127.0.0.1", free_port())
        self.text = "%s:%d" % self.address
        self._records = {}   # (name, type): (values, ttl)
        self._serial = 1
        self.process = None
        (self.folder / "db").mkdir()
        (self.folder / "knot.conf").write_text(_CONFIGURATION.format(
            port=self.address[1], run=self._run, folder=self.folder, forward=FORWARD, reverse=REVERSE))
        self._write()
        self.start()

    # --- the zones

    def set(self, name, type_name, *values, ttl=2):
        """The name has these records of that type and no others; without values: none."""
        self._records[name.rstrip("."), type_name] = (values, ttl)
        self._reload()

    def client(self, address, name, ttl=2, confirmed=True):
        """The reverse name of an address, and (confirmed) the address of that name."""
        self._records[reverse_name(address), "PTR"] = ((name + ".",), ttl)
        if confirmed:
            self._records[name, "A"] = ((address,), ttl)
        self._reload()

    def _write(self):
        for zone in (FORWARD, REVERSE):
            lines = [f"{zone}. 1 SOA ns.{FORWARD}. admin.{FORWARD}. {self._serial} 3600 600 86400 1",
                     f"{zone}. 1 NS ns.{FORWARD}."]
            lines += [f"{name}. {ttl} {kind} {value}" for (name, kind), (values, ttl) in self._records.items()
                      for value in values if name.endswith(zone)]
            (self.folder / f"{zone}.zone").write_text("\n".join([*lines, ""]))

    def _reload(self):
        self._serial += 1
        self._write()
        if self.running:
            self._knotc("zone-reload")
            self._wait_serial()

    def _knotc(self, *arguments):
        result = subprocess.run(["knotc", "-s", f"{self._run}/knot.sock", "-t", "10", *arguments], capture_output=True,
                                text=True, timeout=20 * SLOWNESS)
        assert result.returncode == 0, f"knotc {arguments}: {result.stdout}{result.stderr}\n{self._tail()}"

    def _wait_serial(self):
        for zone in (FORWARD, REVERSE):
            wait_for(lambda zone=zone: self.ask(zone, "SOA") == [str(self._serial)], 10,
                     lambda zone=zone: f"{zone} has serial {self._serial}, not {self.ask(zone, 'SOA')}\n{self._tail()}")

    def ask(self, name, type_name):
        """The values that it answers with; nothing when it does not."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
            asker.settimeout(0.5)
            asker.connect(self.address)
            try:
                asker.send(make_question(name, type_name))
                return [record.value for record in read_answer(asker.recv(65536))[3]]
            except OSError:
                return []

    # --- the process

    @property
    def running(self):
        return self.process is not None and self.process.poll() is None

    def start(self):
        self.process = subprocess.Popen(["knotd", "-c", str(self.folder / "knot.conf")], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                        preexec_fn=die_with_parent)
        wait_for(lambda: pathlib.Path(self._run, "knot.sock").exists() or not self.running, 10,
                 lambda: f"knotd's socket\n{self._tail()}")
        self._wait_serial()

    def kill(self):
        """At once; start() brings it back on the same port."""
        self.process.kill()
        self.process.wait()

    def close(self):
        if self.running:
            self.process.terminate()
            try:
                self.process.wait(5 * SLOWNESS)
            except subprocess.TimeoutExpired:
                self.kill()
        shutil.rmtree(self._run, ignore_errors=True)

    def _tail(self):
        log = self.folder / "knot.log"
        return "\n".join(log.read_text().splitlines()[-15:]) if log.exists() else "(no log of knotd)"
