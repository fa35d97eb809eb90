#!/usr/bin/env python3
"""Holds `hivectl schema` against the corpus of documents, with Debian's python3-jsonschema.

Every document that is good (config/, the mended ones of test/spec) must pass; every document of test/spec whose mistake is one
of shape must fail. A mistake of shape is what types alone can see: the codes below. Whatever the schema refuses, the loader
must refuse too, or an editor would underline what works. Each of config/ begins with the line that tells an editor of the schema.

usage: check_schema.py HIVECTL SOURCE_DIR
"""
import json
import pathlib
import re
import subprocess
import sys

import jsonschema
import yaml

# Codes whose mistake a schema sees; E0103 and E0106 speak of other things than the shape of one document.
SHAPE = {"E0101", "E0102", "E0104", "E0201", "E0202", "E0203", "E0204", "E0205", "E0206", "E0207", "E0208", "E0211"}
# Of these codes, folders whose mistake is not in the shape.
# A text with a meaning of its own; an option of an engine, refused for tasks only; a field that a variable may give.
UNSEEN = {"E0207-network", "E0205-log", "E0204-log"}


class Loader(yaml.SafeLoader):
    """YAML 1.2 core as editors read it: only true and false are booleans, no sexagesimal numbers, no octals, no dates."""


Loader.yaml_implicit_resolvers = {}
for tag, pattern, first in (
        ("tag:yaml.org,2002:null", r"^(~|null|Null|NULL|)$", ["~", "n", "N", ""]),
        ("tag:yaml.org,2002:bool", r"^(true|True|TRUE|false|False|FALSE)$", list("tTfF")),
        ("tag:yaml.org,2002:int", r"^[-+]?[0-9]+$", list("-+0123456789")),
        ("tag:yaml.org,2002:float", r"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$", list("-+.0123456789")),
        ("tag:yaml.org,2002:merge", r"^<<$", ["<"])):
    Loader.add_implicit_resolver(tag, re.compile(pattern), first)
Loader.add_constructor("tag:yaml.org,2002:int", lambda loader, node: int(loader.construct_scalar(node)))
Loader.add_constructor("tag:yaml.org,2002:float", lambda loader, node: float(loader.construct_scalar(node)))


def documents(path):
    files = sorted(path.glob("*.yaml")) if path.is_dir() else [path]
    for file in files:
        try:
            yield from (d for d in yaml.load_all(file.read_text(encoding="utf-8"), Loader) if d is not None)
        except (yaml.YAMLError, UnicodeDecodeError, ValueError, RecursionError):
            yield None  # no reader takes it; not the schema's business


def errors(validator, path):
    return [e for d in documents(path) if d is not None for e in validator.iter_errors(d)]


def main():
    hivectl, source = sys.argv[1], pathlib.Path(sys.argv[2])
    schema = json.loads(subprocess.run([hivectl, "schema"], check=True, capture_output=True, text=True).stdout)
    jsonschema.Draft7Validator.check_schema(schema)
    validator = jsonschema.Draft7Validator(schema)
    wrong = []

    good = sorted(source.glob("config/*.yaml")) + sorted(source.glob("test/spec/*/fixed*"))
    good = [p for p in good if p.name in ("fixed.yaml", "fixed") or p.parent.name == "config"]
    for path in good:
        for e in errors(validator, path):
            where = "/".join(str(x) for x in e.absolute_path)
            wrong.append(f"{path}: must pass, but {where}: {e.message[:200]}")
        if path.parent.name == "config" and not path.read_text(encoding="utf-8").startswith("# yaml-language-server: $schema="):
            wrong.append(f"{path}: its first line does not tell editors of the schema")

    n_bad = 0
    for folder in sorted((source / "test/spec").iterdir()):
        code = folder.name.split("-")[0]
        bad = folder / "bad.yaml"
        if code not in SHAPE or folder.name in UNSEEN or not bad.exists():
            continue
        n_bad += 1
        if None not in list(documents(bad)) and not errors(validator, bad):
            wrong.append(f"{bad}: must fail, but passes")

    for line in wrong:
        print(line)
    print(f"{len(good)} good, {n_bad} bad in shape, {len(wrong)} wrong")
    if not good or n_bad < 20:
        sys.exit("too few documents: is the corpus where it was?")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
