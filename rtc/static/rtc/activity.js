// The log of a call: what happened, newest first.

const LENGTH = 200; // lines

export class Activity {
  constructor({ list, empty, scroller }) {
    Object.assign(this, { list, empty, scroller });
  }

  /** @param {"log" | "output" | "input" | "warning" | "error" | "end"} kind */
  add(kind, text) {
    const line = document.createElement("li");
    line.className = `rtc-line rtc-line-${kind}`;
    const time = document.createElement("time");
    time.textContent = new Date().toLocaleTimeString();
    const words = document.createElement("span");
    words.textContent = text;
    line.append(time, words);
    this.list.prepend(line);
    while (this.list.children.length > LENGTH) this.list.lastElementChild.remove();
    this.empty.hidden = true;
    this.scroller.hidden = false;
  }
}
