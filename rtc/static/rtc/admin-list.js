// The list of sessions, kept up to date row by row. Ticked rows stay ticked.

import { mergeChildren, poll, replaceChanged } from "./admin-poll.js";

const CHECKBOX_CELL = "action-checkbox";

// The admin's own script keeps the list of checkboxes that it is given when the page has loaded, which is after this
// module has run. It is given one that changes with the rows.
const checkboxes = [];
const watchActions = window.Actions;
if (watchActions) {
  window.Actions = () => watchActions(checkboxes);
}

function collectCheckboxes() {
  const found = document.querySelectorAll("#result_list input.action-select");
  const changed = found.length !== checkboxes.length || checkboxes.some((box, index) => box !== found[index]);
  checkboxes.splice(0, checkboxes.length, ...found);
  return changed;
}

function rowKey(row) {
  return row.querySelector("th a, td a")?.getAttribute("href") ?? row.textContent;
}

function updateRow(row, fresh) {
  [...fresh.cells].forEach((cell, index) => {
    if (!cell.classList.contains(CHECKBOX_CELL)) {
      replaceChanged(row.cells[index], cell);
    }
  });
}

function countTicks(fresh) {
  const counter = document.querySelector("span.action-counter");
  const freshCounter = fresh.querySelector("span.action-counter");
  if (counter && freshCounter) {
    counter.dataset.actionsIcnt = freshCounter.dataset.actionsIcnt;
    window.dispatchEvent(new Event("pageshow")); // on which the admin's script counts again
  }
}

function apply(fresh) {
  if (document.querySelector("input.select-across")?.value === "1") {
    return; // all pages are selected: what that means must not change under the user's hands
  }
  const results = document.querySelector("#result_list");
  const freshResults = fresh.querySelector("#result_list");
  for (const count of [".paginator", "#changelist-search .quiet"]) {
    replaceChanged(document.querySelector(count), fresh.querySelector(count));
  }
  if (results) {
    mergeChildren(results.tBodies[0], freshResults?.tBodies[0] ?? document.createElement("tbody"), rowKey, updateRow);
  } else if (freshResults) {
    document.querySelector("#changelist-form .paginator").before(document.adoptNode(freshResults.closest(".results")));
  }
  if (collectCheckboxes()) {
    if (!results && watchActions) {
      watchActions(checkboxes);
    }
    countTicks(fresh);
  }
}

collectCheckboxes();
poll(apply);
