// Shows a prediction: scores as bars, everything else as a table.

/** Most bars of an output, and most values of a list. */
const MOST_SHOWN = 20;

const made = (tag, text, className) => {
  const element = document.createElement(tag);
  if (text !== undefined) element.textContent = text;
  if (className !== undefined) element.className = className;
  return element;
};

/** A whole number beyond 2^53 stays exact in browsers that give the reviver the text. */
const exact = (_, value, context) =>
  Number.isInteger(value) && !Number.isSafeInteger(value) && /^-?\d+$/.test(context?.source ?? "")
    ? BigInt(context.source) : value;

/** The prediction for the only record of a response to `/predict`. */
export const parsePrediction = text => JSON.parse(text, exact).predictions[0];

/** A value as text. JSON has no NaN and no infinity: the server sends null for both. */
const text = value => value === null ? "NaN or infinity" : String(value);

/** Four digits are enough next to a bar. The title has all of them. */
const short = value => value !== 0 && value < 0.0001 ? value.toExponential(1) : value.toFixed(4);

/** Names and scores of an output, if each score is between 0 and 1 and there are several that add up to 1. */
function probabilities(value) {
  if (value === null || typeof value !== "object") return null;
  const scores = Object.entries(value);
  const sum = scores.reduce((sum, [, score]) => sum + score, 0);
  const sound = scores.every(([, score]) => typeof score === "number" && score >= 0 && score <= 1.0001);
  return scores.length > 1 && sound && Math.abs(sum - 1) < 0.01 ? scores : null;
}

function bars(output, scores, areNamed) {
  const most = scores.length > MOST_SHOWN ? [...scores].sort(([, a], [, b]) => b - a).slice(0, MOST_SHOWN) : scores;
  const list = made("ul", undefined, "bars");
  for (const [name, score] of most) {
    const label = areNamed ? name : `class ${name}`;
    const bar = made("meter");
    bar.max = 1;
    bar.value = score;
    bar.setAttribute("aria-label", label);
    const number = made("span", short(score), "number");
    number.title = String(score);
    const item = made("li");
    item.append(made("span", label, "name"), number, bar);
    list.append(item);
  }
  const nodes = [made("h3", output), list];
  if (most.length < scores.length) {
    nodes.push(made("p", `The ${most.length} highest of ${scores.length} scores.`, "hint"));
  }
  return nodes;
}

function listed(values) {
  const shown = values.slice(0, MOST_SHOWN).map(text).join(", ");
  return values.length > MOST_SHOWN ? `${shown} and ${values.length - MOST_SHOWN} more` : shown;
}

function row(table, name, value) {
  const head = made("th", name);
  head.scope = "row";
  table.insertRow().append(head, made("td", value));
}

/** The elements that show a prediction: an object with one value for each output. */
export function shown(prediction) {
  const table = made("table");
  const scores = [];
  for (const [output, value] of Object.entries(prediction)) {
    const found = probabilities(value);
    if (found !== null) {
      scores.push(...bars(output, found, !Array.isArray(value)));
    } else if (Array.isArray(value)) {
      row(table, output, listed(value));
    } else if (value !== null && typeof value === "object") {
      for (const [name, score] of Object.entries(value)) row(table, `${output}: ${name}`, text(score));
    } else {
      row(table, output, text(value));
    }
  }
  return table.rows.length > 0 ? [table, ...scores] : scores;
}
