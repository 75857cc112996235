// What a client can be told, and what it takes for granted.

/**
 * @typedef {object} Options
 * @property {string} url of the media socket: `ws:` or `wss:`
 * @property {string | null} [outputsURL] of `/outputs`; null: outputs are not read
 * @property {string | null} [inputURL] of `/input_hook`; null: there is no `setInput`
 * @property {boolean} [takesAudio] whether the stream hears: false for one of mode `receive`
 * @property {boolean} [sendsAudio] whether the stream is heard: false for one of mode `send`
 * @property {number} [sampleRate] on the wire, in Hz, 8000 to 48000
 * @property {{ captureRate: number, playbackRate: number }} [publishedRates] the rates in Hz of the stream's handler, for
 *   a server that knows no `media_format`
 * @property {object | null} [params] for the handler
 * @property {(() => string | Promise<string>) | null} [ticket] gets a connect ticket, which is good for one session: a
 *   page of another origin needs one. It has 10 s
 * @property {MediaTrackConstraints} [constraints] for the microphone
 * @property {boolean} [reconnect] whether a lost call is begun anew
 * @property {boolean} [keepAwake] whether the screen stays on during a call
 */

const DEFAULTS = {
  outputsURL: null,
  inputURL: null,
  takesAudio: true,
  sendsAudio: true,
  sampleRate: 24000,
  publishedRates: { captureRate: 48000, playbackRate: 24000 },
  params: null,
  ticket: null,
  constraints: { echoCancellation: true, noiseSuppression: true, autoGainControl: true },
  reconnect: true,
  keepAwake: true,
};

/**
 * @param {Options} options
 * @returns {Required<Options>} what is left out, or undefined, is as usual
 */
export function completed(options) {
  const all = { url: options.url, ...DEFAULTS };
  for (const name of Object.keys(all)) all[name] = options[name] ?? all[name];
  return all;
}
