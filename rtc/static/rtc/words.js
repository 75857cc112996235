// What the widget says: in English, or as its page has it.

export const STATE_WORDS = {
  idle: "Ready to connect",
  connecting: "Connecting…",
  reconnecting: "Connecting again…",
  listening: "Listening",
  hearing: "Hearing you",
  thinking: "Thinking…",
  speaking: "The stream is speaking",
  muted: "Your microphone is muted",
  paused: "Paused",
  lost: "Connection lost",
  ended: "Call ended",
};
export const PLAYING_WORDS = { listening: "Connected", speaking: "Playing" }; // of a stream that takes no audio
export const NEVER_CONNECTED = "Not connected";
export const LOG_WORDS = {
  started_talking: "You started to talk",
  pause_detected: "You paused",
  response_starting: "The answer begins",
};
export const QUALITY_WORDS = { good: "Good", fair: "Fair", poor: "Poor" };
export const SPEAKERS = { user: "You", assistant: "Answer", system: "Note" };
export const LOADING = "Loading…";
export const ASKED = "The stream asks for input";
export const INPUTS = "Inputs";
export const STOP_WORD = "Stop word heard";

/** Which words stand in the template already, perhaps in a project's own, by the parts that they stand in. */
const IN_TEMPLATE = {
  state: STATE_WORDS.idle,
  "connect-label": "Connect",
  "mute-label": "Mute",
  "input-title": INPUTS,
};
const CODE = /\((\w+)\)\.$/; // ends what is said of an error that is not known

export class Words {
  /** @param {Record<string, string>} own the page's words, by the English ones */
  constructor(own = {}) {
    this.own = new Map(Object.entries(own));
  }

  /** @param {Record<string, string | number>} [values] for what stands in braces */
  say(english, values = {}) {
    const text = this.own.get(english) ?? this.withCode(english) ?? english;
    return text.replace(/\{(\w+)\}/g, (braced, name) => (Object.hasOwn(values, name) ? values[name] : braced));
  }

  withCode(english) {
    const code = CODE.exec(english)?.[1];
    return code && this.own.get(english.replace(CODE, "({code})."))?.replace("{code}", code);
  }
}

/** The words of a widget's page. They are kept in its root: when that is copied, or comes back, its parts say other things. */
export function wordsOf(root) {
  root.dataset.words ??= JSON.stringify(findWords(root));
  return new Words(JSON.parse(root.dataset.words));
}

function findWords(root) {
  const part = (name) => root.querySelector(`[data-part="${name}"]`);
  const given = part("words");
  const words = given ? JSON.parse((given.content ?? given).textContent) : {};
  for (const [name, english] of Object.entries(IN_TEMPLATE)) {
    const text = part(name)?.textContent.trim();
    if (text && ![english, LOADING, words[LOADING]].includes(text)) words[english] = text;
  }
  return words;
}
