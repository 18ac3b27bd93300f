#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""check_types.py FILE.yaml...: holds every field of Kubernetes objects against the types of Kubernetes' own
client: names, types, what must be there. Says on stderr what is wrong, a line each, and exits 1 if anything
is; prints {"FILE": [OBJECT...]}, without folder and ending, as JSON."""
import datetime
import json
import pathlib
import re
import sys

import yaml
from kubernetes.client import models

# Fields whose type the client leaves open ("object"): quantities and ports by number or name.
OPEN = (str, int)
PLAIN = {"str": str, "int": int, "bool": bool, "float": (int, float), "datetime": datetime.datetime}


class StrictLoader(yaml.SafeLoader):
    """Refuses a key that is there twice."""

    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(key, deep=deep) for key, _ in node.value]
        twice = {key for key in keys if keys.count(key) > 1}
        if twice:
            raise yaml.constructor.ConstructorError(None, None, f"twice: {twice}", node.start_mark)
        return super().construct_mapping(node, deep)


def model_of(kind, version):
    """apps/v1 Deployment -> V1Deployment, as the client names it."""
    name = version.split("/")[-1]
    return getattr(models, name[0].upper() + name[1:] + kind, None)


def check(value, kind, path):
    """Yields what of `value` is not of the type `kind`."""
    listed = re.fullmatch(r"list\[(.*)\]", kind)
    mapped = re.fullmatch(r"dict\(str, (.*)\)", kind)
    if listed:
        if not isinstance(value, list):
            yield f"{path}: not a list"
            return
        for number, entry in enumerate(value):
            yield from check(entry, listed[1], f"{path}[{number}]")
    elif mapped:
        if not isinstance(value, dict):
            yield f"{path}: not a mapping"
            return
        for key, entry in value.items():
            yield from check(entry, mapped[1], f"{path}.{key}")
    elif kind == "object":
        if not isinstance(value, OPEN) or isinstance(value, bool):
            yield f"{path}: neither a string nor a number"
    elif kind in PLAIN:
        if not isinstance(value, PLAIN[kind]) or (kind != "bool" and isinstance(value, bool)):
            yield f"{path}: {value!r} is no {kind}"
    else:
        yield from check_model(value, getattr(models, kind), path)


def check_model(value, model, path):
    if not isinstance(value, dict):
        yield f"{path}: not a mapping"
        return
    names = {field: attribute for attribute, field in model.attribute_map.items()}
    for field, entry in value.items():
        if field not in names:
            yield f"{path}.{field}: {model.__name__} has no such field"
        else:
            yield from check(entry, model.openapi_types[names[field]], f"{path}.{field}")
    given = {names[field]: entry for field, entry in value.items() if field in names}
    try:
        model(**given)  # its setters know what must be there, and limits
    except (ValueError, TypeError) as error:
        yield f"{path}: {error}"


def check_object(value):
    kind, version = value.get("kind"), value.get("apiVersion", "")
    name = f"{kind}/{value.get('metadata', {}).get('name')}"
    model = model_of(kind, version)
    if model is None:
        yield f"{name}: no such kind in {version}"
    else:
        yield from check_model(value, model, name)


def main():
    files = {}
    wrong = 0
    for file in sys.argv[1:]:
        with open(file, encoding="utf-8") as stream:
            objects = list(yaml.load_all(stream, StrictLoader))
        for line in (line for one in objects for line in check_object(one)):
            print(f"{file}: {line}", file=sys.stderr)
            wrong += 1
        files[pathlib.Path(file).stem] = objects
    json.dump(files, sys.stdout)
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
