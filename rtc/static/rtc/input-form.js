// The form for what a stream asks: one text, or the fields of the stream's own form.

import { InputError } from "./inputs.js";
import { readable } from "./readable.js";
import { ASKED, INPUTS } from "./words.js";

const EDITABLE = "input:not([type=button], [type=submit], [type=reset], [type=image]), select, textarea, iframe";

/** The values of a form by the names of its fields, as JSON has them. Those of a field marked `data-list` are a list. */
export function valuesOf(form) {
  const lists = Array.from(form.querySelectorAll("[data-list]"), ({ dataset }) => [dataset.field, []]);
  const values = Object.fromEntries(lists);
  for (const field of form.elements) {
    if (!field.name || field.disabled || field.type === "file") continue;
    if (field.type === "radio") {
      if (field.checked) values[field.name] = field.value;
      else values[field.name] ??= "";
    } else if (field.type === "select-multiple") {
      values[field.name] = Array.from(field.selectedOptions, ({ value }) => value);
    } else if (field.type === "checkbox") {
      addCheckbox(values, field, form.elements[field.name]);
    } else {
      values[field.name] = field.value;
    }
  }
  return values;
}

/** One alone is true or false, unless it is a list's; of several that share a name, those that are ticked count. */
function addCheckbox(values, field, same) {
  if (same === field && !Array.isArray(values[field.name])) {
    values[field.name] = field.checked;
    return;
  }
  values[field.name] ??= [];
  if (field.checked) values[field.name].push(field.value);
}

/** Whether somebody may be filling in something, also in what is not ours: then the focus stays there. */
function isFillingIn() {
  let focused = document.activeElement;
  while (focused?.shadowRoot?.activeElement) focused = focused.shadowRoot.activeElement;
  return focused !== null && (focused.matches(EDITABLE) || focused.isContentEditable);
}

export class InputForm {
  /**
   * @param {object} options
   * @param {HTMLFormElement} options.form
   * @param {(name: string) => HTMLElement} options.part of the widget
   * @param {(inputs: any) => Promise<void>} options.send
   * @param {(text: string) => void} options.onsent what was sent, for people
   * @param {(english: string) => string} options.say
   * @param {(text: string) => void} options.announce to who does not see it
   * @param {AbortSignal} options.signal until when it can be sent
   */
  constructor({ form, part, send, onsent, say, announce, signal }) {
    Object.assign(this, { form, part, send, onsent, say, announce });
    this.named = "named" in form.dataset;
    this.asked = 0;
    this.sending = false;
    const submit = (event) => {
      event.preventDefault();
      if (!this.sending) this.submit();
    };
    form.addEventListener("submit", submit, { signal });
  }

  /** A session begins: a form of the stream's own is there all the time. */
  begin() {
    this.asked += 1; // nothing that was asked before
    this.settle();
  }

  /** The stream asks for input. */
  ask() {
    this.asked += 1;
    if (this.named || this.form.hidden) this.show(ASKED);
    const taken = isFillingIn();
    if (taken || this.named) this.announce(this.say(ASKED)); // else the field says so
    if (!taken) this.form.querySelector("input:not([type=hidden]), select, textarea")?.focus();
  }

  /** Nobody waits for input any more. */
  settle() {
    if (this.named) this.show(INPUTS);
    else this.form.hidden = true;
  }

  /** There is no session that could take any. */
  end() {
    this.form.hidden = true;
  }

  show(title) {
    this.showProblems("", {});
    this.form.hidden = false;
    if (this.named) this.part("input-title").textContent = this.say(title);
  }

  async submit() {
    const asked = this.asked;
    const values = valuesOf(this.form);
    this.showProblems("", {});
    this.setSending(true);
    try {
      await this.send(this.named ? values : [values.text]);
      this.onsent(readable(this.named ? values : values.text));
      if (!this.named) this.part("input-text").value = "";
      if (this.asked === asked) this.settle(); // else it has asked again already
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      this.showProblems(this.say(error.message), error.errors);
      if (this.form.contains(document.activeElement) || !isFillingIn()) this.form.querySelector("[aria-invalid]")?.focus();
    } finally {
      this.setSending(false);
    }
  }

  /** A button that is disabled would lose the focus. */
  setSending(sending) {
    this.sending = sending;
    this.part("input-send").setAttribute("aria-disabled", sending);
  }

  /** What is wrong with a field stands beside it; the rest stands below the form. */
  showProblems(text, errors) {
    let placed = 0;
    for (const place of this.form.querySelectorAll("[data-field]")) {
      const texts = errors[place.dataset.field] ?? [];
      placed += texts.length;
      this.markField(place, texts.join(" "));
    }
    const all = Object.values(errors).flat().length;
    this.part("input-problem").textContent = placed > 0 && placed === all ? "" : text;
  }

  markField(place, text) {
    const problem = place.querySelector("[data-problem]");
    problem.textContent = text;
    for (const field of place.querySelectorAll("input, select, textarea")) {
      if (text) field.setAttribute("aria-invalid", "true");
      else field.removeAttribute("aria-invalid");
      describe(field, problem.id, text !== "");
    }
  }
}

/** Adds what stands in another element to what describes a field already, or takes it away. */
function describe(field, id, described) {
  const others = (field.getAttribute("aria-describedby") ?? "").split(/\s+/).filter((other) => other && other !== id);
  const all = described ? [id, ...others] : others;
  if (all.length > 0) field.setAttribute("aria-describedby", all.join(" "));
  else field.removeAttribute("aria-describedby");
}
