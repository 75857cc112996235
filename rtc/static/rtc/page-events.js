// What happens to the page of a call.

/**
 * Calls `onvisible(visible)` when the page is shown or hidden, `ononline()` when the device has a network again, and
 * `ondevices()` when a microphone or speaker was plugged in or out.
 *
 * @returns {AbortController} ends it
 */
export function listenToPage({ onvisible, ononline, ondevices }) {
  const listening = new AbortController();
  const { signal } = listening;
  document.addEventListener("visibilitychange", () => onvisible(!document.hidden), { signal });
  window.addEventListener("online", () => ononline(), { signal });
  navigator.mediaDevices?.addEventListener("devicechange", () => ondevices(), { signal });
  return listening;
}
