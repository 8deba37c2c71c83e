// The form: its fields, their start values, and the way through it by keyboard and on a phone.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import { expectNoSidewaysScroll, field } from "./browser.mjs";
import { sample, testModel } from "./server.mjs";
import { browse, serve } from "./stage.mjs";

const BASELINE = sample("1.1.0/baseline.json");
const COUNTRIES = JSON.stringify({ version: 1, columns: [
  { role: "input", name: "age", kind: "numeric", edges: [18, 30, 50], counts: [3, 7] },
  { role: "input", name: "country", kind: "categorical", counts: { AT: 2, NL: 7, BE: 3 } },
] });

const cancer = serve(sample("1.1.0/model.onnx"), readFile(BASELINE, "utf8"));
const columns = serve(testModel("columns.onnx"));
const typical = serve(testModel("columns.onnx"), COUNTRIES);
const image = serve(testModel("image.onnx"));
const thousands = serve(testModel("thousands.onnx"));
const open = browse();

const fields = page => page.locator("[data-kind]");
const values = page => fields(page).evaluateAll(all => Object.fromEntries(all.map(field => [field.name, field.value])));

test("each of 30 fields starts with the median of the training data", async t => {
  const page = await open(t, cancer.origin);
  const found = await values(page);
  assert.equal(Object.keys(found).length, 30);
  assert.equal(found.mean_radius, "13.28");
  const { columns } = JSON.parse(await readFile(BASELINE, "utf8"));
  for (const { role, name, edges, counts } of columns) {
    if (role !== "input") continue;
    const value = Number(found[name]);
    const sum = list => list.reduce((sum, count) => sum + count, 0);
    const bin = edges.findLastIndex(edge => edge <= value);
    const [below, inside] = [sum(counts.slice(0, bin)), counts[bin] ?? 0];
    const half = sum(counts) / 2;
    assert.ok(below <= half && half <= below + inside, `${name}: ${value} is not in the bin of the median`);
  }
});

test("a form that nobody has changed predicts", async t => {
  const page = await open(t, cancer.origin);
  await page.getByRole("button", { name: "Predict" }).click();
  await page.getByRole("meter").first().waitFor();
});

test("text starts with the most frequent category, a whole number with a whole number", async t => {
  const page = await open(t, typical.origin);
  assert.deepEqual(await values(page), { age: "36", country: "NL" });
  await page.getByText("typical values of the training data").waitFor();
});

test("without a baseline the fields start with neutral values, and the page says so", async t => {
  const page = await open(t, columns.origin);
  assert.deepEqual(await values(page), { age: "0", country: "" });
  await page.getByText("neutral values").waitFor();
});

test("a prediction needs only the keyboard", async t => {
  const page = await open(t, typical.origin);
  const focused = () => page.evaluate(() => document.activeElement.name ?? document.activeElement.textContent);
  const tabTo = async wanted => {
    const visited = [];
    while (visited.at(-1) !== wanted) {
      assert.ok(visited.length < 20, `${wanted} is not reached, but ${visited}`);
      await page.keyboard.press("Tab");
      visited.push(await focused());
    }
  };
  await tabTo("age");
  await page.keyboard.press("Control+A");
  await page.keyboard.type("52");
  await page.keyboard.press("Enter");
  await page.getByRole("row", { name: "years 52" }).waitFor();

  await tabTo("country");
  await page.keyboard.press("Control+A");
  await page.keyboard.type("BE");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Predict");
  await page.keyboard.press("Enter");
  await page.getByRole("row", { name: "home BE" }).waitFor();
});

test("Reset brings the start values back, also in the calls", async t => {
  const page = await open(t, typical.origin);
  await field(page, "country").fill("BE");
  await page.locator("#curl pre", { hasText: '"BE"' }).waitFor();
  await page.getByRole("button", { name: "Reset" }).click();
  await page.locator("#curl pre", { hasText: '"NL"' }).waitFor();
  assert.deepEqual(await values(page), { age: "36", country: "NL" });
});

test("an image has one field, and one value fills it", async t => {
  const page = await open(t, image.origin);
  assert.deepEqual(await values(page), { image: "0" });
  await page.getByText("A list of 3 × 32 × 32 values as JSON. A single value fills the whole list.").waitFor();
  await page.getByRole("button", { name: "Predict" }).click();
  await page.getByRole("meter", { name: "class 2" }).waitFor();
  assert.deepEqual(await page.locator(".number").allTextContents(), ["0.3333", "0.3333", "0.3333"]);
});

test("a field of a list takes nested lists, and a wrong list is an error at the field", async t => {
  const page = await open(t, image.origin, { expectErrors: true });
  const plane = value => Array(32).fill(Array(32).fill(value));
  await field(page, "image").fill(JSON.stringify([plane(0), plane(2), plane(0)]));
  await page.getByRole("button", { name: "Predict" }).click();
  await page.locator(".bars li", { hasText: "class 1" }).getByText("0.7870").waitFor();
  await field(page, "image").fill("[[1, 2], [3]]");
  await page.getByRole("button", { name: "Predict" }).click();
  await page.locator("#problem", { hasText: /./ }).waitFor();
  await field(page, "image").fill("[1, 2");
  await page.getByRole("button", { name: "Predict" }).click();
  await page.locator("#column-0-error", { hasText: "not valid JSON" }).waitFor();
});

test("a model with 2,048 features has one field for the record", async t => {
  const page = await open(t, thousands.origin);
  assert.equal(await fields(page).count(), 1);
  const record = JSON.parse(await fields(page).inputValue());
  assert.equal(Object.keys(record).length, 2048);
  record.f1700 = 6.5;
  await fields(page).fill(JSON.stringify(record));
  await page.getByRole("button", { name: "Predict" }).click();
  await page.getByRole("row", { name: "largest 6.5" }).waitFor();
});

for (const [name, server] of Object.entries({ cancer, columns, image, thousands })) {
  test(`a window of 360 pixels does not scroll sideways: ${name}`, async t => {
    const page = await open(t, server.origin, { viewport: { width: 360, height: 640 } });
    await expectNoSidewaysScroll(page);
    await page.getByRole("button", { name: "Predict" }).click();
    await page.locator("#prediction table, #prediction ul").first().waitFor();
    await expectNoSidewaysScroll(page);
  });
}
