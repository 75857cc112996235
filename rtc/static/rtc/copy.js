// Puts a button beside each example that copies it.

const SAID_MS = 2000;

const status = document.createElement("p");
status.className = "rtc-hidden";
status.setAttribute("role", "status");
document.body.append(status);

/** Where copying is blocked, the example is selected instead. */
async function copy(code) {
  try {
    await navigator.clipboard.writeText(code.textContent);
    return true;
  } catch {
    getSelection().selectAllChildren(code);
    return false;
  }
}

function tell(button, short, long) {
  button.textContent = short;
  status.textContent = long;
  setTimeout(() => (button.textContent = "Copy"), SAID_MS);
}

for (const example of document.querySelectorAll("[data-example]")) {
  const { title } = example.dataset;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "rtc-copy";
  button.textContent = "Copy";
  button.setAttribute("aria-label", `Copy: ${title}`);
  button.addEventListener("click", async () => {
    if (await copy(example.querySelector("code"))) tell(button, "Copied", `Copied: ${title}`);
    else tell(button, "Selected", "Copying is blocked. The example is selected: copy it with the keyboard.");
  });
  if (navigator.clipboard) example.prepend(button);
}
