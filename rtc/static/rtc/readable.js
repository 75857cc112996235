// JSON values as text for people.

const LONGEST = 200; // characters
const DEEPEST = 3;

/**
 * An object becomes a line `key: value` for each key, a list of objects a line for each of them. What is too long or too
 * deep ends in an ellipsis.
 */
export function readable(value) {
  return shortened(isRecord(value) ? lines(Object.entries(value).map(pair)) : list(value));
}

function list(value) {
  if (!Array.isArray(value)) return inline(value, 0);
  const items = value.map((item) => inline(item, isRecord(item) ? 0 : 1));
  return value.some(isRecord) ? lines(items) : items.join(", ") || "an empty list";
}

function pair([key, value]) {
  return `${key}: ${inline(value, 1)}`;
}

function lines(texts) {
  return texts.join("\n") || "nothing";
}

function inline(value, depth) {
  if (value === null) return "none";
  if (typeof value !== "object") return String(value);
  if (depth > DEEPEST) return "…";
  const text = Array.isArray(value)
    ? value.map((item) => inline(item, depth + 1)).join(", ")
    : Object.entries(value).map(([key, item]) => `${key}: ${inline(item, depth + 1)}`).join(", ");
  return depth > 0 ? bracketed(text, value) : text;
}

function bracketed(text, value) {
  return Array.isArray(value) ? `[${text}]` : `(${text})`;
}

function isRecord(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function shortened(text) {
  const characters = Array.from(text.slice(0, 2 * LONGEST + 2)); // none is cut in half
  return characters.length > LONGEST ? `${characters.slice(0, LONGEST).join("").trimEnd()}…` : text;
}
