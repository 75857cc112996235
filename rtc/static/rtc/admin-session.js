// One session's page, kept up to date part by part. What was opened stays open. Once the session has ended, nothing changes.

import { mergeChildren, poll, replaceChanged } from "./admin-poll.js";

const OVER = "[data-rtc-over]";

function apply(fresh) {
  for (const part of document.querySelectorAll("[data-rtc-part]")) {
    const freshPart = fresh.querySelector(`[data-rtc-part="${part.dataset.rtcPart}"]`);
    if (freshPart && "rtcKeyed" in part.dataset) {
      mergeChildren(part, freshPart, (child) => child.dataset.rtcKey, () => {});
    } else {
      replaceChanged(part, freshPart);
    }
  }
  return fresh.querySelector(OVER) === null;
}

if (document.querySelector(OVER) === null) {
  poll(apply);
}
