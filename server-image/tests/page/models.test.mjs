// Every model of the server's tests: the form as it opens gets a prediction, or the page says what to use instead; and
// the example of the protocol is answered.

import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";

import { start, testModel } from "./server.mjs";
import { browse } from "./stage.mjs";

/** Models whose outputs are not one value for each record. */
const WITHOUT_RECORDS = ["expanding", "patient", "scalar", "slow", "zero_by_huge"];
/** Models whose first dimension is not that of records. */
const WITHOUT_ROWS = ["shape_input", "slice_inputs"];
/** Models that answer only inputs that nobody can guess. */
const UNPROVEN = ["minus_seven"];
/** It needs a locale that a machine may not have: see e2e/cluster/models. */
const LEFT_OUT = ["topics"];

/** Test models of a folder, without the end of their names. */
const models = folder =>
  readdirSync(testModel(folder)).filter(name => name.endsWith(".onnx")).map(name => path.join(folder, name.replace(/\.onnx$/, "")));

const open = browse();

for (const model of [...models("."), ...models("identity")]) {
  if (LEFT_OUT.includes(model)) continue;
  test(`the form of ${model} can be sent as it opens`, async t => {
    const server = await start(testModel(`${model}.onnx`));
    t.after(() => server.stop());
    const expectErrors = [...WITHOUT_RECORDS, ...WITHOUT_ROWS, ...UNPROVEN].includes(model);
    const page = await open(t, server.origin, { expectErrors });
    await page.getByRole("button", { name: "Predict" }).click();
    const end = page.locator("#prediction table, #prediction ul, #problem:not(:empty)").first();
    const text = await end.innerText();
    const isProblem = await end.evaluate(element => element.id === "problem");
    assert.equal(isProblem, expectErrors, text);
    if (WITHOUT_RECORDS.includes(model)) assert.match(text, /use \/infer$/);
    if (WITHOUT_ROWS.includes(model)) assert.match(text, /^input `x` has the shape/);
    if (UNPROVEN.includes(model)) {
      assert.match(text, /^the model rejected the input/);
      return;
    }
    const { paths } = await (await fetch(`${server.origin}/openapi.json`)).json();
    const { example } = paths["/v2/models/fraud/infer"].post.requestBody.content["application/json"];
    if (example !== undefined) {
      const response = await fetch(`${server.origin}/v2/models/fraud/infer`, { method: "POST", body: JSON.stringify(example) });
      assert.equal(response.status, 200, await response.text());
    }
  });
}
