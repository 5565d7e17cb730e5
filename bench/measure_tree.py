"""Prints how large the tree is and how it hangs together, for one or more revisions side by side: lines and files by layer,
the largest classes, headers with one includer, small files, fields that hold addresses. With --frames it counts the calls
between reading a datagram and queueing it instead.

    bench/measure_tree.py [REVISION...]      default: HEAD
    bench/measure_tree.py --frames BIN       BIN: bin folder of a build with -O0
"""
import argparse
import collections
import io
import json
import pathlib
import re
import statistics
import subprocess
import sys
import tarfile
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests" / "support"))
from class_sizes import class_sizes  # noqa: E402
from free_ports import free_port  # noqa: E402

LAYERS = ["base", "libudpserver/base", "conf", "libudpserver/ipc", "libudpserver/control", "libudpserver/process",
          "libudpserver/net", "libudpserver/policy", "libudpserver/session", "resolvers", "proxyd", "proxyctl"]
SMALL_FILE = 40
ADDRESSES = re.compile(r"\bAddresses\b|vector<\s*(?:base::)?Address\s*>")


def layer_of(path):
    return max((layer for layer in LAYERS if path.startswith(layer + "/")), key=len, default=None)


def unpack(revision, folder):
    archive = subprocess.run(["git", "archive", "--format=tar", revision], check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(folder)
        return [member.name for member in tar.getmembers() if member.isfile()]


def single_includers(texts):
    """How many of our headers exactly one other file includes, not counting the .cpp of the same name."""
    users = collections.Counter()
    for path, text in texts.items():
        for header in set(re.findall(r'#include "([^"]+)"', text)):
            if header.rsplit(".", 1)[0] != path.rsplit(".", 1)[0]:
                users[header] += 1
    return sum(1 for path in texts if path.endswith(".hpp") and users[path] == 1)


def address_fields(paths, folder):
    """Data members whose type holds a list of addresses."""
    command = ["ctags", "--output-format=json", "--fields=+nt", "--c++-kinds=m", "--language-force=C++", "-o", "-", *paths]
    output = subprocess.run(command, check=True, capture_output=True, text=True, cwd=folder).stdout
    tags = [json.loads(line) for line in output.splitlines()]
    return [f"{tag['path']}:{tag['line']} {tag['name']}" for tag in tags if ADDRESSES.search(tag.get("typeref", ""))]


def measure(revision):
    with tempfile.TemporaryDirectory() as folder:
        files = unpack(revision, folder)
        product = [path for path in files if layer_of(path) and path.endswith((".cpp", ".hpp", ".def"))]
        texts = {path: pathlib.Path(folder, path).read_text() for path in product}
        lines = {path: len(text.splitlines()) for path, text in texts.items()}
        code = [path for path in product if not path.endswith(".def")]
        result = {}
        for layer in LAYERS:
            members = [path for path in product if layer_of(path) == layer]
            result[layer] = f"{sum(lines[path] for path in members):,} / {len(members)}" if members else "-"
        result["product lines / files"] = f"{sum(lines.values()):,} / {len(product)}"
        result["median file"] = f"{statistics.median(lines.values()):.0f}"
        result[f"files under {SMALL_FILE} lines"] = sum(count < SMALL_FILE for count in lines.values())
        result["headers with one includer"] = single_includers(texts)
        result["fields that hold addresses"] = len(address_fields(code, folder))
        for place, (name, size) in enumerate(class_sizes(code, folder).most_common(3), 1):
            result[f"class {place}"] = f"{size} {name}"
        result["tracked files"] = len(files)
        return result


FRAMES_CONFIG = """
name: frames
nodaemon: true
control: {{socket: none}}
log: {{to: stderr}}
udpserver: {{max-sessions: 100}}
listen-on: [{{address: 127.0.0.1, port: {listener}}}]
session-acl: [{{name: all, from: "*", action: accept, plug-to: "127.0.0.1:{server}"}}]
"""


def backtrace(bin_folder, config):
    """The stack of a known session's datagram that is being queued, in one process under gdb."""
    commands = ["set pagination off", "set confirm off", "handle all nostop noprint", "break net::SendBatch::add", "run",
                "ignore 1 9", "continue", "bt", "kill"]
    arguments = [part for command in commands for part in ("-ex", command)]
    run = subprocess.run(["gdb", "-q", "-batch", *arguments, "--args", f"{bin_folder}/proxyd", "-s", "-d", "-f", config],
                         capture_output=True, text=True, timeout=60)
    return re.findall(r"^#\d+ +(?:0x[0-9a-f]+ in )?(.*)$", run.stdout, re.M)


def frames(bin_folder):
    """Our own calls from the worker's turn, which reads, to SendBatch::add. Needs gdb and a build without optimisation, which
    inlines nothing."""
    listener, server = free_port(), free_port()
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as config:
        config.write(FRAMES_CONFIG.format(listener=listener, server=server))
        config.flush()
        echo = subprocess.Popen([f"{bin_folder}/udp-echo", f"127.0.0.1:{server}"], stdout=subprocess.DEVNULL)
        load = subprocess.Popen([f"{bin_folder}/udp-load", "--to", f"127.0.0.1:{listener}", "--clients", "1", "--count", "200",
                                 "--rate", "10"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            stack = backtrace(bin_folder, config.name)
        finally:
            for process in (echo, load):
                process.kill()
                process.wait()
    ours = []
    for call in stack:
        if not re.match(r"(?:[\w:<>, ]+ )?(?:std|boost)::", call):
            ours.append(call.split("(")[0])
        if "Worker::turn" in call:
            return ours
    sys.exit("measure_tree: no datagram was queued:\n" + "\n".join(stack))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("revision", nargs="*", default=["HEAD"])
    parser.add_argument("--frames", metavar="BIN", help="count the calls of a datagram through the programs in this folder")
    arguments = parser.parse_args()
    if arguments.frames:
        calls = frames(arguments.frames)
        print(f"{len(calls)} calls from reading to queueing a datagram:", *calls, sep="\n    ")
        return
    revisions = arguments.revision
    results = [measure(revision) for revision in revisions]
    print(f"{'':30}" + "".join(f"{revision:>28}" for revision in revisions))
    for key in dict.fromkeys(key for result in results for key in result):
        print(f"{key:30}" + "".join(f"{result.get(key, '-')!s:>28}" for result in results))


main()
