// Keeps a page of the admin up to date: fetches it again every few seconds, as long as it can be seen.

const INTERVAL_MS = 3000;
const PATIENCE = 10; // A page that took long to make is asked for less often: after this many times as long.

class Gone extends Error {}

async function load(signal) {
  const response = await fetch(location.href, { cache: "no-store", redirect: "manual", signal });
  if (response.type === "opaqueredirect" || (response.status >= 400 && response.status < 500)) {
    throw new Gone(); // logged out, deleted or not allowed any more
  }
  if (!response.ok) {
    throw new Error(`status ${response.status}`);
  }
  return new DOMParser().parseFromString(await response.text(), "text/html");
}

/** Calls `apply(fresh)` with each new version of this page's document, until it returns false. */
export function poll(apply) {
  const status = document.querySelector("[data-rtc-status]");
  let timer = 0;
  let request = null;
  let over = false;

  function say(text, well) {
    if (status && status.textContent !== text) {
      status.role = well ? null : "alert"; // that it is live needs not be read out every few seconds
      status.textContent = text;
      status.classList.toggle("rtc-stale", !well);
    }
  }

  async function refresh() {
    const began = performance.now();
    request = new AbortController();
    try {
      if (apply(await load(request.signal)) === false) {
        over = true;
        say("", true);
        return;
      }
      say(`Live, as of ${new Date().toLocaleTimeString()}`, true);
    } catch (error) {
      if (error.name === "AbortError") {
        return; // hidden; it goes on when seen again
      }
      if (error instanceof Gone) {
        over = true;
        say("Not live any more: reload the page.", false);
        return;
      }
      say("Not up to date: the server does not answer. Trying again…", false);
    }
    timer = setTimeout(refresh, Math.max(INTERVAL_MS, PATIENCE * (performance.now() - began)));
  }

  function stop() {
    clearTimeout(timer);
    request?.abort();
  }

  document.addEventListener("visibilitychange", () => {
    stop();
    if (!document.hidden && !over) {
      refresh();
    }
  });
  addEventListener("pagehide", stop);
  addEventListener("pageshow", (event) => {
    if (event.persisted && !over) {
      refresh();
    }
  });
  if (!document.hidden) {
    say("Live", true);
    timer = setTimeout(refresh, INTERVAL_MS);
  }
}

/** Makes the children of `container` those of `fresh`. One that is there already, by its key, stays and is given to
 * `update(child, freshChild)`; none is moved or replaced without need, so that focus and selection hold. */
export function mergeChildren(container, fresh, keyOf, update) {
  const wanted = new Set([...fresh.children].map(keyOf));
  const known = new Map();
  for (const child of [...container.children]) {
    if (wanted.has(keyOf(child))) {
      known.set(keyOf(child), child);
    } else {
      child.remove();
    }
  }
  let place = container.firstElementChild;
  for (const child of [...fresh.children]) {
    const kept = known.get(keyOf(child));
    if (kept) {
      update(kept, child);
    }
    if (kept && kept === place) {
      place = place.nextElementSibling;
    } else {
      container.insertBefore(kept ?? document.adoptNode(child), place);
    }
  }
}

/** Puts `fresh` in the place of `element` if they differ. */
export function replaceChanged(element, fresh) {
  if (element && fresh && element.outerHTML !== fresh.outerHTML) {
    element.replaceWith(document.adoptNode(fresh));
  }
}
