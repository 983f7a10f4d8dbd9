"""openapi_check.py [FILE…]: what a server answers, held against its own /openapi/v3.

Without files: every $ref of every document must lead somewhere, and everything the server lists, in
every version, must be as its schema says: types, required fields, allowed values, no field that the
schema does not know. With files (JSON, one object or many lines of them, or - for stdin): those
objects instead. The server is $KUBECONFIG's, asked by $MINKE (build/minke).

As a module: Check(ask).object(doc) returns sentences, with ask(path) → text."""
import json
import os
import subprocess
import sys

REF = "#/components/schemas/"
TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "number": (int, float)}


def ask_minke(path):
    minke = os.environ.get("MINKE", os.path.join(os.path.dirname(__file__), "..", "build", "minke"))
    return subprocess.run([minke, "get", "--raw", path], check=True, capture_output=True, text=True).stdout


class Check:
    def __init__(self, ask=ask_minke):
        self.ask = ask
        self.documents = {}  # "apis/apps/v1" → document
        self.kinds = {}  # (group/version, kind) → (document, name of its schema)
        for path, entry in json.loads(ask("/openapi/v3"))["paths"].items():
            document = json.loads(ask(entry["serverRelativeURL"]))
            self.documents[path] = document
            for name, schema in document["components"]["schemas"].items():
                for of in schema.get("x-kubernetes-group-version-kind", []):
                    version = of["version"] if not of["group"] else of["group"] + "/" + of["version"]
                    self.kinds.setdefault((version, of["kind"]), (document, name))

    def refs(self, document):
        """Every reference that leads nowhere."""
        known, wrong, todo = document["components"]["schemas"], [], [document]
        while todo:
            node = todo.pop()
            if isinstance(node, list):
                todo += node
            if not isinstance(node, dict):
                continue
            todo += node.values()
            ref = node.get("$ref")
            if isinstance(ref, str) and not (ref.startswith(REF) and ref[len(REF):] in known):
                wrong.append("$ref to %s leads nowhere" % ref)
        return wrong

    def schema(self, document, schema, value, path):
        """What is wrong with a value."""
        if "$ref" in schema:
            return self.schema(document, document["components"]["schemas"][schema["$ref"][len(REF):]], value, path)
        wrong = []
        for part in schema.get("allOf", []):
            wrong += self.schema(document, part, value, path)
        if value is None:
            return wrong
        if "oneOf" in schema and all(self.schema(document, part, value, path) for part in schema["oneOf"]):
            if not {"required", "properties"} & set().union(*schema["oneOf"]):
                wrong.append("%s: %s fits none of oneOf" % (path, json.dumps(value)[:60]))
        kind = TYPES.get(schema.get("type"))
        if kind and "oneOf" not in schema and (not isinstance(value, kind) or (kind is int and isinstance(value, bool))):
            return wrong + ["%s: %s is no %s" % (path, json.dumps(value)[:60], schema["type"])]
        if "enum" in schema and value not in schema["enum"]:
            wrong.append("%s: %s is none of %s" % (path, json.dumps(value), schema["enum"]))
        if isinstance(value, list) and "items" in schema:
            for i, item in enumerate(value):
                wrong += self.schema(document, schema["items"], item, "%s[%d]" % (path, i))
        if isinstance(value, dict):
            wrong += self.fields(document, schema, value, path)
        return wrong

    def fields(self, document, schema, value, path):
        properties, others, wrong = schema.get("properties", {}), schema.get("additionalProperties"), []
        open_ended = others is not None or not properties or schema.get("x-kubernetes-preserve-unknown-fields")
        for name in schema.get("required", []):
            if name not in value:
                wrong.append("%s.%s: required, and not there" % (path, name))
        for name, below in value.items():
            if name in properties:
                wrong += self.schema(document, properties[name], below, path + "." + name)
            elif isinstance(others, dict):
                wrong += self.schema(document, others, below, path + "." + name)
            elif not open_ended and not (schema.get("x-kubernetes-embedded-resource") and name in ("apiVersion", "kind", "metadata")):
                wrong.append("%s.%s: not in the schema" % (path, name))
        return wrong

    def object(self, doc):
        """What is wrong with an object, or with each of a List's."""
        if doc.get("kind") == "List" and doc.get("apiVersion") == "v1":
            return [one for item in doc["items"] for one in self.object(item)]
        found = self.kinds.get((doc.get("apiVersion"), doc.get("kind")))
        if not found:
            return ["no schema for %s %s" % (doc.get("apiVersion"), doc.get("kind"))]
        name = doc.get("metadata", {}).get("name", "")
        return self.schema(found[0], found[0]["components"]["schemas"][found[1]], doc, doc["kind"] + "/" + name)

    def lists(self):
        """Paths that list something, without parameters."""
        for path, document in self.documents.items():
            for place, operations in document.get("paths", {}).items():
                if "{" not in place and operations.get("get", {}).get("x-kubernetes-action") == "list":
                    yield place


def main():
    check, passed, failed = Check(), 0, 0

    def count(what, wrong):
        nonlocal passed, failed
        passed, failed = passed + (not wrong), failed + bool(wrong)
        for one in wrong[:10]:
            print("FAIL", what + ":", one)

    for path in sys.argv[1:]:
        text = sys.stdin.read() if path == "-" else open(path).read()
        at, decoder = 0, json.JSONDecoder()
        while at < len(text.rstrip()):
            doc, at = decoder.raw_decode(text, at + len(text[at:]) - len(text[at:].lstrip()))
            count(path, check.object(doc))
    if len(sys.argv) == 1:
        for path, document in check.documents.items():
            count("/openapi/v3/" + path, check.refs(document))
        for place in check.lists():
            count(place, check.object(json.loads(check.ask(place))))
    print(passed, "passed,", failed, "failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
