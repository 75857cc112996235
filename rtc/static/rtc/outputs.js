// The additional outputs of a session, over Server-Sent Events.

import { OUTPUTS_REFUSED } from "./reasons.js";

const LATE_MS = 60_000; // how long after a call its last outputs are waited for
const RETRY_MS = 2000;
const RETRIES = 5;

/** `url`, which may have a query already, with the session's id. */
export function sessionURL(url, sessionId) {
  const address = new URL(url, location.href);
  address.searchParams.set("webrtc_id", sessionId);
  return address;
}

/**
 * Reads every output of one session, once and in order, from the first one to the session's end. The browser connects
 * again by itself when it was cut off, and the server goes on behind the last event that came. An answer that is an
 * error, of a proxy before a server that restarts, say, makes the browser give up: then it begins anew, and what came
 * before is left out.
 *
 * Callbacks: `onoutput(value)`, with what the handler emitted; `onfailure(text)` when the answers stay errors.
 */
export class OutputReader {
  constructor({ url, sessionId, onoutput, onfailure }) {
    Object.assign(this, { url: sessionURL(url, sessionId), onoutput, onfailure });
    this.position = 0; // of the last output that came
    this.failures = 0;
    this.open();
  }

  open() {
    this.source = new EventSource(this.url);
    this.source.addEventListener("output", (event) => this.take(event));
    this.source.addEventListener("end", () => this.close());
    this.source.addEventListener("open", () => (this.failures = 0));
    this.source.addEventListener("error", () => {
      if (this.source.readyState === EventSource.CLOSED) this.retry();
    });
  }

  /** An id is `<channel>:<position>`. */
  take({ data, lastEventId }) {
    const position = Number(lastEventId.split(":").at(-1));
    if (position <= this.position) return;
    this.position = position;
    this.onoutput(JSON.parse(data));
  }

  retry() {
    this.failures += 1;
    if (this.failures > RETRIES) this.onfailure(OUTPUTS_REFUSED);
    else this.retryTimer = setTimeout(() => this.open(), RETRY_MS);
  }

  /** The call is over: what is still under way may come, but a server that is gone is not asked for ever. */
  finish() {
    this.lateTimer ??= setTimeout(() => this.close(), LATE_MS);
  }

  close() {
    clearTimeout(this.retryTimer);
    clearTimeout(this.lateTimer);
    this.source.close();
  }
}
