#!/usr/bin/python3
"""Checks conf/proxyd.schema.json against the examples, the bad cases of the tests and the loader's own keys.

Usage: tests/lint/schema.py        prints each mistake, exit 1 when there is one
"""

import json
import pathlib
import re
import sys

import jsonschema
import yaml

TOP = pathlib.Path(__file__).resolve().parents[2]
mistakes = []


def complain(text):
    mistakes.append(text)
    print(text)


def load_schema():
    schema = json.loads((TOP / "conf/proxyd.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return schema


def subschemas(schema):
    """The parts of a schema where more keys of the same value may stand."""
    yield schema
    for part in schema.get("oneOf", []):
        yield from subschemas(part)
    if "items" in schema:
        yield from subschemas(schema["items"])


def schema_keys(schema, path=""):
    """Paths of all keys: `udpserver.max-restarts.count`; lists add nothing to a path."""
    keys = set()
    for part in subschemas(schema):
        for key, value in part.get("properties", {}).items():
            keys.add(path + key)
            keys |= schema_keys(value, path + key + ".")
    return keys


def file_keys(value, path=""):
    if isinstance(value, list):
        return set().union(*(file_keys(item, path) for item in value))
    if not isinstance(value, dict):
        return set()
    if path == "lists.":  # the names of lists are the user's
        return set()
    return {path + key for key in value} | set().union(*(file_keys(v, path + k + ".") for k, v in value.items()))


def loader_keys():
    """The keys that the sources of the loader ask a section for."""
    call = re.compile(r'section\.(?:optional|required|child|required_child)\(\s*"([^"]+)"')
    return {key for source in (TOP / "conf").glob("*.cpp") for key in call.findall(source.read_text())}


def check_objects(part, path="schema"):
    """Every object says what it does with unknown keys, and everything that it has is described."""
    if isinstance(part, list):
        for index, item in enumerate(part):
            check_objects(item, f"{path}[{index}]")
    if not isinstance(part, dict):
        return
    if part.get("type") == "object" and part.get("additionalProperties") is not False:
        complain(f"{path}: additionalProperties is not false")
    if part.get("type") == "object":
        for key, value in part.get("properties", {}).items():
            if not value.get("description"):
                complain(f"{path}.{key}: has no description")
    for key, value in part.items():
        check_objects(value, f"{path}.{key}")


def check_examples(validator):
    examples = sorted((TOP / "conf/examples").glob("*.yaml"))
    if len(examples) < 6:
        complain("conf/examples: fewer than 6 examples")
    for example in examples:
        for error in validator.iter_errors(yaml.safe_load(example.read_text())):
            complain(f"{example.name}: {error.json_path}: {error.message}")


def bad_cases():
    """Yields (name, configuration, expected errors) of the tables; their form is checked by unit-conf."""
    for table in sorted((TOP / "tests/data/conf/bad").glob("*.cases")):
        for case in table.read_text().strip("\n").split("\n\n"):
            name, *lines = case.split("\n")
            errors = [line for line in lines if line.startswith("=> ")]
            yield name.removeprefix("== "), "\n".join(lines[:-len(errors)]), "\n".join(errors)


def check_bad_cases(validator):
    """What the loader calls an unknown or a missing key, the schema refuses too."""
    refused = 0
    for name, text, errors in bad_cases():
        if not re.search(r"unknown key|: is missing", errors):
            continue
        if validator.is_valid(yaml.safe_load(text)):
            complain(f"{name}: the loader refuses the keys of this case, the schema does not")
        refused += 1
    if refused < 10:
        complain(f"only {refused} cases with bad keys")


def check_broken_example(validator):
    """Each key of full.yaml, misspelt, must fail: the schema judges everywhere."""
    text = (TOP / "conf/examples/full.yaml").read_text()
    for key in sorted(loader_keys()):
        broken, count = re.subn(rf"(?<![\w-]){re.escape(key)}: ", f"{key}x: ", text)
        broken = broken if count else re.sub(rf"(?m)^(\s*){re.escape(key)}:(?=\s)", rf"\1{key}x:", text)
        if broken == text:
            complain(f"full.yaml does not use {key}")
        elif validator.is_valid(yaml.safe_load(broken)):
            complain(f"the schema accepts full.yaml with {key} misspelt")


def check_keys(schema):
    known, used = schema_keys(schema), file_keys(yaml.safe_load((TOP / "conf/examples/full.yaml").read_text()))
    for key in sorted(known - used):
        complain(f"full.yaml does not use {key}, which the schema knows")
    for key in sorted(used - known):
        complain(f"the schema does not know {key}, which full.yaml uses")
    names, asked = {key.rsplit(".", 1)[-1] for key in known}, loader_keys()
    for key in sorted(names ^ asked):
        complain(f"{key}: known to {'the schema' if key in names else 'the loader'} only")


def main():
    schema = load_schema()
    validator = jsonschema.Draft202012Validator(schema)
    check_objects(schema)
    check_examples(validator)
    check_bad_cases(validator)
    check_broken_example(validator)
    check_keys(schema)
    return 1 if mistakes else 0


if __name__ == "__main__":
    sys.exit(main())
