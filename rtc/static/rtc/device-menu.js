// The menus of microphones and speakers.

import { canChooseSpeaker, chosenDevices, listDevices } from "./devices.js";

export class DeviceMenu {
  /**
   * `microphone` and `speaker` are select elements, or null; `speakerField` is what is shown round the latter; `signal`
   * tells until when they are kept up to date.
   */
  constructor({ microphone, speaker, speakerField, say, signal, onmicrophone, onspeaker }) {
    Object.assign(this, { microphone, speaker, speakerField, say });
    microphone?.addEventListener("change", () => onmicrophone(microphone.value), { signal });
    speaker?.addEventListener("change", () => onspeaker(speaker.value), { signal });
    navigator.mediaDevices?.addEventListener("devicechange", () => this.update(), { signal });
    this.update();
  }

  async update() {
    const { microphones, speakers } = await listDevices();
    const chosen = chosenDevices();
    if (this.microphone) this.fill(this.microphone, microphones, chosen.microphone);
    if (!this.speaker) return;
    this.fill(this.speaker, speakers, chosen.speaker);
    this.speakerField.hidden = !canChooseSpeaker() || speakers.length === 0;
  }

  /** The first option, the default device, stays. */
  fill(select, devices, chosen) {
    const nameOf = ({ name }, i) => name || this.say("Device {number}", { number: i + 1 });
    const options = devices.map((device, i) => new Option(nameOf(device, i), device.id));
    select.replaceChildren(select.options[0], ...options);
    select.value = devices.some(({ id }) => id === chosen) ? chosen : "";
  }
}
