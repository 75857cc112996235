// What was said, as a chat: outputs of the form {"role", "content"}, or a list of them, which is the whole of it.

import { SPEAKERS } from "./words.js";

const LONGEST = 500; // turns

export class Conversation {
  /**
   * @param {HTMLElement} list
   * @param {HTMLElement} scroller round it
   * @param {(english: string) => string} say
   */
  constructor(list, scroller, say) {
    Object.assign(this, { list, scroller, say });
  }

  clear() {
    this.list.replaceChildren();
  }

  /** @returns {boolean} whether the output was a part of the conversation */
  show(output) {
    const turns = Array.isArray(output) ? output : [output];
    if (turns.length === 0 || !turns.every(isTurn)) return false;
    if (Array.isArray(output)) this.showAll(turns.slice(-LONGEST));
    else this.list.append(this.item(output));
    while (this.list.children.length > LONGEST) this.list.firstElementChild.remove();
    this.scroller.scrollTop = this.scroller.scrollHeight;
    return true;
  }

  /** Only what is new or other than before is put in, so that a screen reader does not say all of it again. */
  showAll(turns) {
    turns.forEach((turn, i) => {
      const shown = this.list.children[i];
      if (shown?.dataset.role === turn.role && textOf(shown) === turn.content) return;
      if (shown) shown.replaceWith(this.item(turn));
      else this.list.append(this.item(turn));
    });
    while (this.list.children.length > turns.length) this.list.lastElementChild.remove();
  }

  item({ role, content }) {
    const item = document.createElement("li");
    item.className = "rtc-message";
    item.dataset.role = role;
    const name = document.createElement("span");
    name.className = "rtc-message-name";
    name.textContent = Object.hasOwn(SPEAKERS, role) ? this.say(SPEAKERS[role]) : role;
    const text = document.createElement("span");
    text.className = "rtc-message-text";
    text.textContent = content;
    item.append(name, text);
    return item;
  }
}

function textOf(item) {
  return item.lastElementChild.textContent;
}

function isTurn(value) {
  return typeof value?.role === "string" && typeof value.content === "string";
}
