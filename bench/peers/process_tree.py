"""What processes use: processor time and memory."""
import os
import pathlib
import signal
import time


def tree(pid):
    """The process and its descendants."""
    pids = [pid]
    for parent in pids:
        try:
            for path in pathlib.Path(f"/proc/{parent}/task").glob("*/children"):
                pids += [int(child) for child in path.read_text().split()]
        except OSError:
            pass  # it has exited
    return pids


def cpu_ns(pids):
    """Nanoseconds that all threads of the processes have run. Those of processes that have exited are missing."""
    total = 0
    for pid in pids:
        for path in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat"):
            try:
                total += int(path.read_text().split()[0])
            except (OSError, IndexError):
                pass
    return total


def pss_kib(pids):
    """Resident memory, with shared pages divided among those that share them."""
    total = 0
    for pid in pids:
        try:
            lines = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total


def slab_kib():
    """Memory of the kernel's objects, of the whole machine."""
    lines = pathlib.Path("/proc/meminfo").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Slab:"))


def is_alive(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _signal(pids, number):
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass


def stop(process, seconds=10):
    """Stops a Popen and all its descendants; SIGKILL for what is left after `seconds`."""
    pids = tree(process.pid)
    process.terminate()
    end = time.monotonic() + seconds
    while any(map(is_alive, pids)) and time.monotonic() < end:
        process.poll()
        time.sleep(0.02)
    _signal(filter(is_alive, pids), signal.SIGKILL)
    process.wait()
