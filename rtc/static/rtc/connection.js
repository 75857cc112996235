// One session's socket: from `start` to its close.

import { NO_ANSWER, UNREACHABLE, LOST, endText } from "./reasons.js";
import { CLEAR, PING, STOP, markMessage, mediaMessage, readFrame, startMessage } from "./wire.js";

const START_TIMEOUT_MS = 10_000;
const PING_INTERVAL_MS = 2000;
const ANSWER_TIMEOUT_MS = 8000; // a ping that is not answered for so long was sent into the void
const STOP_TIMEOUT_MS = 1000;
const MAXIMUM_BACKLOG_MS = 1000; // on a link that is too slow, what is beyond this is dropped
// A server that answers pings but not `start` is an old one, which knows no `media_format`.
const PUBLISHED_AFTER_MS = 3000;

/**
 * Callbacks, which come in this order: `onstarted({published})`, again if an old server turns out not to be one;
 * `onaudio(payload)`, `onclear()`, `onmark(name)`, `onoutput()`, `onmessage(message)`, `onlatency(roundTripMs)`;
 * `onclose({code, reason, text, told, started})` once and last, unless the connection was left by `abandon`.
 */
export class Connection {
  constructor({ url, sessionId, sampleRate, params, ticket, ...callbacks }) {
    Object.assign(this, { sampleRate, ...callbacks });
    this.start = startMessage(sessionId, sampleRate, params, ticket);
    this.started = false;
    this.published = false; // whether it speaks the plain published wire
    this.endData = null;
    this.pingedAt = null;
    this.answeredAt = null;
    this.timers = new Set();
    this.socket = new WebSocket(url);
    this.socket.binaryType = "arraybuffer";
    this.socket.onopen = () => this.open();
    this.socket.onmessage = ({ data }) => this.receive(data);
    this.socket.onclose = ({ code }) => this.closed(code);
    this.after(START_TIMEOUT_MS, () => {
      if (!this.started) this.giveUp("no_answer", NO_ANSWER);
    });
  }

  open() {
    this.send(this.start);
    this.ping();
    this.every(PING_INTERVAL_MS, () => this.ping());
    this.after(PUBLISHED_AFTER_MS, () => {
      if (!this.started && this.answeredAt !== null) this.begin(true);
    });
  }

  begin(published) {
    this.started = true;
    this.published = published;
    this.onstarted({ published });
  }

  // ---- from the server

  receive(data) {
    const [kind, value] = readFrame(data);
    RECEIVE.get(kind)?.(this, value);
  }

  pong() {
    this.answeredAt = performance.now();
    if (this.pingedAt !== null) this.onlatency(this.answeredAt - this.pingedAt);
    this.pingedAt = null;
  }

  // ---- to the server

  /** @param {object} message */
  send(message) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  /** @param {ArrayBuffer} payload mu-law, at the rate that `onstarted` stands for */
  sendAudio(payload) {
    if (!this.started || this.socket.readyState !== WebSocket.OPEN) return;
    if ((this.socket.bufferedAmount / this.sampleRate) * 1000 >= MAXIMUM_BACKLOG_MS) return;
    if (this.published) this.send(mediaMessage(new Uint8Array(payload)));
    else this.socket.send(payload);
  }

  sendMark(name) {
    if (!this.published) this.send(markMessage(name));
  }

  interrupt() {
    this.send(CLEAR);
  }

  /** Ends the session; `onclose` follows within a second. */
  stop() {
    if (this.socket.readyState === WebSocket.OPEN) {
      this.send(STOP);
      if (!this.published) {
        this.after(STOP_TIMEOUT_MS, () => this.stopped());
        return;
      }
    }
    this.stopped();
  }

  stopped() {
    this.endData = { reason: "client_stop" };
    this.closed(1000);
  }

  ping() {
    const now = performance.now();
    if (this.pingedAt === null) {
      this.pingedAt = now;
      this.send(PING);
    } else if (now - this.pingedAt > ANSWER_TIMEOUT_MS) {
      this.giveUp("silent", LOST);
    }
  }

  // ---- the end

  closed(code) {
    const told = this.endData !== null;
    const lostText = this.started ? LOST : UNREACHABLE;
    const known = told || code === 1000 || code >= 3000;
    this.abandon();
    this.onclose({
      code,
      told,
      reason: this.endData?.reason ?? (known ? "closed" : "lost"),
      text: known ? endText(this.endData, code) : lostText,
    });
  }

  giveUp(reason, text) {
    this.abandon();
    this.onclose({ code: null, told: false, reason, text });
  }

  /** Closes without a word. */
  abandon() {
    for (const timer of this.timers) clearTimeout(timer);
    this.timers.clear();
    this.socket.onclose = this.socket.onmessage = this.socket.onopen = null;
    this.socket.close();
  }

  after(milliseconds, action) {
    this.timers.add(setTimeout(action, milliseconds));
  }

  every(milliseconds, action) {
    this.timers.add(setInterval(action, milliseconds));
  }
}

/** What to do with each kind of frame. */
const RECEIVE = new Map([
  ["audio", (connection, payload) => connection.onaudio(payload)],
  [
    "published-audio",
    (connection, payload) => {
      if (!connection.started) connection.begin(true);
      connection.onaudio(payload);
    },
  ],
  [
    "started",
    (connection) => {
      if (!connection.started || connection.published) connection.begin(false);
    },
  ],
  ["clear", (connection) => connection.onclear()],
  ["mark", (connection, name) => connection.onmark(name)],
  ["pong", (connection) => connection.pong()],
  ["fetch_output", (connection) => connection.onoutput()],
  ["message", (connection, message) => connection.onmessage(message)],
  [
    "end",
    (connection, data) => {
      connection.endData = { ...connection.endData, ...data };
    },
  ],
]);
