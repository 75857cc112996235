// What the person at the page is told, in plain words.

const END_REASONS = {
  client_stop: "You ended the call.",
  done: "The call is over.",
  handler_closed: "The call is over.",
  idle: "The call ended because nothing was heard for a while. Connect again to go on.",
  time_limit: "The call reached its time limit.",
  no_database: "The server can't reach its records. Try again in a moment.",
  no_start: "The server waited too long for the call to begin. Try again.",
  concurrency_limit_reached: "All lines are busy. Try again in a moment.",
  user_limit_reached: "You have as many calls open as you may. End one of them first.",
  server_limit_reached: "All lines are busy. Try again in a moment.",
  not_logged_in: "You have to log in first.",
  not_allowed: "You are not allowed to use this stream. Ask the people who run this server.",
  ticket_expired: "This page has been open for too long. Load it again.",
  ticket_used: "This page has been used for a call already. Load it again.",
  ticket_invalid: "This page is not allowed to call this server.",
  ticket_of_another_stream: "This page is not allowed to use this stream.",
  connection_already_exists: "This call is already open somewhere else.",
  origin_not_allowed: "This page is not allowed to call this server.",
  no_such_stream: "There is no such stream on this server.",
  not_found: "There is no such stream on this server.",
  handler_failed: "Something went wrong on the server. Connect again; if it stays so, tell the people who run it.",
  server_error: "Something went wrong on the server. Connect again; if it stays so, tell the people who run it.",
  busy: "The server has its hands full. Try again in a moment.",
  overloaded: "The server has its hands full. Try again in a moment.",
  draining: "The server is restarting. Try again in a moment.",
  shutting_down: "The server is restarting. Try again in a moment.",
  worker_lost: "The server was interrupted. Try again in a moment.",
  hung_up: "The call was ended by the people who run this server.",
  too_big: "The server refused a message that was too big.",
  too_many_errors: "The server and this page did not understand each other. Load the page again.",
};

const CLOSE_CODES = {
  1000: END_REASONS.done,
  4400: END_REASONS.too_many_errors,
  4401: END_REASONS.not_logged_in,
  4403: END_REASONS.not_allowed,
  4404: END_REASONS.no_such_stream,
  4408: "The call ended because of a time limit.",
  4409: END_REASONS.connection_already_exists,
  4413: END_REASONS.too_big,
  4429: END_REASONS.concurrency_limit_reached,
  4500: END_REASONS.handler_failed,
  4503: END_REASONS.shutting_down,
};

export const LOST = "The connection was lost.";
export const UNREACHABLE = "The server can't be reached. Look at your network connection, then try again.";
export const NO_ANSWER = "The server did not answer. Try again in a moment.";
export const OFFLINE = "This device is offline. Look at its network connection.";
export const BAD_ADDRESS = "This page calls an address that browsers refuse. Tell the people who run it.";
export const NO_TICKET = "This page could not get leave to call. Load it again.";

/** `text` with a capital at its beginning and a stop at its end. */
export function sentence(text) {
  const words = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?…]$/.test(words) ? words : `${words}.`;
}

/** `data` is that of the server's last `end` message, or null; `code` the close code. */
export function endText(data, code) {
  if (data?.message) return sentence(data.message);
  return END_REASONS[data?.reason] || CLOSE_CODES[code] || LOST;
}

const ADVICE = /,? (then try again|try again( in a moment)?\.|come again\.|connect again[^.]*\.|load it again\.|end one of them first\.)/gi;

/** For a call that is begun anew by itself: `text` without what the user would have to do for that. */
export function withoutAdvice(text) {
  return text.replace(ADVICE, "");
}

export const OUTPUTS_REFUSED = "The outputs of this call can't be shown.";

const INPUT_ERRORS = {
  400: "The server did not understand the input.",
  403: "This call belongs to somebody else, or you were logged out.",
  404: "The server does not know this call.",
  409: "The stream takes no input just now. Try again in a moment.",
  410: "The call is over.",
  413: "This is too long. Make it shorter.",
  503: "The server that has this call can't be reached. Try again in a moment.",
  504: "The server took too long to answer. Try again in a moment.",
};

/** A login page, say, came instead of an answer. */
export const INPUT_ELSEWHERE =
  "The server did not take the input: perhaps you were logged out. Log in in another window, then send it again.";

/** What a form says of each of its fields. */
export function fieldTexts(answer) {
  const fields = Object.entries(answer?.errors ?? {});
  return Object.fromEntries(fields.map(([name, errors]) => [name, errors.map(({ message }) => sentence(message))]));
}

/** `answer` is the JSON of `/input_hook`, or null. It may hold what a form says of each of its fields. */
export function inputText(status, answer) {
  return Object.values(fieldTexts(answer)).flat().join(" ") || INPUT_ERRORS[status] || `The input could not be sent (${status}).`;
}

const MICROPHONE_ERRORS = {
  NotAllowedError: "The microphone is blocked. Allow it in the browser's site settings, then connect again.",
  SecurityError: "The microphone is blocked on this page.",
  NotFoundError: "No microphone was found. Plug one in, then connect again.",
  NotReadableError: "The microphone is in use by another program. Close that, then connect again.",
  AbortError: "The microphone could not be started. Plug it in anew, then connect again.",
};

export const INSECURE_ORIGIN =
  "Browsers allow live audio only on pages opened over https, or on localhost. Open this page that way.";
export const UNSUPPORTED = "This browser is too old for live audio. Update it, or use another one.";
export const UNPLAYABLE = "The sound of this page could not be started. Load the page again.";
export const MICROPHONE_GONE = "The microphone is gone. Plug one in, then connect again.";
export const MICROPHONE_ENDS = "The microphone stops again and again. Plug it in anew, then connect again.";
export const MICROPHONE_REPLACED = "The microphone you chose is not there. Another one is used.";
export const PAUSED = "This device has paused the sound. Tap the page or press a key to go on.";
export const SILENCED = "This device has muted the microphone. Unmute it by its own switch, or in the settings.";
export const SPEAKER_REPLACED = "The speaker you chose is not there. The default one is used.";

export function microphoneText(error) {
  return MICROPHONE_ERRORS[error.name] ?? `The microphone could not be opened (${error.name}).`;
}
