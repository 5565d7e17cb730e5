#!/usr/bin/python3
"""The life of the package on this machine: installed, used, upgraded and downgraded under load, removed, purged.
[H-7][H-8][H-9][H-11]

Usage: life.py FOLDER FOLDER        packages of one version and of the next; needs root and a machine without proxyd

Where systemd is the first process the units start, stop and watch the proxy, too.
"""
import glob
import json
import os
import pathlib
import pwd
import re
import signal
import subprocess
import sys
import time

TOP = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("PROXYD_BIN", TOP / "build/bin"))
CONF, LOG, LISTENER, SERVER = pathlib.Path("/etc/proxyd"), "/var/log/proxyd/proxyd.log", "127.0.0.1:5300", "127.0.0.1:5301"
SECOND = "127.0.0.1:5302"
RATE, CLIENTS = 5000, 200
# What package managers, the account's tools and other programs of the machine write.
NOT_OURS = re.compile(r"/var/(lib/(dpkg|apt|systemd|logrotate)|cache|log/(dpkg|apt|journal|alternatives))|/var/tmp|"
                      r"/etc/(passwd|group|shadow|gshadow|subuid|subgid)-?$|/etc/\.pwd\.lock|/run/(?!proxyd)|/usr/local|/usr/src")
ROOTS = ("/etc", "/usr", "/var", "/run", "/lib")


def say(text):
    print(f"package: {text}", flush=True)


def run(*command, status=0, **keywords):
    result = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=120, check=False, **keywords)
    if result.returncode != status:
        sys.exit(f"{command}: status {result.returncode}\n{result.stdout}{result.stderr}")
    return result.stdout + result.stderr


def ctl(*words, **keywords):
    return run("/usr/sbin/proxyctl", *words, **keywords)


def row(name, command):
    return json.loads(ctl(name, "--json", command).splitlines()[0])


def check(good, text):
    if not good:
        print(f"package: FAILED: {text}", file=sys.stderr, flush=True)
        sys.exit(1)
    say(text)


def files():
    return {path for root in ROOTS for folder, folders, names in os.walk(root)
            for path in (os.path.join(folder, name) for name in folders + names) if not NOT_OURS.match(path)}


def programs():
    """Pids of what runs the installed program, or a version of it that has been replaced."""
    found = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.readlink(f"/proc/{entry}/exe").startswith("/usr/sbin/proxyd"):
                found.append(int(entry))
        except OSError:
            pass
    return found


def package_in(folder):
    return next(path for path in glob.glob(f"{folder}/proxyd_*.deb"))


def dpkg(*arguments):
    """Without questions: a changed conffile stays as it is."""
    return run("dpkg", "--force-confdef", "--force-confold", *arguments, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"})


class Load:
    """Round trips through the proxy at a steady rate, while something else happens."""

    def __enter__(self):
        self.process = subprocess.Popen([BIN / "udp-load", "--to", LISTENER, "--clients", str(CLIENTS), "--rate", str(RATE),
                                         "--seconds", "8", "--linger", "2000", "--json"], stdout=subprocess.PIPE, text=True)
        time.sleep(2)
        return self

    def __exit__(self, kind, *_):
        out, _ = self.process.communicate(timeout=60)
        if kind is None:
            say(f"the load: {out.strip()}")
            check(self.process.returncode == 0, "every datagram was answered, by the right session")


def sessions():
    return {(line["id"], line["client"]): line["client_datagrams"] for line in map(json.loads, ctl("proxyd", "--json", "sessions").splitlines())}


def replace(deb, what):
    """Installs another version under load, and checks that processes and sessions have continued."""
    upgrades, pid = row("proxyd", "version")["upgrades"], row("proxyd", "version")["pid"]
    second = row("gw", "version")["upgrades"]
    with Load():
        before = sessions()
        say(dpkg("-i", deb).strip().replace("\n", "\n         "))
        version = row("proxyd", "version")
        after = sessions()
    check(len(before) == CLIENTS and before.keys() == after.keys(), f"{what}: all {CLIENTS} sessions continued")
    check(version["pid"] == pid and version["upgrades"] == upgrades + 1, f"{what}: the process runs the installed program")
    check(row("gw", "version")["upgrades"] == second + 1, f"{what}: so does the second instance")
    check(not any(os.readlink(f"/proc/{one}/exe").endswith("(deleted)") for one in programs()), f"{what}: and all children")


def configure():
    text = (CONF / "proxyd.yaml.sample").read_text()
    (CONF / "proxyd.yaml").write_text(text)
    (CONF / "gw.yml").write_text(text.replace("name: proxyd", "name: gw").replace("port: 5300", f"port: {SECOND[-4:]}")
                                 .replace("/proxyd.log", "/gw.log"))
    with open("/etc/logrotate.d/proxyd", "a") as file:
        file.write("# changed by the administrator\n")


def use():
    for name in ("proxyd", "gw"):
        check("started" in ctl(name, "start"), f"{name} starts")
    uid = pwd.getpwnam("_proxyd").pw_uid
    child = next(one["pid"] for one in map(json.loads, ctl("proxyd", "--json", "ps").splitlines()) if one["role"] == "REG")
    check(os.stat(f"/proc/{child}").st_uid == uid, "REG runs as _proxyd")
    run(BIN / "udp-load", "--to", LISTENER, "--clients", "1", "--count", "1")
    check(len(sessions()) == 1, "a session passes through the installed program")
    ctl("proxyd", "kill", "--every")


def unit(name):
    return run("systemctl", "show", "--value", "--property", name, "proxyd.service").strip()


def wait(condition, text):
    deadline = time.monotonic() + 20
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.1)
    check(condition(), text)


def records():
    return pathlib.Path(LOG).read_text().count("UDPP-888-I")


def serve_under_systemd():
    """[H-11] What the service manager sees and does. The second instance has no unit: its file is called .yml."""
    check(unit("ActiveState") == "active" and unit("StatusText") == "ready", "the unit is active, and its status is `ready`")
    check(int(unit("MainPID")) == row("proxyd", "version")["pid"], "its main process is the parent")
    threads = sum(len(os.listdir(f"/proc/{pid}/task")) for pid in programs())
    check(threads * 10 < int(unit("TasksMax")) <= 1000, f"{threads} threads run, and the unit limits them")
    run("systemctl", "reload", "proxyd.service")
    check(unit("StatusText") == "ready", "systemctl reload returns when the proxy is ready again")
    count, first, before = len(programs()), int(unit("MainPID")), records()
    run(BIN / "udp-load", "--to", LISTENER, "--clients", str(CLIENTS), "--count", str(CLIENTS))
    os.kill(first, signal.SIGKILL)
    wait(lambda: unit("ActiveState") == "active" and unit("MainPID") not in ("0", str(first)) and unit("StatusText") == "ready",
         "after the parent was killed the service is restarted")
    check(len(programs()) == count, "and nothing of the killed one is left")
    check(records() - before == CLIENTS, "and its sessions are recorded")
    for _ in range(5):
        before = records()
        run(BIN / "udp-load", "--to", LISTENER, "--clients", str(CLIENTS), "--count", str(CLIENTS))
        check(len(sessions()) == CLIENTS and records() == before, f"{CLIENTS} sessions are open")
        run("systemctl", "stop", "proxyd.service")
        check(unit("Result") == "success" and unit("ExecMainStatus") == "0", "systemctl stop: a success, with exit status 0")
        check(records() - before == CLIENTS, "and each session is recorded")
        run("systemctl", "start", "proxyd.service")


def rotate():
    before = os.stat(LOG).st_ino
    run("logrotate", "--force", "/etc/logrotate.d/proxyd")
    ctl("proxyd", "kill", "--every")
    deadline = time.monotonic() + 10
    while os.stat(LOG).st_size == 0 and time.monotonic() < deadline:
        time.sleep(0.1)
    status = os.stat(LOG)
    check(status.st_ino != before and status.st_size > 0, "the log is rotated, and the new file written")
    check(status.st_mode & 0o777 == 0o640 and status.st_uid == pwd.getpwnam("_proxyd").pw_uid, "with the right owner and mode")


def remove():
    dpkg("-r", "proxyd")
    check(not programs(), "removal stops all instances")
    check((CONF / "proxyd.yaml").exists() and os.path.exists(LOG), "and keeps configuration and log")
    check("changed by the administrator" in pathlib.Path("/etc/logrotate.d/proxyd").read_text(), "also a changed conffile")
    run("logrotate", "--force", "/etc/logrotate.d/proxyd")
    say("logrotate does not fail without the program")


def purge(before):
    dpkg("-P", "proxyd")
    left = sorted(path for path in files() - before if "proxyd" in path)
    others = sorted(files() - before - set(left))
    if others:
        say(f"new files of other programs: {others[:10]}")
    check(not left, f"purge leaves nothing behind: {left}")
    check("_proxyd" not in {entry.pw_name for entry in pwd.getpwall()}, "and no account")


def main(first, following):
    if os.geteuid() != 0 or programs() or CONF.exists() or subprocess.run(["dpkg", "-s", "proxyd"], capture_output=True).returncode == 0:
        sys.exit("package: needs root and a machine without proxyd")
    before = files()
    echo = subprocess.Popen([BIN / "udp-echo", SERVER], stdout=subprocess.DEVNULL)
    try:
        dpkg("-i", package_in(first))
        check(not programs() and not (CONF / "proxyd.yaml").exists(), "installed; nothing runs, nothing is configured")
        run("systemd-analyze", "verify", "--man=no", "proxyd.service", "proxyd@gw.service")
        configure()
        use()
        if os.path.isdir("/run/systemd/system"):
            serve_under_systemd()
        replace(package_in(following), "upgrade")
        ctl("proxyd", "kill", "--every")
        replace(package_in(first), "downgrade")
        rotate()
        remove()
    finally:
        subprocess.run(["dpkg", "-r", "proxyd"], capture_output=True, check=False)
        for pid in programs():
            subprocess.run(["kill", str(pid)], capture_output=True, check=False)
        purge(before)
        echo.kill()
        echo.wait()
    say("the package installs, upgrades, downgrades and goes as it should")


if __name__ == "__main__":
    main(*sys.argv[1:])
