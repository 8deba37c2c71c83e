// Reads the fields as JSON text. Text and not numbers, so that whole numbers beyond 2^53 stay exact.

const INTEGER = /^[+-]?\d+$/;
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/** A text that is not a value of its field. The message is for people. */
class InvalidValue extends Error {}

const quoted = text => text === "" ? "An empty field" : `"${text}"`;
const integer = text => BigInt(text.replace(/^\+/, "")).toString();

const SCALARS = {
  integer(text) {
    if (!INTEGER.test(text)) throw new InvalidValue(`${quoted(text)} is not a whole number, for example 42.`);
    return integer(text);
  },
  number(text) {
    if (!NUMBER.test(text)) throw new InvalidValue(`${quoted(text)} is not a number, for example 13.5.`);
    if (INTEGER.test(text)) return integer(text);
    if (!Number.isFinite(Number(text))) throw new InvalidValue(`${quoted(text)} is too large.`);
    return String(Number(text));
  },
  boolean(text) {
    if (text !== "true" && text !== "false") throw new InvalidValue(`${quoted(text)} is neither true nor false.`);
    return text;
  },
  string: text => JSON.stringify(text),
};

/** A value of this kind. Blanks around a number do not count. */
const scalar = (text, kind) => SCALARS[kind](kind === "string" ? text : text.trim());

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new InvalidValue(`This is not valid JSON: ${error.message}`);
  }
}

/** Most elements that one value fills. A longer text would stop the browser. */
const MOST_FILLED = 4_000_000;

/** A list of this shape in which each element is `value`. */
const filled = (value, [extent, ...inner]) =>
  extent === undefined ? value : `[${Array(extent).fill(filled(value, inner)).join(", ")}]`;

function list(text, kind, shape) {
  const trimmed = text.trim();
  if (trimmed.startsWith("[")) {
    parsed(trimmed);
    return trimmed;
  }
  const parts = text.split(",");
  if (parts.length === 1) {
    const count = shape.reduce((product, extent) => product * extent, 1);
    if (count > MOST_FILLED) throw new InvalidValue(`${count} values are too many for this page: send them with a program.`);
    return filled(scalar(text, kind), shape);
  }
  return `[${parts.map(part => scalar(part.trim(), kind)).join(", ")}]`;
}

function record(text) {
  const value = parsed(text);
  if (value === null || typeof value !== "object" || Array.isArray(value)) {
    throw new InvalidValue('A record is an object of named columns, for example {"age": 42}.');
  }
  return text.trim();
}

/** The columns of a record as one JSON object. A line has one column. */
const object = columns =>
  `{\n${columns.map(([name, value]) => `  ${JSON.stringify(name)}: ${value}`).join(",\n")}\n}`;

/**
 * Reads the form: `record` as JSON text, or `invalid`, the fields with wrong values and a message for each.
 */
export function read(form) {
  const columns = [];
  const invalid = [];
  let whole;
  for (const field of form.querySelectorAll("[data-kind]")) {
    const { kind, shape } = field.dataset;
    try {
      if (kind === "record") whole = record(field.value);
      else if (shape === undefined) columns.push([field.name, scalar(field.value, kind)]);
      else columns.push([field.name, list(field.value, kind, shape === "" ? [] : shape.split(",").map(Number))]);
    } catch (error) {
      if (!(error instanceof InvalidValue)) throw error;
      invalid.push({ field, message: error.message });
    }
  }
  return invalid.length > 0 ? { invalid } : { invalid, record: whole ?? object(columns) };
}

/** Shows these messages at their fields, and none at the others. */
export function mark(form, invalid) {
  const messages = new Map(invalid.map(({ field, message }) => [field, message]));
  for (const field of form.querySelectorAll("[data-kind]")) {
    const message = messages.get(field);
    document.getElementById(`${field.id}-error`).textContent = message ?? "";
    if (message === undefined) field.removeAttribute("aria-invalid");
    else field.setAttribute("aria-invalid", "true");
  }
}

/** The field that a message of the server names, if it names one. */
export const named = (form, message) =>
  [...form.querySelectorAll("[data-kind]")].find(field => field.name && message.includes(`column \`${field.name}\``));
