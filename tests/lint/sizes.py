"""Reports how long files, classes and functions are; fails where they are over the limits. A class counts with all its
files, so that the limit of a file is not met by cutting one class into many. universal-ctags finds both."""
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from class_sizes import class_sizes  # noqa: E402
from tracked import text_of, top, tracked  # noqa: E402

FILE_LIMIT = 400
CLASS_AIM, CLASS_LIMIT = 400, 500
FUNCTION_AIM, FUNCTION_LIMIT = 50, 60


def functions_of(paths, folder):
    """(lines, place) of every function in the files."""
    if not paths:
        return []
    command = ["ctags", "--output-format=json", "--fields=+ne", "--c++-kinds=f", "--language-force=C++", "-o", "-"]
    output = subprocess.run([*command, *map(str, paths)], check=True, capture_output=True, text=True, cwd=folder).stdout
    tags = [json.loads(line) for line in output.splitlines()]
    return [(tag["end"] - tag["line"] + 1, f"{tag['path']}:{tag['line']} {tag['name']}") for tag in tags if "end" in tag]


def report(what, sizes, aim, limit):
    """Prints the medians and what is over the aim; returns how many are over the limit."""
    if not sizes:
        return 0
    lengths = sorted(size for size, _ in sizes)
    print(f"sizes: {len(sizes)} {what}, median {statistics.median(lengths):.0f}, "
          f"p90 {lengths[int(0.9 * (len(lengths) - 1))]}, longest {lengths[-1]} lines")
    for size, place in sorted(sizes, reverse=True):
        if size > aim:
            print(f"  {size:4d}  {place}" + ("  over the limit" if size > limit else ""))
    return sum(size > limit for size, _ in sizes)


def try_itself():
    with tempfile.TemporaryDirectory() as folder:
        body = "    call();\n" * FUNCTION_LIMIT
        pathlib.Path(folder, "long.cpp").write_text(f"void too_long() {{\n{body}}}\nvoid fine() {{\n}}\n")
        found = functions_of(["long.cpp"], folder)
    if [size for size, _ in found if size > FUNCTION_LIMIT] != [FUNCTION_LIMIT + 2] or len(found) != 2:
        sys.exit(f"sizes: the check itself is broken: it finds {found} in its sample")
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, "a.hpp").write_text("struct A {\n    void one();\n    int two() {\n        return 2;\n    }\n};\n")
        pathlib.Path(folder, "a.cpp").write_text("void A::one() {\n    call();\n}\nvoid other() {\n}\n")
        sizes = class_sizes(["a.hpp", "a.cpp"], folder)
    if sizes != {"A": 9}:
        sys.exit(f"sizes: the check itself is broken: it finds {dict(sizes)} in its sample of a class")


def main():
    try_itself()
    paths = tracked(".cpp", ".hpp")
    files = [(len(text_of(path).splitlines()), str(path)) for path in paths]
    over = report("files", files, FILE_LIMIT, FILE_LIMIT)
    classes = class_sizes(paths, top)
    over += report("classes", [(size, name) for name, size in classes.items()], CLASS_AIM, CLASS_LIMIT)
    over += report("functions", functions_of(paths, top), FUNCTION_AIM, FUNCTION_LIMIT)
    sys.exit(over > 0)


main()
