// What the form shows after a call: a prediction, or what is wrong.

import assert from "node:assert/strict";
import { test } from "node:test";

import { field } from "./browser.mjs";
import { sample, start, testModel } from "./server.mjs";
import { browse, serve } from "./stage.mjs";

const cancer = serve(sample("1.1.0/model.onnx"));
const classes = serve(testModel("zipmap_strings.onnx"));
const columns = serve(testModel("columns.onnx"));
const undefinedNumbers = serve(testModel("not_finite.onnx"));
const open = browse();

const predict = page => page.getByRole("button", { name: "Predict" }).click();

test("scores of classes are bars with the names of the classes and their values as text", async t => {
  const page = await open(t, classes.origin);
  await field(page, "x").fill("0.25");
  await predict(page);
  await page.getByRole("heading", { name: "scores" }).waitFor();
  const found = await page.locator(".bars li").evaluateAll(items => items.map(item => {
    const bar = item.querySelector("meter");
    return [bar.getAttribute("aria-label"), bar.value, item.innerText.replace(/\s+/g, " ")];
  }));
  assert.deepEqual(found, [["bad", 0.25, "bad 0.2500"], ["good", 0.75, "good 0.7500"]]);
  const widths = await page.getByRole("meter").evaluateAll(bars => bars.map(bar => bar.getBoundingClientRect().width));
  assert.ok(widths.every(width => width > 100), `bars are visible: ${widths}`);
});

test("probabilities without class names are bars, and the label is a row of the table", async t => {
  const page = await open(t, cancer.origin);
  await predict(page);
  await page.getByRole("meter", { name: "class 1" }).waitFor();
  assert.equal(await page.getByRole("meter").count(), 2);
  assert.match(await page.locator("#prediction table").innerText(), /label\s+[01]/);
});

test("scores outside of 0 to 1 are numbers, not bars", async t => {
  const page = await open(t, classes.origin);
  await field(page, "x").fill("7");
  await predict(page);
  await page.getByRole("row", { name: "scores: good -6" }).waitFor();
  assert.equal(await page.getByRole("meter").count(), 0);
});

test("the last whole digit of a number beyond 2^53 stays", async t => {
  const page = await open(t, columns.origin);
  await field(page, "age").fill("9007199254740993");
  await predict(page);
  await page.getByRole("row", { name: "years 9007199254740993" }).waitFor();
});

test("what JSON cannot carry is named", async t => {
  const page = await open(t, undefinedNumbers.origin);
  await field(page, "x").fill("0");
  await predict(page);
  await page.getByRole("row", { name: "y NaN or infinity" }).waitFor();
});

test("a wrong value is an error at its field, and nothing is sent", async t => {
  const page = await open(t, columns.origin);
  const sent = [];
  page.on("request", request => sent.push(request.url()));
  const age = field(page, "age");
  await age.fill("twelve");
  await predict(page);
  await page.getByRole("alert").getByText("Not sent. Correct age.").waitFor();
  assert.equal(await age.getAttribute("aria-invalid"), "true");
  const described = await age.evaluate(field => document.getElementById(field.getAttribute("aria-describedby")).textContent);
  assert.equal(described, '"twelve" is not a whole number, for example 42.');
  assert.equal(await page.evaluate(() => document.activeElement.name), "age");
  assert.deepEqual(sent, []);

  await age.fill("12");
  await predict(page);
  await page.getByRole("row", { name: "years 12" }).waitFor();
  assert.equal(await age.getAttribute("aria-invalid"), null);
  assert.equal(await page.getByRole("alert").textContent(), "");
});

test("an empty number is not sent", async t => {
  const page = await open(t, columns.origin);
  await field(page, "age").fill("");
  await predict(page);
  await page.locator("#column-0-error", { hasText: "An empty field is not a whole number" }).waitFor();
});

test("a refusal of the server is shown at the field that it names", async t => {
  const page = await open(t, columns.origin, { expectErrors: true });
  await field(page, "age").fill("99999999999999999999");
  await predict(page);
  const alert = page.getByRole("alert").getByText("column `age`");
  await alert.waitFor();
  assert.equal(await page.locator("#column-0-error").textContent(), await alert.textContent());
  assert.equal(await page.evaluate(() => document.activeElement.name), "age");
});

test("a server that does not answer is an error, and the next answer replaces it", async t => {
  const server = await start(testModel("columns.onnx"));
  t.after(() => server.stop());
  const page = await open(t, server.origin, { expectErrors: true });
  await page.route("**/predict", route => route.abort());
  await predict(page);
  await page.getByRole("alert").getByText("No answer from the server").waitFor();
  await page.unroute("**/predict");
  await page.route("**/predict", route => route.fulfill({ status: 502, body: "<html>Bad Gateway" }));
  await predict(page);
  await page.getByRole("alert").getByText("502 Bad Gateway <html>Bad Gateway").waitFor();
  await page.unroute("**/predict");
  await predict(page);
  await page.getByRole("row", { name: "years 0" }).waitFor();
});
