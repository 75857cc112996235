// A screen that stays on during a call: a phone that is locked silences the page.

/**
 * Holds it as long as the page is shown, until `signal` is aborted. Where the device refuses, to save its battery, say,
 * the call goes on without.
 *
 * @param {AbortSignal} signal
 */
export function keepAwake(signal) {
  if (!navigator.wakeLock) return;
  let lock = null;
  const hold = async () => {
    if (document.hidden) return; // a hidden page has none, and has lost the one it had
    try {
      const found = await navigator.wakeLock.request("screen");
      lock?.release();
      lock = found;
    } catch (error) {
      if (error.name !== "NotAllowedError") throw error;
    }
    if (signal.aborted) lock?.release();
  };
  document.addEventListener("visibilitychange", hold, { signal });
  signal.addEventListener("abort", () => lock?.release());
  hold();
}
