"""Reads manifests strictly: whatever Kubernetes, or the maker of a custom resource, does not know is an error.

    check_manifests.py KUBERNETES_VERSION CRD_FOLDER... -- FILE...

Objects of Kubernetes itself are held to its published schema of that version, those of a custom resource to the schema of
its definition, which is looked for in the folders (*.yaml, *.yml; below them, too). Exit code 1 where something is wrong; a
kind that nothing defines is told and counted as such, since a misspelt kind looks just like it.
"""

import os
import pathlib
import sys

import jsonschema
import kubernetes_validate
import yaml

# `=` is a text to everybody but YAML 1.1.
yaml.SafeLoader.add_constructor("tag:yaml.org,2002:value", yaml.SafeLoader.construct_yaml_str)


def strict(schema):
    """The schema with nothing allowed that it does not name, as the API server prunes or refuses it."""
    if isinstance(schema, dict):
        made = {key: strict(value) for key, value in schema.items()}
        if "properties" in made and not schema.get("x-kubernetes-preserve-unknown-fields"):
            made.setdefault("additionalProperties", False)
        if schema.get("x-kubernetes-int-or-string"):
            made.pop("type", None)
            made["anyOf"] = [{"type": "integer"}, {"type": "string"}]
        return made
    if isinstance(schema, list):
        return [strict(value) for value in schema]
    return schema


def whole(schema):
    """A custom resource has what every object has, beside what its definition says. Parts in allOf, anyOf and the like say
    only more of what is there already."""
    def loose(part):
        if isinstance(part, dict):
            for name in ("allOf", "anyOf", "oneOf", "not"):
                if name in part:
                    part[name] = drop(part[name])
            for value in part.values():
                loose(value)
        elif isinstance(part, list):
            for value in part:
                loose(value)

    def drop(part):
        if isinstance(part, dict):
            return {key: drop(value) for key, value in part.items() if key != "additionalProperties"}
        if isinstance(part, list):
            return [drop(value) for value in part]
        return part

    made = strict(schema)
    loose(made)
    made.setdefault("properties", {}).update({"apiVersion": {}, "kind": {}, "metadata": {}})
    return made


def definitions(folders):
    """Schemas by apiVersion and kind."""
    found = {}
    for folder in folders:
        # Links are followed: the folders are those of downloaded modules.
        below = [pathlib.Path(at) / name for at, _, names in os.walk(folder, followlinks=True) for name in names]
        for path in sorted(path for path in below if path.suffix in (".yaml", ".yml")):
            text = path.read_text()
            if "CustomResourceDefinition" not in text:
                continue
            for document in yaml.safe_load_all(text):
                if not isinstance(document, dict) or document.get("kind") != "CustomResourceDefinition":
                    continue
                spec = document["spec"]
                for version in spec["versions"]:
                    schema = version.get("schema", {}).get("openAPIV3Schema")
                    if schema:
                        found[f"{spec['group']}/{version['name']}", spec["names"]["kind"]] = schema
    return found


def wrong(document, version, known):
    """What is wrong with an object: nothing, or a line."""
    name = f"{document['kind']}/{document['metadata']['name']}"
    schema = known.get((document["apiVersion"], document["kind"]))
    if schema:
        error = jsonschema.exceptions.best_match(jsonschema.Draft202012Validator(whole(schema)).iter_errors(document))
        return error and f"{name}: {'.'.join(map(str, error.absolute_path))}: {error.message}"
    try:
        kubernetes_validate.validate(document, version, strict=True)
    except kubernetes_validate.ValidationError as error:
        return f"{name}: {'.'.join(map(str, error.path))}: {error.message}"
    except kubernetes_validate.SchemaNotFoundError:
        return f"{name}: nothing defines {document['apiVersion']} {document['kind']}"
    return None


def main(version, *rest):
    at = rest.index("--")
    known = definitions(rest[:at])
    objects, problems = 0, []
    for path in rest[at + 1 :]:
        for document in yaml.safe_load_all(pathlib.Path(path).read_text()):
            if document:
                objects += 1
                problem = wrong(document, version, known)
                if problem:
                    problems.append(f"{path}: {problem}")
    for problem in problems:
        print(problem)
    print(f"{objects} objects, {len(problems)} wrong, by Kubernetes {version} and {len(known)} custom resources")
    return 1 if problems or not objects else 0


sys.exit(main(*sys.argv[1:]))
