// The form for what a stream asks: one text, or the fields of the stream's own form.

import { InputError } from "./inputs.js";
import { readable } from "./readable.js";

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

export class InputForm {
  /**
   * @param {HTMLFormElement} form
   * @param {(name: string) => HTMLElement} part of the widget
   * @param {(inputs: any) => Promise<void>} send
   * @param {(text: string) => void} onsent what was sent, for people
   * @param {AbortSignal} signal until when it can be sent
   */
  constructor(form, part, send, onsent, signal) {
    Object.assign(this, { form, part, send, onsent });
    this.named = "named" in form.dataset;
    this.asked = 0;
    const submit = (event) => {
      event.preventDefault();
      this.submit();
    };
    form.addEventListener("submit", submit, { signal });
  }

  /** A call begins: a form of the stream's own is there all the time. */
  begin() {
    if (this.named) this.show("Inputs");
  }

  /** The stream asks for input. */
  ask() {
    this.asked += 1;
    if (!this.named && !this.form.hidden) return;
    this.show("The stream asks for input");
    this.form.querySelector("input:not([type=hidden]), select, textarea")?.focus();
  }

  /** Nobody waits for input any more. */
  settle() {
    if (this.named) this.show("Inputs");
    else this.form.hidden = true;
  }

  end() {
    this.form.hidden = true;
  }

  show(title) {
    this.showProblems("", {});
    this.form.hidden = false;
    if (this.named) this.part("input-title").textContent = title;
  }

  async submit() {
    const asked = this.asked;
    const values = valuesOf(this.form);
    const button = this.part("input-send");
    this.showProblems("", {});
    button.disabled = true;
    try {
      await this.send(this.named ? values : [values.text]);
      this.onsent(readable(this.named ? values : values.text));
      if (!this.named) this.part("input-text").value = "";
      if (this.asked === asked) this.settle(); // else it has asked again already
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      this.showProblems(error.message, error.errors);
    } finally {
      button.disabled = false;
    }
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
    this.form.querySelector("[aria-invalid]")?.focus();
  }

  markField(place, text) {
    const problem = place.querySelector("[data-problem]");
    problem.textContent = text;
    for (const field of place.querySelectorAll("input, select, textarea")) {
      if (text) field.setAttribute("aria-invalid", "true");
      else field.removeAttribute("aria-invalid");
      field.setAttribute("aria-describedby", problem.id);
    }
  }
}
