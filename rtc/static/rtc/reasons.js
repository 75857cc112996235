// What the person at the page is told, in plain words.

const END_REASONS = {
  client_stop: "You ended the call.",
  done: "The call is over.",
  handler_closed: "The call is over.",
  idle: "The call ended because nothing was heard for a while.",
  time_limit: "The call reached its time limit.",
  no_start: "The server waited too long for the call to begin.",
  concurrency_limit_reached: "All lines are busy. Try again in a moment.",
  connection_already_exists: "This call is already open somewhere else.",
  origin_not_allowed: "This page is not allowed to call this server.",
  no_such_stream: "There is no such stream on this server.",
  not_found: "There is no such stream on this server.",
  handler_failed: "Something went wrong on the server.",
  server_error: "Something went wrong on the server.",
  shutting_down: "The server is restarting. Try again in a moment.",
  too_big: "The server refused a message that was too big.",
  too_many_errors: "The server and this page did not understand each other.",
};

const CLOSE_CODES = {
  1000: END_REASONS.done,
  4400: END_REASONS.too_many_errors,
  4401: "You have to log in first.",
  4403: "You are not allowed to use this stream.",
  4404: END_REASONS.no_such_stream,
  4408: "The call ended because of a time limit.",
  4409: END_REASONS.connection_already_exists,
  4413: END_REASONS.too_big,
  4429: END_REASONS.concurrency_limit_reached,
  4500: END_REASONS.handler_failed,
  4503: END_REASONS.shutting_down,
};

export const LOST = "The connection was lost.";
export const UNREACHABLE = "The server can't be reached.";
export const NO_ANSWER = "The server did not answer.";

function sentence(text) {
  const words = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?…]$/.test(words) ? words : `${words}.`;
}

/** `data` is that of the server's last `end` message, or null; `code` the close code. */
export function endText(data, code) {
  if (data?.message) return sentence(data.message);
  return END_REASONS[data?.reason] || CLOSE_CODES[code] || LOST;
}

const MICROPHONE_ERRORS = {
  NotAllowedError: "The microphone is blocked. Allow it in the browser's site settings, then connect again.",
  SecurityError: "The microphone is blocked on this page.",
  NotFoundError: "No microphone was found. Plug one in, then connect again.",
  NotReadableError: "The microphone is in use by another program.",
  AbortError: "The microphone could not be started.",
};

export const INSECURE_ORIGIN =
  "Browsers allow live audio only on pages opened over https, or on localhost. Open this page that way.";
export const UNSUPPORTED = "This browser is too old for live audio.";
export const UNPLAYABLE = "The sound of this page could not be started.";
export const MICROPHONE_GONE = "The microphone was unplugged.";

export function microphoneText(error) {
  return MICROPHONE_ERRORS[error.name] ?? `The microphone could not be opened (${error.name}).`;
}
