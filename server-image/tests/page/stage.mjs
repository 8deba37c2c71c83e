// A server with one model and a browser, for the tests of one file.

import assert from "node:assert/strict";
import { after, before } from "node:test";

import { launch, watch } from "./browser.mjs";
import { start } from "./server.mjs";

/** Starts a server for `model` before the tests of this file, and stops it after them. */
export function serve(model, baseline) {
  const served = {};
  before(async () => Object.assign(served, await start(model, await baseline)));
  after(() => served.stop?.());
  return served;
}

/** Starts a browser before the tests of this file, and ends it after them. Returns a function that opens a page for a test. */
export function browse() {
  let browser;
  before(async () => {
    browser = await launch();
  });
  after(() => browser?.close());
  /** Opens a page with these options of a browser context. The test fails if the page reports an error. */
  return async (test, url, { expectErrors = false, ...options } = {}) => {
    const context = await browser.newContext(options);
    const page = await context.newPage();
    page.setDefaultTimeout(20_000);
    const problems = watch(page);
    test.after(async () => {
      await context.close();
      if (!expectErrors) assert.deepEqual(problems, []);
    });
    await page.goto(url);
    return page;
  };
}
