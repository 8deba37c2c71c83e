// A model is untrusted: its names may be markup.

import assert from "node:assert/strict";
import { test } from "node:test";

import { testModel } from "./server.mjs";
import { browse, serve } from "./stage.mjs";

const FEATURES = ["<script>alert('feature')</script>", "\"'><img src=x onerror=alert('feature')>"];
const CLASSES = ["<script>alert('class')</script>", "it's a \"class\" & <b>bold</b> `x` \\"];
const OUTPUT = "</script><script>alert('output')</script>";

const markup = serve(testModel("markup.onnx"));
const open = browse();

/** A dialog, an error or a refusal of the policy would fail the test as well: see `browse`. */
const scripts = page => page.locator("script, img, b").evaluateAll(all => all.map(each => each.outerHTML));

test("names of features, classes and outputs are text in the form", async t => {
  const page = await open(t, markup.origin);
  const names = await page.locator("[data-kind]").evaluateAll(all => all.map(field => field.name));
  assert.deepEqual(names, FEATURES);
  for (const name of FEATURES) await page.getByLabel(name).waitFor();
  await page.getByRole("button", { name: "Predict" }).click();
  for (const name of CLASSES) await page.getByRole("meter", { name, exact: true }).waitFor();
  await page.getByRole("heading", { name: OUTPUT }).waitFor();
  await page.getByLabel(FEATURES[0]).fill("<script>alert('value')</script>");
  await page.getByRole("button", { name: "Predict" }).click();
  await page.getByRole("alert").getByText(`Not sent. Correct ${FEATURES[0]}.`).waitFor();
  assert.deepEqual(await scripts(page), ['<script type="module" src="files/form.js"></script>']);
});

test("they are text in the documentation", async t => {
  const page = await open(t, `${markup.origin}/docs`);
  await page.getByRole("row", { name: OUTPUT }).getByText(CLASSES.join(", ")).waitFor();
  assert.ok((await page.locator("pre").allTextContents()).some(text => text.includes(FEATURES[1])));
  assert.deepEqual(await scripts(page), []);
});

for (const path of ["/", "/docs"]) {
  test(`the policy of ${path} refuses inline scripts, handlers, and calls to other servers`, async t => {
    const page = await open(t, `${markup.origin}${path}`, { expectErrors: true });
    const policy = (await fetch(`${markup.origin}${path}`)).headers.get("content-security-policy");
    assert.match(policy, /^default-src 'none';/);
    assert.doesNotMatch(policy, /unsafe|\*/);
    const refused = await page.evaluate(async () => {
      const directives = [];
      document.addEventListener("securitypolicyviolation", event => directives.push(event.effectiveDirective));
      const attempts = [
        () => { document.body.innerHTML += "<p>"; },
        () => document.body.append(Object.assign(document.createElement("script"), { text: "globalThis.hasRun = true" })),
        () => document.body.setAttribute("onclick", "globalThis.hasRun = true"),
        () => fetch("http://127.0.0.1:9/"),
      ];
      const failed = [];
      for (const attempt of attempts) {
        try {
          await attempt();
        } catch (error) {
          failed.push(error.name);
        }
      }
      document.body.click();
      return { failed, hasRun: globalThis.hasRun ?? false, directives };
    });
    assert.equal(refused.hasRun, false);
    assert.equal(refused.failed.length, 4, JSON.stringify(refused));
  });
}
