// The API documentation.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import { expectNoSidewaysScroll } from "./browser.mjs";
import { sample, testModel } from "./server.mjs";
import { browse, serve } from "./stage.mjs";

const cancer = serve(sample("1.1.0/model.onnx"), readFile(sample("1.1.0/baseline.json"), "utf8"));
const classes = serve(testModel("zipmap_strings.onnx"));
const columns = serve(testModel("columns.onnx"));
const thousands = serve(testModel("thousands.onnx"));
const open = browse();

const json = async url => (await fetch(url)).json();

test("every path of the OpenAPI document is on the page with its method and summary", async t => {
  for (const server of [cancer, classes, columns]) {
    const page = await open(t, `${server.origin}/docs`);
    const rows = await page.locator("table", { hasText: "What it does" }).locator("tbody tr").allInnerTexts();
    const { paths } = await json(`${server.origin}/openapi.json`);
    const expected = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { summary }]) => `${method.toUpperCase()}\t${path}\t${summary}`));
    assert.deepEqual(rows, expected);
    assert.ok(expected.length >= 10);
  }
});

test("every schema and every tensor is on the page", async t => {
  const page = await open(t, `${classes.origin}/docs`);
  const { components } = await json(`${classes.origin}/openapi.json`);
  for (const name of Object.keys(components.schemas)) await page.getByRole("heading", { name, exact: true }).waitFor();
  await page.getByRole("row", { name: "x FP32 [-1,1]" }).waitFor();
  await page.getByRole("row", { name: /^scores FP32 .* bad, good$/ }).waitFor();
});

test("every link leads somewhere", async t => {
  const page = await open(t, `${cancer.origin}/docs`);
  const links = await page.locator("a").evaluateAll(all => all.map(link => [link.getAttribute("href"), link.href]));
  assert.ok(links.length > 15);
  for (const [given, url] of links) {
    if (given.startsWith("#")) assert.equal(await page.locator(`[id="${decodeURI(given.slice(1))}"]`).count(), 1, given);
    else assert.equal((await fetch(url)).status, 200, url);
  }
  await page.getByRole("link", { name: "Try it in the form" }).click();
  await page.getByRole("button", { name: "Predict" }).waitFor();
});

test("the examples of requests are answered", async t => {
  for (const server of [cancer, classes, columns]) {
    const page = await open(t, `${server.origin}/docs`);
    const examples = await page.locator("h4", { hasText: "Example" }).locator("+ pre").allTextContents();
    const paths = await page.locator("h3", { hasText: "POST" }).allTextContents();
    assert.deepEqual([examples.length, paths.length], [3, 3]);
    const results = [];
    for (const [index, body] of examples.entries()) {
      const response = await fetch(server.origin + paths[index].replace("POST ", ""), { method: "POST", body });
      const text = await response.text();
      assert.equal(response.status, 200, text);
      results.push(text);
    }
    // The model gets the same values in all of them.
    const numbers = text => Array.from(text.matchAll(/\d\.\d{4,}/g), ([number]) => number);
    assert.deepEqual(numbers(results[1]), numbers(results[0]));
  }
});

test("a window of 360 pixels does not scroll sideways", async t => {
  for (const server of [cancer, thousands]) {
    await expectNoSidewaysScroll(await open(t, `${server.origin}/docs`, { viewport: { width: 360, height: 640 } }));
  }
});
