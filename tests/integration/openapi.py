# SPDX-License-Identifier: MIT
"""Holds a running API against its own document; test_openapi.sh calls it.

  openapi.py ADDRESS CHECK [ARGUMENT...]    exit code 0, or 1 with a line for each finding

Every answer is held against what the document says of its status: the content type, the headers
(those that must be there are, and none is there that is not described), and the body against its
schema. Here the schemas of answers are taken strictly: a member that is not described is an error.
"""

import http.client
import json
import re
import socket
import sys

from jsonschema import Draft202012Validator, FormatChecker, RefResolver

# Headers of HTTP itself, which are of no interest to the user of a call.
OF_HTTP = {"connection", "content-length", "content-type", "date", "transfer-encoding"}
METHODS = ("get", "head", "post", "put", "delete", "patch", "options", "trace")
JSON = "application/json"

findings = []
answered = set()  # (method, path, status)


def expect(good, *words):
    if not good:
        findings.append(" ".join(str(w) for w in words))
    return good


# ---- HTTP ----

class Answer:
    def __init__(self, response, method):
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.type = self.headers.get("content-type", "")
        self.text = response.read().decode()
        self.method = method
        if not self.type and self.text.startswith("<html>"):
            self.type = "text/html"  # the page of the HTTP library, which does not say so

    def body(self):
        return json.loads(self.text)


def send(method, path, body=None, headers=None):
    """body: bytes, or something to be sent as JSON."""
    connection = http.client.HTTPConnection(address, timeout=30)
    headers = dict(headers or {})
    if body is not None and not isinstance(body, bytes):
        body = json.dumps(body).encode()
        headers.setdefault("Content-Type", JSON)
    connection.request(method, path, body=body, headers=headers)
    answer = Answer(connection.getresponse(), method)
    connection.close()
    return answer


def send_raw(text, method):
    """For what a client library does not send."""
    host, port = address.rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=30) as s:
        s.sendall(text.encode())
        response = http.client.HTTPResponse(s, method=method)
        response.begin()
        return Answer(response, method)


# ---- the document ----

def resolve(node):
    while isinstance(node, dict) and "$ref" in node:
        target = document
        for key in node["$ref"][2:].split("/"):
            target = target[key.replace("~1", "/").replace("~0", "~")]
        node = target
    return node


def strict(node):
    """The same schemas, in which an object has no members but those described."""
    if isinstance(node, list):
        return [strict(item) for item in node]
    if not isinstance(node, dict):
        return node
    copy = {key: strict(value) for key, value in node.items()}
    if "properties" in copy and isinstance(copy["properties"], dict):
        copy.setdefault("additionalProperties", False)
    return copy


def validate(schema, value, taken_strictly, *where):
    components = document["components"]
    root = {"components": strict(components) if taken_strictly else components}
    schema = strict(schema) if taken_strictly else schema
    validator = Draft202012Validator(
        schema, resolver=RefResolver("", root), format_checker=FormatChecker()
    )
    for error in validator.iter_errors(value):
        expect(False, *where, "-", "/".join(map(str, error.absolute_path)), error.message[:300])


def operations():
    for path, item in document["paths"].items():
        for method, operation in item.items():
            expect(method in METHODS, path, "has", method)
            yield method.upper(), path, operation


def hold(answer, response, *where):
    """An answer against a response object."""
    response = resolve(response)
    described = {name.lower(): value for name, value in response.get("headers", {}).items()}
    for name, header in described.items():
        if name in answer.headers:
            value = answer.headers[name]
            schema = header["schema"]
            if schema.get("type") == "integer" and re.fullmatch(r"\d+", value):
                value = int(value)
            validate(schema, value, False, *where, "header", name)
        else:
            expect(not header.get("required"), *where, "lacks the header", name)
    for name in answer.headers:
        expect(name in described or name in OF_HTTP, *where, "has a header of its own:", name)
    content = response.get("content", {})
    if answer.method == "HEAD" or not content:
        expect(answer.text == "", *where, "has a body:", answer.text[:100])
        return
    if not expect(answer.type in content, *where, "is", answer.type, "and not", list(content)):
        return
    value = answer.body() if answer.type == JSON else answer.text
    validate(content[answer.type]["schema"], value, True, *where)


def hold_call(answer, method, path):
    where = (method, path, answer.status)
    answered.add(where)
    responses = document["paths"][path][method.lower()]["responses"]
    if expect(str(answer.status) in responses, *where, "is not described:", answer.text[:200]):
        hold(answer, responses[str(answer.status)], *where)


# ---- examples ----

def normal(value, shape):
    """Ids and versions count as equal; with `shape` all numbers do, too."""
    if isinstance(value, dict):
        pairs = {k: normal(v, shape) for k, v in value.items()}
        return {**pairs, "version": "V"} if "version" in pairs else pairs
    if isinstance(value, list):
        return [normal(v, shape) for v in value]
    if isinstance(value, str):
        return re.sub(r"^[0-9a-f]{24}$", "ID", value)
    return 0 if shape and isinstance(value, (int, float)) and not isinstance(value, bool) else value


def send_example(method, path, status, name, example):
    where = (method, path, status, name)
    request = example["x-request"]
    body = request.get("body")
    query = "?" + request["query"] if "query" in request else ""
    answer = send(method, path + query, body)
    expect(answer.status == int(status), *where, "was answered with", answer.status, answer.text)
    hold_call(answer, method, path)
    wanted, got = (normal(v, method == "GET") for v in (example["value"], answer.body()))
    expect(wanted == got, *where, "\n  was to be answered", wanted, "\n  and was", got)


def check_examples():
    """Each example that can be asked for is answered as it says; and conforms, as all do."""
    sent = 0
    for method, path, operation in operations():
        body = operation.get("requestBody", {}).get("content", {}).get(JSON, {})
        good = {}
        for status, response in operation["responses"].items():
            media = resolve(response).get("content", {}).get(JSON, {})
            for name, example in media.get("examples", {}).items():
                validate(media["schema"], example["value"], True, method, path, status, name)
                if "x-request" in example:
                    send_example(method, path, status, name, example)
                    sent += 1
                    if status[0] == "2" and body:
                        good[name] = example["x-request"]["body"]
        if not body:
            continue
        examples = {name: e["value"] for name, e in body["examples"].items()}
        expect(examples == good, method, path, "has requests without answers", examples, good)
        for name, value in examples.items():
            validate(body["schema"], value, False, method, path, "request", name)
    expect(sent >= 25, "only", sent, "examples were sent")
    for method, path, operation in operations():
        if method in ("GET", "HEAD"):
            answer = send(method, path)
            expect(answer.status == 200, method, path, answer.status)
            hold_call(answer, method, path)


# ---- form ----

def check_form():
    """What OpenAPI 3.1 asks for, as far as it matters to whoever generates a client."""
    expect(document["openapi"] == "3.1.0", "openapi is", document["openapi"])
    ids = []
    for method, path, operation in operations():
        where = (method, path)
        ids.append(operation.get("operationId"))
        for member in ("operationId", "summary", "description", "tags", "responses"):
            expect(operation.get(member), *where, "has no", member)
        expect(("requestBody" in operation) == (method == "POST"), *where, "and its body")
        for status, response in operation["responses"].items():
            expect(re.fullmatch("[1-5][0-9][0-9]", status), *where, "answers", status)
            response = resolve(response)
            expect(response.get("description"), *where, status, "has no description")
            for media in response.get("content", {}).values():
                expect("schema" in media, *where, status, "has no schema")
        for parameter in operation.get("parameters", []):
            expect(parameter["in"] in ("query", "header"), *where, parameter)
            expect(parameter["description"], *where, parameter)
            Draft202012Validator.check_schema(parameter["schema"])
    expect(len(set(ids)) == len(ids), "operationIds are not unique:", ids)
    for name, schema in document["components"]["schemas"].items():
        expect(schema.get("description"), name, "has no description")
        Draft202012Validator.check_schema(schema)
        for member, part in schema.get("properties", {}).items():
            if name != "Batch":
                expect(part.get("description"), name, member, "has no description")
            for example in part.get("examples", []):
                validate(part, example, False, name, member)


# ---- refusals ----

def hold_component(answer, name, status, exact=True):
    where = (name, status)
    response = document["components"]["responses"][name]
    expect(answer.status == status, *where, "was answered with", answer.status, answer.text)
    hold(answer, response, *where)
    if exact and answer.type == JSON:
        example = response["content"][JSON]["example"]
        expect(example == answer.body(), *where, "said", answer.text, "and not", example)


def check_refusals(body_max):
    """What the server itself answers."""
    post = "POST /jobs HTTP/1.1\r\nHost: x\r\n"
    twice = "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}"
    answer = send("DELETE", "/jobs")
    hold_component(answer, "MethodNotAllowed", 405)
    expect(answer.headers.get("allow") == "POST", "Allow is", answer.headers.get("allow"))
    answer = send("PUT", "/stats", b"")
    expect(answer.headers.get("allow") == "GET, HEAD", "Allow is", answer.headers.get("allow"))
    hold_component(send("GET", "/nothing"), "NotFound", 404)
    hold_component(send_raw(post + twice, "POST"), "BadRequest", 400)
    hold_component(send_raw(post + "\r\n", "POST"), "LengthRequired", 411)
    large = send_raw(post + "Content-Length: %d\r\n\r\n" % (int(body_max) + 1), "POST")
    hold_component(large, "ContentTooLarge", 413)
    hold_call(large, "POST", "/jobs")
    plain = {"Content-Type": "text/plain"}
    hold_component(send("POST", "/jobs", b"{}", plain), "UnsupportedMediaType", 415)
    coded = post + "Transfer-Encoding: gzip\r\n\r\n"
    hold_component(send_raw(coded, "POST"), "NotImplemented", 501)
    hold_component(send("GET", "/health?" + "x" * 40000), "UriTooLong", 414)
    hold_component(send("GET", "/health", None, {"X-Y": "y" * 40000}), "HeadersTooLarge", 431)
    hold_component(send_raw("GET /health HTTP/9.9\r\nHost: x\r\n\r\n", "GET"),
                   "VersionNotSupported", 505)
    hold_component(send_raw(post + "Content-Length: 9\r\n\r\n{", "POST"), "RequestTimeout", 408)


# ---- errors that are Faktory's ----

BATCH = {"jobs": [{"operation": "add", "a": 1, "b": 2}, {"operation": "add", "a": 3, "b": 4}]}


def check_errors(status):
    """Everything that stores jobs is answered with this status now, and as the document says."""
    for path, body in (
        ("/jobs/add", {"a": 1, "b": 2}),
        ("/jobs", {"type": "t", "args": []}),
        ("/jobs/batch", BATCH),
    ):
        answer = send("POST", path, body)
        expect(answer.status == int(status), path, "was answered with", answer.status, answer.text)
        hold_call(answer, "POST", path)


def check_ready(status):
    answer = send("GET", "/ready")
    expect(answer.status == int(status), "/ready was answered with", answer.status, answer.text)
    hold_call(answer, "GET", "/ready")
    answer = send("GET", "/stats")
    hold_call(answer, "GET", "/stats")


def check_limits():
    """The limits in the document are those that are kept: one more is refused."""
    limits = {name: limit["value"] for name, limit in document["x-limits"].items()}
    item = BATCH["jobs"][0]
    most = limits["batch_jobs_max"]
    answers = (
        (202, "/jobs/batch", {"jobs": [item] * most}),
        (413, "/jobs/batch", {"jobs": [item] * (most + 1)}),
        (202, "/jobs/batch?pack=%d" % limits["pack_jobs_max"], BATCH),
        (400, "/jobs/batch?pack=%d" % (limits["pack_jobs_max"] + 1), BATCH),
        (202, "/jobs/add", {"a": limits["exact_number_max"], "b": 1}),
        (400, "/jobs/add", {"a": limits["exact_number_max"] + 1, "b": 1}),
        (400, "/jobs", {"type": "t", "args": nested(limits["json_depth_max"])}),
        (202, "/jobs", {"type": "t", "args": nested(limits["json_depth_max"] - 1)}),
        (413, "/jobs", {"type": "t", "args": ["x" * limits["job_bytes_max"]]}),
        (202, "/jobs", {"type": "t", "args": ["x" * (limits["job_bytes_max"] - 300)]}),
    )
    for status, path, body in answers:
        answer = send("POST", path, body)
        expect(answer.status == status, path, "was answered with", answer.status, answer.text[:200])
        hold_call(answer, "POST", path.split("?")[0])
    wrong = send("POST", "/jobs/batch", {"jobs": [1] * most})
    hold_call(wrong, "POST", "/jobs/batch")
    expect(len(wrong.body()["errors"]) == min(most, limits["errors_listed_max"]), "too many errors")


def nested(depth):
    value = []
    for _ in range(depth - 1):
        value = [value]
    return value


def check_tag():
    """If-None-Match spares the text, and a changed text is sent."""
    full = send("GET", "/openapi.json")
    hold_call(full, "GET", "/openapi.json")
    tag = full.headers["etag"]
    for known, status in ((tag, 304), ('"x", W/' + tag, 304), ("*", 304), ('"x"', 200)):
        answer = send("GET", "/openapi.json", None, {"If-None-Match": known})
        expect(answer.status == status, "If-None-Match", known, "gave", answer.status)
        hold_call(answer, "GET", "/openapi.json")
        expect(answer.headers["etag"] == tag, "the tag changed to", answer.headers["etag"])


address = sys.argv[1]
document = send("GET", "/openapi.json").body()
globals()["check_" + sys.argv[2]](*sys.argv[3:])
for finding in findings[:20]:
    print(finding)
sys.exit(1 if findings else 0)
