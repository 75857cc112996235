// The additional outputs of a session, over Server-Sent Events.

import { OUTPUTS_REFUSED } from "./reasons.js";

const LATE_MS = 60_000; // how long after a call its last outputs are waited for
const RETRY_MS = 2000;
const RETRIES = 5;
const QUIET_MS = 5000; // how long a hidden page keeps a stream on which nothing comes

/** `url`, which may have a query already, with the session's id. */
export function sessionURL(url, sessionId) {
  const address = new URL(url, location.href);
  address.searchParams.set("webrtc_id", sessionId);
  return address;
}

/**
 * Reads every output of one session, once and in order, from the first one to the session's end. The browser connects
 * again by itself when it was cut off, and the server goes on behind the last event that came. An answer that is an
 * error, of a proxy before a server that restarts, say, makes the browser give up: then it is asked anew for what
 * comes behind the last event; what it should send twice all the same is left out.
 *
 * Over HTTP/1.1 a browser has six connections for all pages of an origin, and this holds one of them. So a hidden page
 * lets go of it when nothing comes, until the socket tells of an output (`wake`) or the page is shown again.
 *
 * Callbacks: `onoutput(value)`, with what the handler emitted; `onfailure(text)` when the answers stay errors.
 */
export class OutputReader {
  constructor({ url, sessionId, onoutput, onfailure }) {
    Object.assign(this, { url: sessionURL(url, sessionId), onoutput, onfailure });
    this.position = 0; // of the last output that came
    this.lastEventId = "";
    this.failures = 0;
    this.givenUp = false;
    this.hidden = false;
    this.closed = false;
    this.open();
  }

  open() {
    clearTimeout(this.retryTimer);
    if (this.lastEventId) this.url.searchParams.set("last_event_id", this.lastEventId);
    this.source = new EventSource(this.url);
    this.source.addEventListener("output", (event) => this.take(event));
    this.source.addEventListener("end", () => this.close());
    this.source.addEventListener("open", () => (this.failures = 0));
    this.source.addEventListener("error", () => {
      if (this.source.readyState === EventSource.CLOSED) this.retry();
    });
    this.rest();
  }

  /** An id is `<channel>:<position>`. */
  take({ data, lastEventId }) {
    this.rest();
    const position = Number(lastEventId.split(":").at(-1));
    if (position <= this.position) return;
    this.position = position;
    this.lastEventId = lastEventId;
    this.onoutput(JSON.parse(data));
  }

  retry() {
    this.failures += 1;
    this.givenUp = this.failures > RETRIES;
    if (this.givenUp) this.onfailure(OUTPUTS_REFUSED);
    else this.retryTimer = setTimeout(() => this.open(), RETRY_MS);
  }

  /** There is an output, says the socket. */
  wake() {
    if (this.givenUp) {
      this.givenUp = false;
      this.failures = 0;
      this.source = null;
    }
    this.goOn();
  }

  goOn() {
    if (this.closed) return;
    if (this.source === null) this.open();
    else this.rest();
  }

  setHidden(hidden) {
    this.hidden = hidden;
    if (hidden) this.rest();
    else this.goOn();
  }

  rest() {
    clearTimeout(this.quietTimer);
    if (!this.hidden || this.lateTimer) return;
    this.quietTimer = setTimeout(() => {
      clearTimeout(this.retryTimer);
      this.source?.close();
      this.source = null;
    }, QUIET_MS);
  }

  /** The call is over: what is still under way may come, but a server that is gone is not asked for ever. */
  finish() {
    if (this.closed) return;
    this.lateTimer ??= setTimeout(() => this.close(), LATE_MS);
    clearTimeout(this.quietTimer);
    this.goOn();
  }

  close() {
    this.closed = true;
    for (const timer of [this.retryTimer, this.lateTimer, this.quietTimer]) clearTimeout(timer);
    this.source?.close();
  }
}
