"""How many lines each class has over all its files: its definition and the functions defined outside of it."""
import collections
import json
import subprocess


def class_sizes(paths, folder):
    """A Counter: full name of the class -> lines. A nested class counts for itself and as part of the outer one."""
    if not paths:
        return collections.Counter()
    command = ["ctags", "--output-format=json", "--fields=+neSs", "--c++-kinds=fcs", "--language-force=C++", "-o", "-"]
    output = subprocess.run([*command, *map(str, paths)], check=True, capture_output=True, text=True, cwd=folder).stdout
    tags = [json.loads(line) for line in output.splitlines()]
    bodies = collections.defaultdict(list)
    for tag in tags:
        if tag["kind"] in ("class", "struct") and "end" in tag:
            name = "::".join(filter(None, (tag.get("scope"), tag["name"])))
            bodies[name].append((tag["path"], tag["line"], tag["end"]))
    sizes = collections.Counter({name: max(end - line + 1 for _, line, end in places) for name, places in bodies.items()})
    for tag in tags:
        if tag["kind"] == "function" and "end" in tag and tag.get("scopeKind") in ("class", "struct"):
            inside = any(path == tag["path"] and line <= tag["line"] <= end for path, line, end in bodies[tag["scope"]])
            if not inside:
                sizes[tag["scope"]] += tag["end"] - tag["line"] + 1
    return sizes
