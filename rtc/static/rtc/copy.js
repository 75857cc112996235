// Puts a button beside each example that copies it.

const SAID_MS = 2000;

for (const example of document.querySelectorAll("[data-example]")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "rtc-copy";
  button.textContent = "Copy";
  button.setAttribute("aria-label", `Copy: ${example.dataset.title}`);
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(example.querySelector("code").textContent);
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = "Copy"), SAID_MS);
  });
  if (navigator.clipboard) example.prepend(button);
}
