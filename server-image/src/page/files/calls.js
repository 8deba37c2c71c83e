// Writes the call of the form for a shell and for Python.

/** In bytes. A longer request is read from a file: Linux takes 128 KiB in one argument. */
const LONGEST = 100_000;

/** A text as one word of a POSIX shell. */
const word = text => `'${text.replaceAll("'", "'\\''")}'`;

const PYTHON = { true: "True", false: "False", null: "None" };

/**
 * A JSON text as Python. Numbers are the same in both, and strings except for an escaped slash. No string contains a line
 * break.
 */
const python = json =>
  json.replace(/^ {2}/gm, "    ").replace(/"(?:[^"\\]|\\.)*"|true|false|null/g, token =>
    PYTHON[token] ?? token.replace(/\\(.)/g, (escape, character) => character === "/" ? "/" : escape));

/** The body of the request that predicts for this record, both as JSON text. */
export const bodyOf = record => `{"records": [${record}]}`;

/** Whether both calls read the body from the file request.json. */
export const isLong = record => new TextEncoder().encode(record).length > LONGEST;

/** The call for a shell. */
export function curl(url, record) {
  const data = isLong(record) ? "--data-binary @request.json" : `--data ${word(bodyOf(record))}`;
  return `curl --silent --show-error ${word(url)} \\\n  --header 'Content-Type: application/json' \\\n  ${data}`;
}

/** The call for Python with the package requests. */
export function requests(url, record) {
  const end = "response.raise_for_status()\nprint(response.json()[\"predictions\"][0])";
  const address = JSON.stringify(url);
  if (isLong(record)) {
    return `import json\nimport requests\n\nwith open("request.json") as file:\n    request = json.load(file)\n` +
      `response = requests.post(${address}, json=request)\n${end}`;
  }
  return `import requests\n\nrecord = ${python(record)}\n` +
    `response = requests.post(${address}, json={"records": [record]})\n${end}`;
}
