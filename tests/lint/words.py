"""Checks that nothing of the machine it was written on is in the project: paths of people, hosts of registries."""
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from tracked import text_of, tracked  # noqa: E402

# The brackets keep the patterns from matching themselves.
FORBIDDEN = [re.compile(pattern, re.I) for pattern in (
    r"(?<![\w.])/(?:wor[k]|hom[e]|roo[t]|User[s]|worksp[a]ce)/",
    r"/tmp/buil[d]-",
    r"\b(?:pyp[i]\.org|crate[s]\.io|npmj[s]\.(?:org|com)|ghc[r]\.io|docke[r]\.io|qua[y]\.io|proxy\.golan[g]\.org)",
    r"\b(?:registr[y]|artifactor[y]|nexu[s]|mirro[r])\.[a-z0-9-]+\.[a-z]+",
    r"\b(?:de[b]|securit[y]|snapsho[t]|ft[p])\.debia[n]\.org",
)]


def check(text):
    """Yields (line, what was found)."""
    for number, line in enumerate(text.splitlines(), 1):
        for pattern in FORBIDDEN:
            match = pattern.search(line)
            if match:
                yield number, match.group(0)


def try_itself():
    bad = ["cd /" + "work/main", "path = '/" + "home/me/x'", "-B /tmp/build" + "-me", "pypi" + ".org",
           "https://mirror" + ".example.org/debian", "http://deb" + ".debian.org"]
    good = ["framework/main", "build/bin/proxyd", "see ./work/x", "the mirror. Example", "/run/proxyd/x.pid"]
    for text in bad:
        if not list(check(text)):
            sys.exit(f"words: the check itself is broken: it finds nothing in '{text}'")
    for text in good:
        if list(check(text)):
            sys.exit(f"words: the check itself is broken: it complains of '{text}'")


def main():
    try_itself()
    files = tracked()
    bad = 0
    for path in files:
        for number, word in check(text_of(path)):
            print(f"{path}:{number}: '{word}' belongs to one machine or one network")
            bad += 1
    print(f"words: {len(files)} files, {bad} faults")
    sys.exit(bad > 0)


main()
