// What axe finds in each state of the pages, in both color schemes.

import { readFile } from "node:fs/promises";
import { test } from "node:test";

import { expectAccessible, field } from "./browser.mjs";
import { sample, testModel } from "./server.mjs";
import { browse, serve } from "./stage.mjs";

const cancer = serve(sample("1.1.0/model.onnx"), readFile(sample("1.1.0/baseline.json"), "utf8"));
const columns = serve(testModel("columns.onnx"));
const image = serve(testModel("image.onnx"));
const thousands = serve(testModel("thousands.onnx"));
const markup = serve(testModel("markup.onnx"));
const open = browse();

const predict = page => page.getByRole("button", { name: "Predict" }).click();

for (const colorScheme of ["light", "dark"]) {
  for (const [name, server] of Object.entries({ cancer, columns, image, thousands, markup })) {
    test(`axe finds nothing in the form and its prediction: ${name}, ${colorScheme}`, async t => {
      const page = await open(t, server.origin, { colorScheme });
      await expectAccessible(page);
      await predict(page);
      await page.locator("#prediction table, #prediction ul").first().waitFor();
      await expectAccessible(page);
    });
    test(`axe finds nothing in the documentation: ${name}, ${colorScheme}`, async t => {
      await expectAccessible(await open(t, `${server.origin}/docs`, { colorScheme }));
    });
  }

  test(`axe finds nothing in a form with errors: ${colorScheme}`, async t => {
    const page = await open(t, columns.origin, { colorScheme, expectErrors: true });
    await field(page, "age").fill("x");
    await predict(page);
    await page.getByText("Not sent").waitFor();
    await expectAccessible(page);
    await field(page, "age").fill("99999999999999999999");
    await predict(page);
    await page.getByRole("alert").getByText("column `age`").waitFor();
    await expectAccessible(page);
  });

  test(`axe finds nothing on a phone: ${colorScheme}`, async t => {
    const viewport = { width: 360, height: 640 };
    const page = await open(t, cancer.origin, { colorScheme, viewport });
    await predict(page);
    await page.getByRole("meter").first().waitFor();
    await expectAccessible(page);
    await expectAccessible(await open(t, `${cancer.origin}/docs`, { colorScheme, viewport }));
  });
}
