// What was said, as a chat: outputs of the form {"role", "content"}, or a list of them, which is the whole of it.

import { SPEAKERS } from "./words.js";

const LONGEST = 500; // turns
const NEAR_PX = 48; // of the end: about one line of text

export class Conversation {
  /**
   * @param {object} options
   * @param {HTMLElement} options.list
   * @param {HTMLElement} options.scroller round it
   * @param {HTMLElement} options.section hidden until something was said
   * @param {(english: string) => string} options.say
   */
  constructor({ list, scroller, section, say }) {
    Object.assign(this, { list, scroller, section, say });
  }

  /** A new call begins. */
  clear() {
    this.list.replaceChildren();
    this.section.hidden = true;
  }

  /** @returns {boolean} whether the output was a part of the conversation: of one that has begun, an empty list is all */
  show(output) {
    const turns = Array.isArray(output) ? output : [output];
    if (!turns.every(isTurn) || (turns.length === 0 && this.section.hidden)) return false;
    this.section.hidden = false;
    const following = this.isAtEnd(); // who reads back is left where they are
    if (Array.isArray(output)) this.showAll(turns.slice(-LONGEST));
    else this.list.append(this.item(output));
    while (this.list.children.length > LONGEST) this.list.firstElementChild.remove();
    if (following) this.scroller.scrollTop = this.scroller.scrollHeight;
    return true;
  }

  isAtEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.scroller;
    return scrollHeight - scrollTop - clientHeight < NEAR_PX;
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
