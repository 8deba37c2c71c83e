"""Checks the JVM image's program against the recorded answers: `check.py JAVA APP` starts it with each model, asks it for every row, as
JSON and as binary tensors, and fails unless each answer equals the recorded one.

H2O's own answers are from H2O 3.46.0.9 (`make.py`), those for PMML from scikit-learn (`make_pmml.py`).
"""

import json
import os
import struct
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

HERE = Path(__file__).parent
TOLERANCE = 1e-12
LENGTH = "Inference-Header-Content-Length"
MODELS = [("gbm.zip", "gbm"), ("gbm.java", "gbm"), ("drf.zip", "drf"), ("glm.zip", "glm"), ("logistic.pmml", "logistic")]


def start(java, app, file):
    # A container has no locale.
    environment = os.environ | {"UNDERSTUDY_MODEL_FILE": str(HERE / file), "UNDERSTUDY_PORT": "0", "LC_ALL": "C"}
    arguments = [java, f"@{app}/options", "-cp", f"{app}/classes:{app}/lib/*", "Main"]
    process = subprocess.Popen(arguments, env=environment, stdout=subprocess.PIPE, text=True)
    line = process.stdout.readline()
    return process, f"http://127.0.0.1:{line.split()[-1]}/v2/models/model"


def call(url, body=None, headers=None):
    request = urllib.request.Request(url, data=body, headers=headers or {})
    with urllib.request.urlopen(request) as response:
        return response.headers, response.read()


def columns(rows, metadata):
    for port in metadata["inputs"]:
        yield port["name"], port["datatype"], [row["row"][port["name"]] for row in rows]


def as_json(url, rows, metadata):
    inputs = [
        {"name": name, "datatype": datatype, "shape": [len(rows)], "data": data}
        for name, datatype, data in columns(rows, metadata)
    ]
    _, body = call(url + "/infer", json.dumps({"inputs": inputs}).encode())
    return {output["name"]: output["data"] for output in json.loads(body)["outputs"]}


def as_binary(url, rows, metadata):
    inputs, blobs = [], b""
    for name, datatype, data in columns(rows, metadata):
        if datatype == "BYTES":
            blob = b"".join(struct.pack("<I", len(text.encode())) + text.encode() for text in data)
        else:
            blob = struct.pack(f"<{len(data)}d", *(float("nan") if one is None else one for one in data))
        inputs.append({"name": name, "datatype": datatype, "shape": [len(rows)], "parameters": {"binary_data_size": len(blob)}})
        blobs += blob
    outputs = [{"name": port["name"], "parameters": {"binary_data": True}} for port in metadata["outputs"]]
    head = json.dumps({"inputs": inputs, "outputs": outputs}).encode()
    headers, body = call(url + "/infer", head + blobs, {LENGTH: str(len(head))})
    length = int(headers[LENGTH])
    answer, rest = json.loads(body[:length]), body[length:]
    found = {}
    for output in answer["outputs"]:
        size = output["parameters"]["binary_data_size"]
        blob, rest = rest[:size], rest[size:]
        if output["datatype"] == "BYTES":
            texts = []
            while blob:
                end = 4 + struct.unpack("<I", blob[:4])[0]
                texts.append(blob[4:end].decode())
                blob = blob[end:]
            found[output["name"]] = texts
        else:
            found[output["name"]] = list(struct.unpack(f"<{size // 8}d", blob))
    return found


def differences(rows, found):
    for number, row in enumerate(rows):
        for name, expected in row["answer"].items():
            width = len(expected) if isinstance(expected, list) else 1
            answer = found[name][number * width : (number + 1) * width]
            for one, other in zip(answer, expected if isinstance(expected, list) else [expected]):
                same = one == other if isinstance(other, str) else abs(one - other) <= TOLERANCE
                if not same:
                    yield f"row {number}, {name}: {one}, not {other}"


def refuses(url):
    """Wrong requests are the caller's fault, and say what is wrong."""
    wrong = [
        b"nonsense",
        b'{"inputs": []}',
        b'{"inputs": [{"name": "age", "datatype": "FP64", "shape": [2], "data": [1]}]}',
        b'{"inputs": [{"name": "other", "datatype": "FP64", "shape": [1], "data": [1]}]}',
        b'{"inputs": [{"name": "age", "datatype": "FP32", "shape": [1], "data": [1]}]}',
        b'{"inputs": [{"name": "age", "datatype": "FP64", "shape": [-1], "data": [1]}]}',
        b'{"inputs": [{"name": "age", "datatype": "FP64", "shape": [1], "parameters": {"binary_data_size": 9}}]}',
    ]
    for body in wrong:
        try:
            call(url + "/infer", body)
            yield f"{body.decode()} was accepted"
        except urllib.error.HTTPError as error:
            if error.code != 400 or not json.loads(error.read())["error"]:
                yield f"{body.decode()}: {error.code}"


def main():
    java, app = sys.argv[1:]
    failed = False
    for file, answers in MODELS:
        rows = [json.loads(line) for line in (HERE / f"{answers}.jsonl").read_text(encoding="utf-8").splitlines()]
        process, url = start(java, app, file)
        try:
            metadata = json.loads(call(url)[1])
            flaws = [
                flaw
                for found in (as_json(url, rows, metadata), as_binary(url, rows, metadata))
                for flaw in differences(rows, found)
            ] + list(refuses(url))
        finally:
            process.kill()
            process.wait()
        print(f"{file}: {len(rows)} rows, {len(flaws)} differences")
        for flaw in flaws[:5]:
            failed = True
            print(f"FAILED  {file}: {flaw}")
    sys.exit(failed)


if __name__ == "__main__":
    main()
