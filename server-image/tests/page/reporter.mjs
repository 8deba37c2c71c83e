// Prints a line for each test, and why it failed. The lines of failed tests begin with `FAILED  `, as e2e/cluster/test
// expects them. The end has the numbers.

import path from "node:path";

/** A reporter of node:test. */
export default async function* report(events) {
  let [passed, failed] = [0, 0];
  for await (const { type, data } of events) {
    if (type === "test:pass") {
      passed += 1;
      yield `ok  ${data.name} (${Math.round(data.details.duration_ms)} ms)\n`;
    } else if (type === "test:fail") {
      failed += 1;
      const { cause = data.details.error, message } = data.details.error;
      yield `FAILED  ${path.basename(data.file ?? "")}: ${data.name}\n${cause?.stack ?? message}\n`;
    } else if (type === "test:stdout" || type === "test:stderr") {
      yield data.message;
    }
  }
  yield `${passed} passed, ${failed} failed\n`;
}
