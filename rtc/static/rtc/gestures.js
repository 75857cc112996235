// What the user does to a page, as browsers count it: some play nothing before.

const GESTURES = ["pointerup", "click", "keydown"]; // a touch counts once it ends, so not `pointerdown`

/**
 * Calls `action` at each gesture, whatever the page does with the event itself.
 *
 * @returns {AbortController} ends it
 */
export function onGesture(action) {
  const listening = new AbortController();
  const { signal } = listening;
  for (const type of GESTURES) window.addEventListener(type, action, { capture: true, signal });
  return listening;
}
