// Sends what is in the form, and shows the prediction, the problem, and the same call.

import { mark, named, read } from "./fields.js";
import { bodyOf, curl, isLong, requests } from "./calls.js";
import { copy } from "./copy.js";
import { parsePrediction, shown } from "./prediction.js";

const element = id => document.getElementById(id);
const form = element("form");
const problem = element("problem");
const result = element("result");
const url = new URL("predict", location.href).href;
/** Two requests may be answered in another order. Only the last one counts. */
let last = 0;

/** Writes the same call with the current values. */
function showCalls() {
  const { record } = read(form);
  const isValid = record !== undefined;
  element("call-problem").hidden = isValid;
  element("request-file").hidden = !isValid || !isLong(record);
  for (const [id, write] of [["curl", curl], ["python", requests]]) {
    element(id).hidden = !isValid;
    element(id).querySelector("pre").textContent = isValid ? write(url, record) : "";
  }
}

/** Shows what is wrong, at the button and at the fields. The first of them gets the focus. */
function refuse(message, invalid) {
  result.removeAttribute("aria-busy");
  mark(form, invalid);
  problem.textContent = message;
  element("prediction").textContent = "There is no prediction.";
  invalid[0]?.field.focus();
}

function refuseInvalid(invalid) {
  const names = invalid.map(({ field }) => field.name || "the record");
  const most = names.slice(0, 5).join(", ") + (names.length > 5 ? ` and ${names.length - 5} more` : "");
  refuse(`Not sent. Correct ${most}.`, invalid);
}

async function predict() {
  const own = ++last;
  const { record, invalid } = read(form);
  if (record === undefined) return refuseInvalid(invalid);
  result.setAttribute("aria-busy", "true");
  let response, text;
  try {
    response = await fetch(url, { method: "POST", headers: { "Content-Type": "application/json" }, body: bodyOf(record) });
    text = await response.text();
  } catch (error) {
    if (own === last) refuse(`No answer from the server: ${error.message}`, []);
    return;
  }
  if (own === last) show(response, text);
}

function show(response, text) {
  if (!response.ok) {
    const message = errorOf(response, text);
    const field = named(form, message);
    return refuse(message, field === undefined ? [] : [{ field, message }]);
  }
  result.removeAttribute("aria-busy");
  mark(form, []);
  problem.textContent = "";
  element("prediction").replaceChildren(...shown(parsePrediction(text)));
  result.scrollIntoView({ block: "nearest" });
}

/** The message of a refusal. A proxy in front of the server may answer with something else than JSON. */
function errorOf(response, text) {
  try {
    return JSON.parse(text).error ?? text;
  } catch {
    return `${response.status} ${response.statusText} ${text}`.trim();
  }
}

form.addEventListener("submit", event => {
  event.preventDefault();
  predict();
});
form.addEventListener("input", showCalls);
// The fields have their start values only after this event.
form.addEventListener("reset", () => setTimeout(() => {
  mark(form, []);
  problem.textContent = "";
  showCalls();
}));
for (const id of ["curl", "python"]) {
  element(id).querySelector("button").addEventListener("click", async () => {
    const isCopied = await copy(element(id).querySelector("pre")).catch(() => false);
    element("copied").textContent = isCopied ? "Copied." : "The browser refused to copy: select the text instead.";
  });
}
element("request-link").addEventListener("click", event => {
  const file = new Blob([bodyOf(read(form).record)], { type: "application/json" });
  event.currentTarget.href = URL.createObjectURL(file);
});
showCalls();
