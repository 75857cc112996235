// Prints, as JSON, all that the widget says to people: the texts that a project may translate.

import { readFileSync, readdirSync } from "node:fs";

import * as reasons from "../../../rtc/static/rtc/reasons.js";
import * as words from "../../../rtc/static/rtc/words.js";
import { vectors } from "./vectors.mjs";

const FOLDER = new URL("../../../rtc/static/rtc/", import.meta.url);
const SAID = /\b(?:say|add)\([^"()]*"([A-Z][^"]+)"(?: : "([A-Z][^"]+)")?/g;
const OTHER = "an_error_nobody_knows";

const literals = readdirSync(FOLDER)
  .filter((name) => name.endsWith(".js") && !name.startsWith("admin"))
  .flatMap((name) => [...readFileSync(new URL(name, FOLDER), "utf8").matchAll(SAID)].flatMap(([, ...found]) => found));
const tables = [words, reasons].flatMap((module) =>
  Object.values(module).flatMap((value) => (typeof value === "object" ? Object.values(value) : value)),
);

const { reasons: endings, codes } = vectors("endings");
const ends = [...endings.map((reason) => reasons.endText({ reason }, null)), ...codes.map((code) => reasons.endText(null, code))];
const { LOST, NO_ANSWER, NO_TICKET, UNREACHABLE } = reasons;
const lost = [...ends, LOST, NO_ANSWER, NO_TICKET, UNREACHABLE].map(reasons.withoutAdvice);

const statuses = Array.from({ length: 200 }, (_, i) => 400 + i).map((status) => reasons.inputText(status, null));
const microphone = ["NotAllowedError", "SecurityError", "NotFoundError", "NotReadableError", "AbortError", OTHER];

const all = [...literals, ...tables, ...ends, ...lost, ...statuses, ...microphone.map((name) => reasons.microphoneText({ name }))]
  .filter((text) => typeof text === "string")
  .map((text) => text.replace(/\((\d+|an_error_nobody_knows)\)\.$/, "({code})."));
console.log(JSON.stringify([...new Set(all)].sort()));
