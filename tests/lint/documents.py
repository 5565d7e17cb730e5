"""What the documents name exists: each path in doc/, README.md, CONTRIBUTING.md and the manual is in the tree, each link
leads to a file, each function or type that doc/ names is in the sources, and each section of doc/design.md that a comment
refers to is there."""
import fnmatch
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from tracked import text_of, tracked  # noqa: E402

SOURCES = (".cpp", ".hpp", ".def", ".py", ".txt", ".sh")
DESIGN = "doc/design.md"
EXAMPLES = {"proxyd/proxies/knock/knock_proxy.hpp"}  # which the reader writes
QUOTED = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)#:]+)\)")
MDOC_PATH = re.compile(r"^\.(?:It )?Pa (\S+)", re.M)
REFERENCE = re.compile(r"doc/design\.md,\s+(?://+\s*|#\s*)?([A-Z][\w-]*(?: [a-z][\w-]*)*)")
# `Engine::open`, `on_client()`, `CamelCase`.
CODE_NAME = re.compile(r"([A-Za-z_]\w*(?:::\w+)*)(\(\))?")


def paths_in(document, is_mdoc):
    return MDOC_PATH.findall(document) if is_mdoc else QUOTED.findall(document) + LINK.findall(document)


def alternatives(text):
    """`a/{b,c}.cpp` is two paths."""
    found = re.fullmatch(r"(.*)\{([^}]*)\}(.*)", text)
    return [found[1] + piece.strip() + found[3] for piece in found[2].split(",")] if found else [text]


def missing_paths(document, is_mdoc, files, folders, base=""):
    """The paths below a folder of the tree that no file matches. `<kind>` and `*` stand for anything."""
    tops = {folder.split("/")[0] for folder in folders}
    for text in paths_in(document, is_mdoc):
        for path in alternatives(text):
            link = f"]({text})" in document
            whole = str(pathlib.PurePosixPath(base) / path) if link else path
            if " " in path or not (link or path.split("/")[0] in tops and "/" in path):
                continue
            pattern = re.sub(r"<\w+>", "*", whole.rstrip("/"))
            if whole not in EXAMPLES and pattern not in folders and not any(fnmatch.fnmatch(file, pattern) for file in files | folders):
                yield whole


def missing_names(document, words):
    """Functions and types of C++ in backquotes that occur nowhere in the sources."""
    for text in QUOTED.findall(document):
        name = CODE_NAME.fullmatch(text)
        if name and (name[2] or "::" in text or re.search(r"[a-z][A-Z]", text)):
            yield from (piece for piece in name[1].split("::") if piece not in words)


def missing_sections(source, headings):
    for name in REFERENCE.findall(source):
        words = name.split()
        if not any(" ".join(words[:count]) in headings for count in range(1, len(words) + 1)):
            yield name


def try_itself():
    files, folders = {"a/b.cpp", "a/c/d.hpp", "doc/e.md"}, {"a", "a/c", "doc"}
    good = "`a/b.cpp` `a/` `a/*.cpp` `a/<kind>/d.hpp` `a/{b.cpp,c}` `x/y` `a/b c` [e](e.md)"
    if faults := list(missing_paths(good, False, files, folders, "doc")):
        sys.exit(f"documents: the check itself is broken: it does not find {faults}")
    for bad in ("`a/x.cpp`", "`a/*.py`", "`a/{b,c}.cpp`", "[e](f.md)", "`doc/<kind>/x`"):
        if not list(missing_paths(bad, False, files, folders, "doc")):
            sys.exit(f"documents: the check itself is broken: it finds nothing in {bad}")
    if list(missing_paths(".Pa a/b.cpp\n.It Pa /run/x\n", True, files, folders)) or not list(
            missing_paths(".It Pa a/x.cpp\n", True, files, folders)):
        sys.exit("documents: the check itself is broken: it does not judge the paths of a man page")
    words = {"Engine", "open", "reload"}
    if list(missing_names("`Engine::open` `reload()` `plain` `-n`", words)) or len(
            list(missing_names("`Engine::shut` `load()` `OpenDoor`", words))) != 3:
        sys.exit("documents: the check itself is broken: it does not judge names")
    if list(missing_sections("doc/design.md, Server side and more", {"Server side"})) or not list(
            missing_sections("(doc/design.md,\n/// Sides)", {"Server side"})):
        sys.exit("documents: the check itself is broken: it does not judge sections")


def main():
    try_itself()
    all_files = tracked()
    files = {str(path) for path in all_files}
    folders = {str(parent) for path in all_files for parent in path.parents if str(parent) != "."}
    sources = {str(path): text_of(path) for path in all_files if path.suffix in SOURCES}
    words = {word for path, text in sources.items() if not path.startswith("tests/lint/")
             for word in re.findall(r"[A-Za-z_]\w*", text)}
    headings = set(re.findall(r"^## (.*)$", text_of(DESIGN), re.M))
    documents = [path for path in all_files if path.parts[0] in ("doc", "README.md", "CONTRIBUTING.md")
                 or path.parts[0] == "man" and re.fullmatch(r"\.[1-9]", path.suffix)]
    faults = []
    for path in documents:
        text = text_of(path)
        is_mdoc = path.parts[0] == "man"
        base = "" if is_mdoc else str(path.parent)
        faults += [f"{path}: {name} is not in the tree" for name in missing_paths(text, is_mdoc, files, folders, base)]
        if path.parts[0] == "doc" and path.name != "glossary.md":  # which has the names of the past
            faults += [f"{path}: {name} is not in the sources" for name in missing_names(text, words)]
    for path, text in sources.items():
        if path != "tests/lint/documents.py":
            faults += [f"{path}: {DESIGN} has no section {name}" for name in missing_sections(text, headings)]
    for fault in faults:
        print(fault)
    print(f"documents: {len(documents)} documents, {len(faults)} faults")
    sys.exit(bool(faults))


main()
