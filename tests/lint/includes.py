"""Checks that includes point only left (doc/design.md, Layers), that libraries and process calls stay behind their
fences, and that no name is one of those that explain nothing. Tries itself on bad samples first."""
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from tracked import text_of, tracked  # noqa: E402

# Folder of a layer: the layers whose headers it may include. A folder belongs to its longest prefix here.
ALLOWED = {
    "base": {"base"},
    "conf": {"base", "conf"},
    "libudpserver/ipc": {"base", "libudpserver/ipc"},
    "libudpserver/control": {"base", "libudpserver/control"},
    "libudpserver/process": {"base", "libudpserver/ipc", "libudpserver/process"},
    "libudpserver/sandbox": {"base", "libudpserver/sandbox"},
    "libudpserver/net": {"base", "conf", "libudpserver/net"},
    "libudpserver/policy": {"base", "conf", "libudpserver/policy"},
    "libudpserver/session": {"base", "conf", "libudpserver/net", "libudpserver/policy", "libudpserver/session"},
    "resolvers": {"base", "conf", "libudpserver/ipc", "resolvers"},
    "proxyctl": {"base", "conf", "libudpserver/control", "proxyctl", "resolvers"},
    "bench": {"base", "bench"},
}
EVERYTHING = set(ALLOWED) | {"proxyd"}
ALLOWED["proxyd"] = EVERYTHING - {"bench", "proxyctl"}
ALLOWED["tests"] = EVERYTHING | {"tests"}
ALLOWED["cmake"] = set()
ALLOWED["man/messages_page"] = {"base"}
ALLOWED["man/sandbox_page"] = {"libudpserver/sandbox"}

# Header of a library: the only files that may include it.
FENCES = {
    r"yaml-cpp/": r"conf/[^/]+\.cpp|tests/.*",
    r"boost/json(?!/fwd\.hpp)": r"libudpserver/control/[^/]+\.cpp|tests/.*",
    r"spdlog/": r"base/log[^/]*",
    r"re2/": r"base/pattern\.cpp",
    r"ares\.h": r"resolvers/ares_[^/]+",
    r"seccomp\.h": r"libudpserver/sandbox/[^/]+\.cpp|tests/.*",
    r"cap-ng\.h": r"base/privileges\.cpp",
    r"histedit\.h": r"proxyctl/terminal/line_editor\.cpp",
}
PROCESS_CALL = re.compile(r"(?<![\w.>:])(?:::)?(v?fork|waitpid|waitid|wait4|kill)\s*\(")
PROCESS_FILES = re.compile(r"(libudpserver/process|tests)/.*|proxyctl/program\.cpp|proxyd/selftest\.cpp")

EMPTY_WORDS = {"util", "utils", "helper", "helpers", "manager", "managers", "misc", "common"}
NAMED = re.compile(r"\b(?:class|struct|union|namespace|enum(?:\s+class)?)\s+([A-Za-z_]\w*)")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def layer_of(path):
    """The longest known folder of the path, or nothing."""
    folders = [folder for folder in ALLOWED if str(path).startswith(folder + "/")]
    return max(folders, key=len, default=None)


def without_comments(text):
    """The code, with comments and the insides of strings blanked; line numbers stay."""
    def blank(match):
        return re.sub(r"[^\n]", " ", match.group(0))
    return re.sub(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"', blank, text, flags=re.S)


def wrong_direction(path, target):
    layer, other = layer_of(path), layer_of(target)
    if layer is None:
        return f"the folder is unknown to {pathlib.Path(__file__).name}"
    if other is None:
        return f"'{target}' is not written from the top folder" if "/" not in target else None
    return None if other in ALLOWED[layer] else f"{layer} may not include {target}"


def check_include(path, bracket, target):
    for header, files in FENCES.items():
        if re.match(header, target) and not re.fullmatch(files, str(path)):
            return f"<{target}> may only be included in {files}"
    if bracket == '"' or layer_of(target):
        return wrong_direction(path, target)
    return None


def words_of(name):
    """`SocketManager` and `socket_manager.hpp` have the words socket and manager."""
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+", name)}


def check_names(path, code):
    for part in path.parts:
        if words_of(part) & EMPTY_WORDS:
            yield 0, f"the name '{part}' explains nothing"
    for number, line in enumerate(code.splitlines(), 1):
        for match in NAMED.finditer(line):
            if words_of(match.group(1)) & EMPTY_WORDS:
                yield number, f"the name '{match.group(1)}' explains nothing"


def check_file(path, text):
    """Yields (line, complaint)."""
    code = without_comments(text)
    for number, line in enumerate(text.splitlines(), 1):
        match = INCLUDE.match(line)
        complaint = check_include(path, *match.groups()) if match else None
        if complaint:
            yield number, complaint
    for number, line in enumerate(code.splitlines(), 1):
        match = PROCESS_CALL.search(line)
        if match and not PROCESS_FILES.fullmatch(str(path)):
            yield number, f"{match.group(1)}() belongs into libudpserver/process"
    yield from check_names(path, code)


BAD = [
    ("base/a.cpp", '#include "conf/config.hpp"'),
    ("libudpserver/session/a.cpp", '#include "libudpserver/process/role.hpp"'),
    ("libudpserver/process/a.cpp", '#include "libudpserver/session/arena.hpp"'),
    ("libudpserver/process/a.cpp", '#include "libudpserver/control/row.hpp"'),
    ("libudpserver/process/a.cpp", '#include "conf/config.hpp"'),
    ("libudpserver/ipc/a.cpp", '#include "conf/config.hpp"'),
    ("libudpserver/control/a.cpp", '#include "libudpserver/process/role.hpp"'),
    ("libudpserver/policy/a.cpp", '#include "libudpserver/session/record.hpp"'),
    ("libudpserver/policy/a.cpp", '#include "libudpserver/net/listener.hpp"'),
    ("libudpserver/net/a.hpp", '#include "libudpserver/session/arena.hpp"'),
    ("libudpserver/ipc/a.hpp", '#include "libudpserver/process/role.hpp"'),
    ("base/a.hpp", "#include <conf/config.hpp>"),
    ("conf/a.cpp", '#include "proxyd/options.hpp"'),
    ("conf/a.cpp", '#include "config.hpp"'),
    ("elsewhere/a.cpp", '#include "conf/config.hpp"'),
    ("libudpserver/control/a.cpp", '#include "conf/config.hpp"'),
    ("libudpserver/session/a.cpp", '#include "libudpserver/control/row.hpp"'),
    ("proxyctl/a.cpp", '#include "libudpserver/process/role.hpp"'),
    ("proxyd/a.cpp", '#include "proxyctl/client.hpp"'),
    ("proxyctl/a.cpp", "#include <histedit.h>"),
    ("proxyctl/a.cpp", "#include <boost/json.hpp>"),
    ("proxyctl/connection.cpp", "::waitpid(pid, &status, 0);"),
    ("libudpserver/control/a.hpp", "#include <boost/json.hpp>"),
    ("libudpserver/process/a.cpp", "#include <boost/json/value.hpp>"),
    ("conf/a.hpp", "#include <yaml-cpp/yaml.h>"),
    ("proxyd/a.cpp", "#  include <yaml-cpp/yaml.h>"),
    ("libudpserver/process/a.cpp", "#include <spdlog/spdlog.h>"),
    ("base/pattern.hpp", "#include <re2/re2.h>"),
    ("proxyd/a.cpp", "#include <ares.h>"),
    ("resolvers/a.cpp", "#include <ares.h>"),
    ("resolvers/a.cpp", '#include "libudpserver/session/record.hpp"'),
    ("libudpserver/session/a.cpp", '#include "resolvers/resolver.hpp"'),
    ("proxyd/a.cpp", "const pid_t pid = ::fork();"),
    ("proxyd/a.cpp", "if (waitpid(pid, &status, 0) < 0) {"),
    ("libudpserver/session/a.cpp", "(void)kill(pid, SIGTERM);"),
    ("conf/string_utils.hpp", ""),
    ("libudpserver/common/a.hpp", ""),
    ("conf/a.hpp", "class SessionManager {"),
    ("conf/a.hpp", "namespace helper {"),
]
GOOD = [
    ("libudpserver/process/a.cpp", '#include "libudpserver/ipc/channel.hpp"\n::fork(); kill(pid, 9);'),
    ("conf/load.cpp", "#include <yaml-cpp/yaml.h>"),
    ("libudpserver/control/a.cpp", "#include <boost/json.hpp>"),
    ("libudpserver/control/a.hpp", "#include <boost/json/fwd.hpp>"),
    ("proxyctl/a.cpp", '#include "conf/load.hpp"\n#include "libudpserver/control/request.hpp"'),
    ("resolvers/ares_lookup.cpp", "#include <ares.h>"),
    ("base/log_text.cpp", "#include <spdlog/spdlog.h>"),
    ("proxyd/main.cpp", '#include "libudpserver/session/server.hpp"\ncontext.notify_fork(a); process::kill(b); c.kill(d);'),
    ("conf/a.cpp", '// fork() is called elsewhere\nlog("fork()"); /* kill(1) */'),
    ("base/a.cpp", "#include <vector>\nstruct Commonplace {};"),
]


def try_itself():
    for path, text in BAD:
        if not list(check_file(pathlib.PurePosixPath(path), text)):
            sys.exit(f"includes: the check itself is broken: it finds nothing in {path}: {text}")
    for path, text in GOOD:
        for _, complaint in check_file(pathlib.PurePosixPath(path), text):
            sys.exit(f"includes: the check itself is broken: {path}: {complaint}")


def main():
    try_itself()
    bad = 0
    files = tracked(".cpp", ".hpp", ".h", ".def")
    for path in files:
        for number, complaint in check_file(path, text_of(path)):
            print(f"{path}:{number}: {complaint}")
            bad += 1
    print(f"includes: {len(files)} files, {bad} faults")
    sys.exit(bad > 0)


main()
