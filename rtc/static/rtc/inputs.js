// Late inputs: what the handler asked for while the call goes on.

import { NO_ANSWER, UNREACHABLE, fieldTexts, inputText } from "./reasons.js";

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
 */
export async function postInputs(url, sessionId, inputs) {
  const response = await post(url, JSON.stringify({ webrtc_id: sessionId, inputs }));
  if (response.ok) return;
  const answer = await answerOf(response);
  throw new InputError(inputText(response.status, answer), { errors: fieldTexts(answer) });
}

async function post(url, body) {
  try {
    return await fetch(url, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch (error) {
    throw new InputError(error.name === "TimeoutError" ? NO_ANSWER : UNREACHABLE, { cause: error });
  }
}

async function answerOf(response) {
  try {
    return await response.json();
  } catch {
    return null; // from something between here and the server
  }
}
