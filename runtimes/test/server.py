"""A small server of the Open Inference Protocol for tests: a linear model, and on demand the faults that a real one may have.

It is started as the image of `spec.runtime`: the variables `UNDERSTUDY_MODEL_FILE`, `UNDERSTUDY_MODEL_NAME`, `UNDERSTUDY_HOST`
and `UNDERSTUDY_PORT` say where its model is and where it listens. The model is a JSON file:

    {"weights": {"age": 0.5, "amount": 2.0}, "bias": 1.0,     one FP64 input of shape [-1] for each weight
     "binary": true,                                           whether it lists the extension for binary tensors
     "ready": false,                                           it is never ready
     "faults": {"-1": "exit"}}                                 what happens if the first input is -1

Outputs are `score` (FP64) and `label` (BYTES, `yes` from 10). Faults: `exit` ends the process, `late` answers after a minute,
`nonsense` answers something else than the protocol, `shape` answers one row too many, `reject` answers 400, `error` 500 and
`huge` more than any answer may have.
"""

import json
import os
import struct
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LENGTH = "Inference-Header-Content-Length"


def tensor(name, datatype):
    return {"name": name, "datatype": datatype, "shape": [-1]}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self):
        model, name = self.server.model, self.server.name
        if self.path == "/v2":
            extensions = ["binary_tensor_data"] if model.get("binary") else []
            return self.answer(200, {"name": "test", "version": "1", "extensions": extensions})
        if self.path in ("/v2/health/live", "/v2/health/ready", f"/v2/models/{name}/ready"):
            ready = model.get("ready", True) or self.path.endswith("live")
            return self.answer(200 if ready else 503, {"ready": ready})
        if self.path == f"/v2/models/{name}":
            inputs = [tensor(weight, "FP64") for weight in model["weights"]]
            outputs = [tensor("score", "FP64"), tensor("label", "BYTES")]
            return self.answer(
                200, {"name": name, "versions": [], "platform": "test", "inputs": inputs, "outputs": outputs}
            )
        self.answer(404, {"error": f"no path {self.path}"})

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path != f"/v2/models/{self.server.name}/infer":
            return self.answer(404, {"error": f"no path {self.path}"})
        length = int(self.headers.get(LENGTH, len(body)))
        request, blobs = json.loads(body[:length]), body[length:]
        columns = {}
        for one in request["inputs"]:
            size = one.get("parameters", {}).get("binary_data_size")
            if size is None:
                columns[one["name"]] = one["data"]
            else:
                columns[one["name"]] = list(struct.unpack(f"<{size // 8}d", blobs[:size]))
                blobs = blobs[size:]
        model = self.server.model
        first = columns[next(iter(model["weights"]))]
        fault = model.get("faults", {}).get(f"{first[0]:g}") if first else None
        if fault:
            return self.fail(fault, len(first))
        scores = [
            model.get("bias", 0.0) + sum(weight * columns[name][row] for name, weight in model["weights"].items())
            for row in range(len(first))
        ]
        self.predict(scores, bool(model.get("binary")))

    def fail(self, fault, rows):
        if fault == "exit":
            os._exit(3)
        elif fault == "late":
            threading.Event().wait(60)
            self.predict([0.0] * rows, False)
        elif fault == "shape":
            self.predict([0.0] * (rows + 1), False, shape=[rows])
        elif fault == "nonsense":
            self.answer(200, ["this is not an answer"])
        elif fault == "reject":
            self.answer(400, {"error": "age must not be negative"})
        elif fault == "huge":
            self.send_response(200)
            self.send_header("Content-Length", str(1 << 30))
            self.end_headers()
        else:
            self.answer(500, {"error": "the model is broken"})

    def predict(self, scores, binary, shape=None):
        labels = ["yes" if score >= 10 else "no" for score in scores]
        shape = shape or [len(scores)]
        if not binary:
            score = {"name": "score", "datatype": "FP64", "shape": shape, "data": [None if s != s else s for s in scores]}
            label = {"name": "label", "datatype": "BYTES", "shape": shape, "data": labels}
            return self.answer(200, {"model_name": self.server.name, "outputs": [score, label]})
        blobs = [
            struct.pack(f"<{len(scores)}d", *scores),
            b"".join(struct.pack("<I", len(label)) + label.encode() for label in labels),
        ]
        outputs = [
            {"name": name, "datatype": datatype, "shape": shape, "parameters": {"binary_data_size": len(blob)}}
            for name, datatype, blob in zip(("score", "label"), ("FP64", "BYTES"), blobs)
        ]
        self.answer(200, {"model_name": self.server.name, "outputs": outputs}, b"".join(blobs))

    def answer(self, status, body, blobs=None):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json" if blobs is None else "application/octet-stream")
        if blobs is not None:
            self.send_header(LENGTH, str(len(data)))
        data += blobs or b""
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


def main():
    host, port = os.environ.get("UNDERSTUDY_HOST", "127.0.0.1"), int(os.environ.get("UNDERSTUDY_PORT", "9000"))
    with open(os.environ["UNDERSTUDY_MODEL_FILE"], encoding="utf-8") as file:
        model = json.load(file)
    server = ThreadingHTTPServer((host, port), Handler)
    server.daemon_threads = True
    server.model, server.name = model, os.environ.get("UNDERSTUDY_MODEL_NAME", "model")
    print(f"listening on {server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    sys.exit(main())
