// Late inputs: what the handler asked for while the call goes on.

import { INPUT_ELSEWHERE, NO_ANSWER, UNREACHABLE, fieldTexts, inputText } from "./reasons.js";

const TIMEOUT_MS = 10_000;

/** The session has not taken the input; the message is for the user. `errors`: what is wrong with each of a form's
 * fields, by its name, as lists of sentences. */
export class InputError extends Error {
  constructor(message, { errors = {}, ...options } = {}) {
    super(message, options);
    this.errors = errors;
  }
}

/**
 * Hands `inputs`, whatever JSON knows, to the handler of a session. Resolves once the session has them; throws InputError.
 *
 * What servers of published streams answer differs, but it is JSON, or nothing (204). Anything else that looks like a success
 * is another's: where a project has visitors log in first, its login page.
 */
export async function postInputs(url, sessionId, inputs) {
  const response = await post(url, JSON.stringify({ webrtc_id: sessionId, inputs }));
  if (response.status === 204) return;
  const answer = await answerOf(response);
  if (response.type === "opaqueredirect" || (response.ok && answer === undefined)) throw new InputError(INPUT_ELSEWHERE);
  if (!response.ok) throw new InputError(inputText(response.status, answer), { errors: fieldTexts(answer) });
}

async function post(url, body) {
  try {
    return await fetch(url, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body,
      redirect: "manual",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch (error) {
    throw new InputError(error.name === "TimeoutError" ? NO_ANSWER : UNREACHABLE, { cause: error });
  }
}

/** Its JSON; undefined: it has none, or is cut off. */
async function answerOf(response) {
  try {
    return await response.json();
  } catch {
    return undefined;
  }
}
