// When to call again after a connection was lost. Pure.

const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 15_000;
const SPREAD = 0.3; // of the delay: clients that one server lost do not all come back at once

/** How many times in a row it is tried: about a minute and a half. */
export const ATTEMPTS = 10;

/**
 * @param {number} attempt from 1
 * @param {number} random from 0 to 1
 * @returns {number} milliseconds to wait before it
 */
export function delayBefore(attempt, random) {
  const delayMs = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** (attempt - 1));
  return Math.round(delayMs * (1 + SPREAD * (2 * random - 1)));
}

const COME_AGAIN = 4503;
const AT_LIMIT = 4429; // perhaps by the session that was lost: a server may not know yet that it is over
const OUR_CODES = 3000; // and above: the server closed, and knew why

/**
 * Whether a new call is worth a try.
 *
 * @param {number | null} code the socket's close code; null when it was given up here
 * @param {boolean} told whether the server said why it ends
 * @param {boolean} stood whether this call, or one that it follows, had begun
 */
export function worthAnother(code, told, stood) {
  if (code === COME_AGAIN) return true;
  if (code === AT_LIMIT) return stood;
  const lost = !told && (code === null || (code !== 1000 && code < OUR_CODES));
  return lost && stood;
}
