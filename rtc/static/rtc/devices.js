// Microphones and speakers: which there are, and which were chosen before.

const KEY = "rtc.devices"; // in the page's local storage: {microphone, speaker}, each a device's id

/** @typedef {{ id: string, name: string }} Device */

/**
 * Names are empty until the user has allowed a microphone once.
 *
 * @returns {Promise<{ microphones: Device[], speakers: Device[] }>}
 */
export async function listDevices() {
  const found = (await navigator.mediaDevices?.enumerateDevices?.()) ?? [];
  const ofKind = (wanted) =>
    found
      .filter(({ kind, deviceId }) => kind === wanted && deviceId && deviceId !== "default")
      .map(({ deviceId, label }) => ({ id: deviceId, name: label }));
  return { microphones: ofKind("audioinput"), speakers: ofKind("audiooutput") };
}

/**
 * Whether sound can be sent elsewhere than to the default speaker. Firefox can do so with the sound of an `audio` element
 * alone, by which a call comes half a second later.
 */
export function canChooseSpeaker() {
  return "setSinkId" in (window.AudioContext?.prototype ?? {});
}

/** @returns {{ microphone: string, speaker: string }} ids; empty: the default one */
export function chosenDevices() {
  const { microphone = "", speaker = "" } = stored();
  return { microphone: String(microphone), speaker: String(speaker) };
}

/** @param {{ microphone?: string, speaker?: string }} choice */
export function rememberDevices(choice) {
  try {
    localStorage.setItem(KEY, JSON.stringify({ ...stored(), ...choice }));
  } catch {
    // Storage is full, or forbidden: then it is chosen anew next time.
  }
}

function stored() {
  try {
    return JSON.parse(localStorage.getItem(KEY)) ?? {};
  } catch {
    return {};
  }
}
