"""Every behaviour that code or tests cite (K-31) has its line in doc/behaviours.md, and every line there is cited. No
such number is in a string of the product or in a man page: they are meaningless to administrators."""
import re
import sys
import pathlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from tracked import text_of, tracked  # noqa: E402

PAGE = "doc/behaviours.md"
PRODUCT = {"base", "conf", "libudpserver", "resolvers", "proxyd", "proxyctl"}
CITING = PRODUCT | {"tests", "bench"}
NUMBER = re.compile(r"(?<![\w-])[A-HKOLJMZ]-[1-9]\d?(?![\w-])")
# A comment, a character or a string, whichever starts first.
TOKEN = re.compile(r"'(?:\\.|[^'\\\n])'|//[^\n]*|/\*.*?\*/|R\"(\w*)\((?:.*?)\)\1\"|\"(?:\\.|[^\"\\\n])*\"", re.S)


def listed(page):
    return re.findall(r"^- \*\*([A-HKOLJMZ]-\d+)\*\*: \S", page, re.M)


def in_strings(source):
    """Yields (line, number) for each number inside a string of C++."""
    for token in TOKEN.finditer(source):
        if token.group(0).startswith("/"):
            continue
        for number in NUMBER.finditer(token.group(0)):
            yield source.count("\n", 0, token.start() + number.start()) + 1, number.group(0)


def check(page, citing, product, manual):
    """Yields what is wrong. The last three are texts by path."""
    lines = listed(page)
    cited = {number: path for path, text in citing.items() for number in NUMBER.findall(text)}
    for number in sorted({number for number in lines if lines.count(number) > 1}):
        yield f"{PAGE}: {number} is there twice"
    for number in sorted(set(cited) - set(lines)):
        yield f"{cited[number]}: {number} has no line in {PAGE}"
    for number in sorted(set(lines) - set(cited)):
        yield f"{PAGE}: {number} is not cited anywhere; remove its line"
    for path, text in product.items():
        for line, number in in_strings(text):
            yield f"{path}:{line}: {number} is in a string; its readers do not know it"
    for path, text in manual.items():
        for number in sorted(set(NUMBER.findall(text))):
            yield f"{path}: has {number}; its readers do not know it"


def try_itself():
    page = "- **K-1**: One.\n- **O-22**: Two.\n"
    citing = {"a.cpp": "// K-1..O-22\n"}
    product = {"a.cpp": 'f("UDPS-210-K", "http://x", \'"\'); // K-1 "K-1"\n/* "O-22" */ g("a\\"b", R"(c)");'}
    if faults := list(check(page, citing, product, {"a.8": "UDPS-210-K"})):
        sys.exit(f"behaviours: the check itself is broken: it complains of good files: {faults}")
    for bad in ((page, {"a.cpp": "K-1 O-22 L-3"}, product, {}), (page, {"a.cpp": "K-1"}, product, {}),
                (page + "- **K-1**: Again.\n", citing, product, {}), (page, citing, {"a.cpp": 'f("x (K-1)");'}, {}),
                (page, citing, {"a.cpp": 'R"(O-22\n)"'}, {}), (page, citing, product, {"a.8": "more (K-1)."}),
                ("- K-1: One.\n- **O-22**:\n", citing, product, {})):
        if not list(check(*bad)):
            sys.exit(f"behaviours: the check itself is broken: it finds nothing in {bad}")


def main():
    try_itself()
    texts = {str(path): text_of(path) for path in tracked() if path.parts[0] in CITING | {"man"}}
    citing = {path: text for path, text in texts.items()
              if path.split("/")[0] in CITING and path != "tests/lint/behaviours.py"}
    product = {path: text for path, text in texts.items()
               if path.split("/")[0] in PRODUCT and path.endswith((".cpp", ".hpp", ".def"))}
    manual = {path: text for path, text in texts.items() if path.startswith("man/")}
    page = text_of(PAGE)
    faults = list(check(page, citing, product, manual))
    for fault in faults:
        print(fault)
    print(f"behaviours: {len(listed(page))} behaviours, {len(faults)} faults")
    sys.exit(bool(faults))


main()
