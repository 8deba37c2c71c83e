// The same call for a shell and for Python: both are run, and must get the answer that the page gets.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";

import { field, SERVICE } from "./browser.mjs";
import { sample, testModel } from "./server.mjs";
import { browse, serve } from "./stage.mjs";

const run = promisify(execFile);
const cancer = serve(sample("1.1.0/model.onnx"), readFile(sample("1.1.0/baseline.json"), "utf8"));
const columns = serve(testModel("columns.onnx"));
const image = serve(testModel("image.onnx"));
const thousands = serve(testModel("thousands.onnx"));
const markup = serve(testModel("markup.onnx"));
const open = browse();

const python = (code, options) => run("python3", ["-c", code], options);
/** A value that Python has printed. */
const printed = async text => JSON.parse((await run("python3", ["-c", "import ast, json, sys; print(json.dumps(ast.literal_eval(sys.argv[1])))", text])).stdout);

/** Predicts in the page, runs both calls, and compares the three answers. Returns the answer. */
async function expectSameAnswers(page, options) {
  const answer = page.waitForResponse("**/predict");
  await page.getByRole("button", { name: "Predict" }).click();
  const expected = (await (await answer).json()).predictions[0];
  const curl = await run("bash", ["-c", await page.locator("#curl pre").textContent()], options);
  assert.deepEqual(JSON.parse(curl.stdout).predictions, [expected], curl.stderr);
  const { stdout } = await python(await page.locator("#python pre").textContent(), options);
  assert.deepEqual(await printed(stdout.trim()), expected);
  return expected;
}

test("curl and Python get the answer of the page for 30 numbers", async t => {
  const page = await open(t, cancer.origin);
  const typical = await expectSameAnswers(page);
  await field(page, "worst_area").fill("2019");
  const large = await expectSameAnswers(page);
  assert.notDeepEqual(typical, large);
});

test("quotes, backslashes, line breaks of other systems and commands in a text stay text", async t => {
  const page = await open(t, columns.origin);
  await field(page, "age").fill("-9007199254740993");
  const text = "it's \"x\" \\n \\ $HOME `id` $(id) !! %s & ; < > # ü € 😀 \u2028 \u007f true null";
  await field(page, "country").fill(text);
  assert.equal((await expectSameAnswers(page)).home, text);
});

test("a text with letters of several bytes is a file as soon as a shell would refuse it", async t => {
  const page = await open(t, columns.origin);
  await field(page, "country").fill("語".repeat(40_000));
  await page.getByRole("link", { name: "request.json" }).waitFor();
  await field(page, "country").fill("語".repeat(30_000));
  assert.equal((await expectSameAnswers(page)).home.length, 30_000);
});

test("every JSON text means the same in Python", async t => {
  const page = await open(t, columns.origin);
  const records = [
    '{"escapes": "\\/ \\\\/ \\" \\b\\f\\n\\r\\t \\u00e9 \\ud83d\\ude00 \\u0000", "a\\/b": "\'"}',
    '{\n  "numbers": [-0, 1E5, 0.1, -2.5e-7, 18446744073709551615],\n  "words": [true, false, null, "true", "a null b"]\n}',
    '{"nested": {"[": [[1], ["]"]], "empty": [{}, []]}}',
  ];
  // The package requests sends the text of json.dumps.
  for (const record of records) {
    const code = await page.evaluate(async text => (await import("/files/calls.js")).requests("http://host/", text), record);
    const program = `${code.split("\nresponse =")[0]}\nimport json, sys\nprint(json.dumps(record) == json.dumps(json.loads(sys.argv[1])))`;
    const { stdout } = await run("python3", ["-c", program, record]);
    assert.equal(stdout, "True\n", program);
  }
});

test("names with quotes and markup stay names", async t => {
  const page = await open(t, markup.origin);
  await page.locator("#column-0").fill("2");
  const [scores] = Object.values(await expectSameAnswers(page));
  assert.deepEqual(Object.keys(scores), ["<script>alert('class')</script>", "it's a \"class\" & <b>bold</b> `x` \\"]);
});

test("a tensor and a record of 2,048 features are in the calls as well", async t => {
  await expectSameAnswers(await open(t, image.origin));
  await expectSameAnswers(await open(t, thousands.origin));
});

test("a request that is too long for a shell is a file", async t => {
  const folder = await mkdtemp(path.join(tmpdir(), "understudy-page-"));
  t.after(() => rm(folder, { recursive: true }));
  const page = await open(t, image.origin, { acceptDownloads: true });
  await field(page, "image").fill(`[${Array.from({ length: 3072 }, (_, index) => `0.${"1".repeat(40)}${index % 7}`)}]`);
  const download = page.waitForEvent("download");
  await page.getByRole("link", { name: "request.json" }).click();
  await (await download).saveAs(path.join(folder, "request.json"));
  await expectSameAnswers(page, { cwd: folder });
});

test("the calls follow the fields, and disappear while a field is wrong", async t => {
  const page = await open(t, columns.origin);
  await field(page, "age").fill("41");
  for (const id of ["curl", "python"]) {
    await page.locator(`#${id} pre`, { hasText: '"age": 41' }).waitFor();
  }
  await field(page, "age").fill("x");
  await page.getByText("The call appears here when every field has a valid value.").waitFor();
  assert.equal(await page.locator("#curl pre").isVisible(), false);
});

test("the calls have the address with which the page was opened", async t => {
  const page = await open(t, `http://${SERVICE}:${columns.port}/`);
  for (const id of ["curl", "python"]) {
    await page.locator(`#${id} pre`, { hasText: `http://${SERVICE}:${columns.port}/predict` }).waitFor();
  }
});

for (const [kind, host] of Object.entries({ "on this machine": "127.0.0.1", "in a cluster, without https": SERVICE })) {
  test(`the copy buttons copy: ${kind}`, async t => {
    const page = await open(t, `http://${host}:${columns.port}/`, { permissions: ["clipboard-read", "clipboard-write"] });
    for (const [name, id] of [["Copy the curl command", "curl"], ["Copy the Python code", "python"]]) {
      await page.getByRole("button", { name }).click();
      await page.getByRole("status").getByText("Copied.").waitFor();
      // A person pastes into another window. A text area of this page stands in for it.
      await page.evaluate(() => document.body.append(Object.assign(document.createElement("textarea"), { id: "target" })));
      await page.locator("#target").focus();
      await page.keyboard.press("Control+V");
      assert.equal(await page.locator("#target").inputValue(), await page.locator(`#${id} pre`).textContent());
      await page.locator("#target").evaluate(target => target.remove());
    }
  });
}
