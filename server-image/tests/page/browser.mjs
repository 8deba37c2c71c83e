// Chromium, and what the tests of all pages expect.

import assert from "node:assert/strict";
import { createRequire } from "node:module";

// Packages are in NODE_PATH, which only `require` follows.
const require = createRequire(import.meta.url);
const { chromium } = require("playwright-core");
const axe = require("axe-core");

/** A name that leads to this machine, as a Service of a cluster has one. Browsers do not count it as secure. */
export const SERVICE = "fraud.risk.svc";

/** Starts Chromium. */
export const launch = () =>
  chromium.launch({
    executablePath: process.env.CHROMIUM,
    // Chromium has no sandbox for root.
    chromiumSandbox: process.getuid() !== 0,
    args: [`--host-resolver-rules=MAP ${SERVICE} 127.0.0.1`],
  });

/** Makes the page remember errors, dialogs and what its policy refused. */
export function watch(page) {
  const problems = [];
  page.on("console", message => {
    if (message.type() === "error") problems.push(`${message.text()} at ${message.location().url}`);
  });
  page.on("pageerror", error => problems.push(String(error)));
  page.on("dialog", async dialog => {
    problems.push(`dialog ${dialog.message()}`);
    await dialog.dismiss();
  });
  return problems;
}

/** The field of a column, by its label: the name and the datatype. */
export const field = (page, name) => page.getByRole("textbox", { name: new RegExp(`^${name} `) });

/** Fails if axe finds a violation in what is on the page. */
export async function expectAccessible(page) {
  await page.evaluate(axe.source);
  const { violations, passes } = await page.evaluate(() => globalThis.axe.run());
  assert.ok(passes.length > 10, "axe has checked the page");
  const found = violations.flatMap(({ id, help, nodes }) => nodes.map(node => `${id}: ${help}: ${node.html}: ${node.failureSummary}`));
  assert.deepEqual(found, []);
}

/** Fails if the page is wider than its window. */
export async function expectNoSidewaysScroll(page) {
  const [content, window] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  assert.ok(content <= window, `the page has ${content} pixels in a window of ${window}`);
}
