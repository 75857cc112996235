// The states of a call.

/**
 * @typedef {"idle" | "connecting" | "reconnecting" | "listening" | "hearing" | "thinking" | "speaking" | "muted" |
 *   "paused" | "lost" | "ended"} State
 * `hearing`: the stream has noticed that the user talks; `thinking`: that the user has paused, and it will answer;
 * `paused`: the device keeps the page silent, until the user does something.
 */

const ACTIVE = ["connecting", "reconnecting", "listening", "hearing", "thinking", "speaking", "muted", "paused"];

/** @param {State} state */
export function isActive(state) {
  return ACTIVE.includes(state);
}
