// What happens to the page of a call.

/**
 * Calls `onvisible(visible)` when the page is shown or hidden, and `ononline()` when the device has a network again.
 *
 * @returns {AbortController} ends it
 */
export function listenToPage({ onvisible, ononline }) {
  const listening = new AbortController();
  const { signal } = listening;
  document.addEventListener("visibilitychange", () => onvisible(!document.hidden), { signal });
  window.addEventListener("online", () => ononline(), { signal });
  return listening;
}
