"""The real binary of the server, with one model."""

import hashlib
import http.client
import json
import os
import subprocess
import tempfile
import threading
from pathlib import Path

import grpc

INFER = "/inference.GRPCInferenceService/ModelInfer"
# In seconds.
TIMEOUT = 60
# Without the limit that gRPC's clients have for messages.
CHANNEL = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1), ("grpc.enable_http_proxy", 0)]


class Refused(Exception):
    """The server did not start, or it did not answer 200."""


class Server:
    """A running server. The end of the `with` block ends it."""

    def __init__(self, model, preprocessing=()):
        self.folder = tempfile.TemporaryDirectory(prefix="understudy-reference-")
        folder = Path(self.folder.name)
        for name in ("claim", "work"):
            (folder / name).mkdir()
        (folder / "claim/model.onnx").write_bytes(model)
        graphs = []
        for name, graph in ((f"graph-{at}.onnx", graph) for at, graph in enumerate(preprocessing)):
            (folder / "claim" / name).write_bytes(graph)
            sha256 = hashlib.sha256(graph).hexdigest()
            graphs.append({"uri": f"pvc://claim/{name}", "sha256": sha256, "pvcDir": str(folder / "claim")})
        self.termination_log = folder / "termination-log"
        # One session: these tests are about values. One thread, as in the reference: several sum in another order.
        arguments = [
            os.environ["SERVER_BINARY"], "--deployment", "model", "--version", "1.0.0", "--bind", "127.0.0.1",
            "--main-port", "0", "--challenger-port", "0", "--direct-port", "0", "--metrics-port", "0",
            "--sessions", "1", "--intra-op-threads", "1",
            "--artifact", "pvc://claim/model.onnx", "--sha256", hashlib.sha256(model).hexdigest(),
            "--preprocessing", json.dumps(graphs), "--pvc-dir", folder / "claim", "--work-dir", folder / "work",
            "--termination-log", self.termination_log,
        ]
        self.process = subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True)
        self.log = []
        try:
            self.address = self._await("listening")["main"]
            self._await("ready")
        except BaseException:
            self._end()
            raise
        # Nobody reads the rest of the log, but the server must be able to write it.
        threading.Thread(target=lambda: self.log.extend(self.process.stderr), daemon=True).start()
        # A server that does not answer fails this model, not the run.
        self.connection = http.client.HTTPConnection(self.address, timeout=TIMEOUT)
        self.channel = grpc.insecure_channel(self.address, CHANNEL)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()
        self.channel.close()
        self._end()

    def metadata(self):
        """Inputs and outputs, as callers see them."""
        return json.loads(self._call("GET", "/v2/models/model")[1])

    def infer(self, body, headers):
        """Headers and body of the response to an inference."""
        return self._call("POST", "/v2/models/model/infer", body, headers)

    def predict(self, records):
        """The predictions for records: one value for each column."""
        return json.loads(self._call("POST", "/predict", json.dumps({"records": records}))[1])["predictions"]

    def infer_over_grpc(self, request, response):
        """The response to an inference: messages of gRPC. `response` is its class."""
        call = self.channel.unary_unary(INFER, type(request).SerializeToString, response.FromString)
        try:
            return call(request, timeout=TIMEOUT)
        except grpc.RpcError as error:
            if error.code() == grpc.StatusCode.UNAVAILABLE:
                # Also a server that is not there any more.
                raise
            raise Refused(f"{error.code().name} {error.details()}") from error

    def _call(self, method, path, body=None, headers=None):
        self.connection.request(method, path, body, headers or {})
        response = self.connection.getresponse()
        answer = response.read()
        if response.status != 200:
            raise Refused(f"{method} {path}: {response.status} {answer.decode(errors='replace')}")
        return response.headers, answer

    def _await(self, message):
        """Waits for a line of the log with this message."""
        for line in self.process.stderr:
            self.log.append(line)
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if entry.get("message") == message:
                return entry
        reason = self.termination_log.read_text() if self.termination_log.exists() else "".join(self.log[-5:])
        raise Refused(f"the server did not start: {reason.strip()}")

    def _end(self):
        self.process.kill()
        self.process.wait()
        self.folder.cleanup()
