// The messages of the media socket, as text and as values. Pure.

/** @typedef {{ encoding: "mulaw", sample_rate: number, framing: "binary" }} MediaFormat */

/**
 * @param {string} sessionId
 * @param {number} sampleRate in Hz, of what goes both ways
 * @param {object | null} params for the handler
 * @param {string | null} ticket
 */
export function startMessage(sessionId, sampleRate, params = null, ticket = null) {
  const given = { ...params, ...(ticket && { ticket }) };
  return {
    event: "start",
    websocket_id: sessionId,
    media_format: { encoding: "mulaw", sample_rate: sampleRate, framing: "binary" },
    ...(Object.keys(given).length > 0 && { params: given }),
  };
}

/** @param {Uint8Array} bytes mu-law */
export function mediaMessage(bytes) {
  return { event: "media", media: { payload: btoa(String.fromCharCode(...bytes)) } };
}

export const markMessage = (name) => ({ event: "mark", mark: { name } });
export const PING = { event: "ping" };
export const CLEAR = { event: "clear" };
export const STOP = { event: "stop" };

function fromBase64(text) {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0)).buffer;
}

/**
 * What one frame of the server says: `[kind, value]`. Kinds are `audio` (an ArrayBuffer), `published-audio` (the same,
 * from a server that frames it as JSON), `started`, `clear`, `mark` (its name), `pong`, `end` ({reason, message}),
 * `fetch_output`, and `message` for what the page or the user is told.
 *
 * @param {string | ArrayBuffer} frame
 * @returns {[string, any]}
 */
export function readFrame(frame) {
  if (typeof frame !== "string") return ["audio", frame];
  const message = JSON.parse(frame);
  if (message.event === "media") return ["published-audio", fromBase64(message.media.payload)];
  if (message.event === "mark") return ["mark", message.mark.name];
  if (message.event) return [message.event, message];
  if (message.status === "failed") return ["end", { reason: message.meta?.error }];
  if (message.type === "end") return ["end", message.data];
  if (message.type === "fetch_output") return ["fetch_output", null];
  return ["message", message];
}
