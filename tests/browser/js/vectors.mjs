import { readFileSync } from "node:fs";

/** What pytest checks the server against. */
export function vectors(name) {
  return JSON.parse(readFileSync(new URL(`../../vectors/${name}.json`, import.meta.url), "utf8"));
}
