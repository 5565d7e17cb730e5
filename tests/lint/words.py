"""Checks that nothing of the machine it was written on is in the project, such as paths and hosts of registries, and
that the words which doc/glossary.md retires are not used any more."""
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


GLOSSARY = "doc/glossary.md"
EXEMPT = {GLOSSARY, "tests/lint/words.py"}
ANY = "…"  # in a retired word: any letters, digits and underscores


def retired_words(glossary):
    """Pairs of a retired word and what to write instead: the last column of the first table, the first of the second."""
    for line in glossary.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 3:
            yield from ((word, cells[0]) for word in re.findall(r"`([^`]+)`", cells[2]))
        if len(cells) == 2:
            yield from ((word, cells[1]) for word in re.findall(r"`([^`]+)`", cells[0]))


def pattern_of(word):
    """Names of the code match exactly, words of the language also with a capital letter, and across lines."""
    text = r"\w+".join(r"\s+(?://+\s*|#\s*)?".join(map(re.escape, piece.split())) for piece in word.split(ANY))
    is_name = re.search(r"[A-Z_(:]", word)
    return re.compile(rf"(?<![\w]){text}(?!\w)", 0 if is_name else re.I)


def check_machine(text):
    """Yields (line, what is wrong)."""
    for number, line in enumerate(text.splitlines(), 1):
        for pattern in FORBIDDEN:
            match = pattern.search(line)
            if match:
                yield number, f"'{match.group(0)}' belongs to one machine or one network"


def check_retired(text, retired):
    """Yields (line, what is wrong)."""
    for pattern, instead in retired:
        for match in pattern.finditer(text):
            word = " ".join(match.group(0).split())
            yield text.count("\n", 0, match.start()) + 1, f"'{word}' is retired; write: {instead}"


def compiled(glossary):
    return [(pattern_of(word), instead) for word, instead in retired_words(glossary)]


def try_machine():
    bad = ["cd /" + "work/main", "path = '/" + "home/me/x'", "-B /tmp/build" + "-me", "pypi" + ".org",
           "https://mirror" + ".example.org/debian", "http://deb" + ".debian.org"]
    good = ["framework/main", "build/bin/proxyd", "see ./work/x", "the mirror. Example", "/run/proxyd/x.pid"]
    for text in bad:
        if not list(check_machine(text)):
            sys.exit(f"words: the check itself is broken: it finds nothing in '{text}'")
    for text in good:
        if list(check_machine(text)):
            sys.exit(f"words: the check itself is broken: it complains of '{text}'")


def try_retired():
    retired = compiled("| term | meaning | replaces |\n| --- | --- | --- |\n| mute | Text. | `deaf`, `close_ears` |\n"
                       "| limit | Text. | `most_…`, `News` |\n\n| not | but |\n| --- | --- |\n| `for ever` | forever |\n")
    for text in ("a deaf one", "x.close_ears()", "most_rules = 1", "For ever", "for\n// ever", "News&"):
        if len(list(check_retired(text, retired))) != 1:
            sys.exit(f"words: the check itself is broken: it does not find the word in '{text}'")
    for text in ("deafening", "DeafFilter", "close_ears_", "almost_all", "news", "forever", "NameNews", "at most_"):
        if list(check_retired(text, retired)):
            sys.exit(f"words: the check itself is broken: it complains of '{text}'")
    if list(check_retired("deaf", retired)) != [(1, "'deaf' is retired; write: mute")]:
        sys.exit("words: the check itself is broken: it does not say what to write instead")


def main():
    try_machine()
    try_retired()
    files = tracked()
    retired = compiled(text_of(GLOSSARY))
    if not retired:
        sys.exit(f"words: {GLOSSARY} retires no word; the check must follow it")
    bad = 0
    for path in files:
        text = text_of(path)
        faults = list(check_machine(text))
        if str(path) not in EXEMPT:
            faults += check_retired(text, retired)
        for number, fault in faults:
            print(f"{path}:{number}: {fault}")
            bad += 1
    print(f"words: {len(files)} files, {len(retired)} retired words, {bad} faults")
    sys.exit(bad > 0)


main()
