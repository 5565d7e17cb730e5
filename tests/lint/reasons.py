"""man/udpserver.7 names every reason that a session or a refusal can have and every field of a statistics record, no
others, and its example is the code that the unit tests compile."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = "man/udpserver.7"
SESSION = "libudpserver/session/"

# Not in the list of names: the reason of the record that summarizes many sources.
MORE_REASONS = {"others", "unknown"}


def reasons_in(source):
    names = re.search(r"names = .*?\(\{(.*?)\}\)", source, re.S)
    return set(re.findall(r'"([a-z-]+)"', names.group(1))) if names else set()


def fields_in(source):
    """Every upper-case string that a statistics record is built with."""
    return set(re.findall(r'"([A-Z]+(?:-[A-Z]+)*)"', source)) - {"ACCEPTED", "REJECTED", "FAILED", "OK", "ABORTED"}


def section(page, title):
    found = re.search(rf"^\.Sh {re.escape(title)}\n(.*?)(?=^\.Sh |\Z)", page, re.M | re.S)
    return found.group(1) if found else ""


def described_reasons(page):
    text = section(page, "REASONS")
    return set(re.findall(r"^\.(?:It )?Cm ([a-z-]+)$", text, re.M))


def described_fields(page):
    items = re.findall(r"^\.It Li (.+)$", section(page, "STATISTICS RECORDS"), re.M)
    return {name for item in items for name in re.split(r"[ ,]+", item)}


def example_of(page):
    """The path that the page names above its example, and the example's lines."""
    found = re.search(r'^\.\\" example (\S+)\n\.Bd -literal\n(.*?)^\.Ed$', page, re.M | re.S)
    if not found:
        return None, []
    return found.group(1), [line.replace("\\e", "\\") for line in found.group(2).splitlines() if line.strip()]


def in_order(lines, source):
    """The first line that the source does not have after the ones before it, or nothing."""
    rest = iter(source.splitlines())
    for line in lines:
        if not any(line == other for other in rest):
            return line
    return None


def check(page, reasons, records, read):
    """Yields what is wrong."""
    known = reasons_in(reasons)
    fields = fields_in(records)
    if not known or not fields:
        yield "finds no reasons or no fields in the sources; the check must follow them"
    for kind, there, described in (("reason", known | MORE_REASONS, described_reasons(page)),
                                   ("field", fields, described_fields(page))):
        for name in sorted(there - described):
            yield f"{PAGE}: the {kind} {name} is missing"
        for name in sorted(described - there):
            yield f"{PAGE}: the {kind} {name} is described, but does not exist"
    path, lines = example_of(page)
    if path is None:
        yield f"{PAGE}: has no example with its file"
    elif (missing := in_order(lines, read(path))) is not None:
        yield f"{PAGE}: the example has a line that {path} has not: {missing.strip()}"


def try_itself():
    reasons = 'constexpr auto names = std::to_array<std::string_view>({\n"idle", "one-way-reply",\n});'
    records = 'text("STATUS", x); number("BYTES-CIN", y); return "OK";'
    page = (".Sh REASONS\n.It Cm idle\nx\n.It Cm one-way-reply\n.It Cm others\n.Cm unknown\n"
            ".Sh STATISTICS RECORDS\n.It Li STATUS , BYTES-CIN\n.Sh END\n"
            '.\\" example a.cpp\n.Bd -literal\nint a;\n\nint b;\n.Ed\n')
    code = {"a.cpp": "int a;\nint c;\nint b;\n"}
    if faults := list(check(page, reasons, records, code.get)):
        sys.exit(f"reasons: the check itself is broken: it complains of a good page: {faults}")
    for bad in (page.replace(".It Cm idle\n", ""), page.replace("idle", "idler"), page.replace(" , BYTES-CIN", ""),
                page.replace("STATUS ,", "STATUS , EXTRA ,"), page.replace("int b;", "int d;"),
                page.replace("int a;\n\nint b;", "int b;\nint a;"), page.replace('.\\" example', '.\\" sample')):
        if not list(check(bad, reasons, records, code.get)):
            sys.exit(f"reasons: the check itself is broken: it finds nothing in\n{bad}")
    if not list(check(page, "", records, code.get)):
        sys.exit("reasons: the check itself is broken: it is content without any reason")


def main():
    try_itself()
    read = {}

    def text(path):
        return read.setdefault(path, (ROOT / path).read_text())

    records = text(SESSION + "statistics_record.cpp") + text(SESSION + "refusal_log.cpp")
    records = re.sub(r'Field text\(.*?\n\}', "", records, flags=re.S)
    faults = list(check(text(PAGE), text(SESSION + "reason.cpp"), records, text))
    for fault in faults:
        print(fault)
    count = len(reasons_in(text(SESSION + "reason.cpp"))), len(fields_in(records))
    print(f"reasons: {count[0]} reasons, {count[1]} fields, {len(faults)} faults")
    sys.exit(bool(faults))


main()
