// The real binary of the server, with one model.

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const CHECKOUT = fileURLToPath(new URL("../../..", import.meta.url));

/** A model of the server's tests. */
export const testModel = name => path.join(CHECKOUT, "server-image/tests/models", name);

/** A file of the sample models. */
export const sample = name => path.join(CHECKOUT, "samples/models/breast-cancer", name);

for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1));

const sha256 = bytes => createHash("sha256").update(bytes).digest("hex");

/** Starts a server for the file `model`, and waits until it is ready. `baseline` is the text of a baseline. */
export async function start(model, baseline) {
  const folder = await mkdtemp(path.join(tmpdir(), "understudy-page-"));
  const claim = path.join(folder, "claim");
  const work = path.join(folder, "work");
  await Promise.all([mkdir(claim), mkdir(work)]);
  await copyFile(model, path.join(claim, "model.onnx"));
  const flags = [
    "--deployment", "fraud", "--version", "1.3.0", "--bind", "127.0.0.1", "--sessions", "1",
    "--main-port", "0", "--challenger-port", "0", "--direct-port", "0", "--metrics-port", "0",
    "--artifact", "pvc://claim/model.onnx", "--sha256", sha256(await readFile(model)),
    "--pvc-dir", claim, "--work-dir", work, "--termination-log", path.join(folder, "termination-log"),
  ];
  if (baseline !== undefined) {
    await writeFile(path.join(claim, "baseline.json"), baseline);
    flags.push("--baseline", "pvc://claim/baseline.json", "--baseline-sha256", sha256(baseline), "--baseline-pvc-dir", claim);
  }
  const child = spawn(process.env.SERVER_BINARY, flags, { stdio: ["ignore", "ignore", "pipe"] });
  // Also if the tests are interrupted.
  const end = () => child.kill("SIGKILL");
  process.once("exit", end);
  const stop = async () => {
    process.off("exit", end);
    if (child.exitCode === null && child.signalCode === null) {
      end();
      await once(child, "exit");
    }
    await rm(folder, { recursive: true, force: true });
  };
  const port = await ready(child).catch(async error => {
    await stop();
    throw error;
  });
  return { origin: `http://127.0.0.1:${port}`, port, stop };
}

/** Waits until the server is ready. Returns its main port. */
function ready(child) {
  return new Promise((resolve, reject) => {
    const lines = [];
    let port;
    // Read to its end, since the server must be able to write its log.
    createInterface({ input: child.stderr }).on("line", line => {
      lines.push(line);
      // ONNX Runtime writes lines of its own.
      const entry = line.startsWith("{") ? JSON.parse(line) : {};
      if (entry.message === "listening") port = entry.main.split(":").pop();
      if (entry.message === "ready") resolve(port);
    });
    child.on("error", reject);
    child.on("close", () => reject(new Error(`the server did not start:\n${lines.join("\n")}`)));
  });
}
