// The labels in force: colour, threshold, negative, shown or not.

import { byId, make, rgb } from "./dom.js";

/** Return one label in the query grammar. */
export function labelText({ name, synonyms, threshold, negative }) {
  const number = threshold === null ? "" : `=${Number(threshold.toFixed(3))}`;
  return `${negative ? "!" : ""}${[name, ...synonyms].join("|")}${number}`;
}

export class Labels {
  /** `change(labels)` asks for other labels; `hide(names)` is told which are not to be drawn. */
  constructor(change, hide) {
    this.change = change;
    this.hide = hide;
    this.list = [];
    this.rows = [];
    this.hidden = new Set();
  }

  /** Show what is in force. A row under the fingers of the operator must not be replaced. */
  set(labels, revision) {
    const same = labels.length === this.list.length && labels.every((label, i) => label.name === this.list[i].name);
    this.list = labels;
    byId("revision").textContent = `revision ${revision}`;
    byId("labels-none").hidden = labels.length > 0;
    if (!same) {
      this.rows = labels.map((_, index) => this.makeRow(index));
      byId("labels").replaceChildren(...this.rows.map((row) => row.element));
    }
    this.rows.forEach((row, index) => this.fill(row, labels[index]));
  }

  makeRow(index) {
    const swatch = make("input", { type: "checkbox", className: "swatch" });
    const name = make("span", { className: "name" });
    const threshold = make("input", { type: "range", min: 0, max: 1, step: 0.01 });
    const number = make("output");
    const negative = make("button", { type: "button", className: "small", textContent: "not" });
    const remove = make("button", { type: "button", className: "small", textContent: "×" });
    swatch.addEventListener("change", () => this.toggle(index, swatch.checked));
    threshold.addEventListener("input", () => { number.textContent = Number(threshold.value).toFixed(2); });
    threshold.addEventListener("change", () => this.edit(index, { threshold: Number(threshold.value) }));
    negative.addEventListener("click", () => this.edit(index, { negative: !this.list[index].negative }));
    remove.addEventListener("click", () => this.change(this.list.filter((_, i) => i !== index)));
    const element = make("li", {}, swatch, name, threshold, number, negative, remove);
    return { element, swatch, name, threshold, number, negative, remove };
  }

  fill(row, label) {
    const { name, synonyms, threshold, negative, color, trained } = label;
    row.element.toggleAttribute("data-negative", negative);
    row.name.replaceChildren(name);
    if (synonyms.length) row.name.append(make("small", {}, synonyms.join(", ")));
    if (!trained) row.name.append(make("small", { className: "guess", title: "The text tower was not trained on this name" }, "a guess"));
    row.swatch.style.setProperty("--swatch", negative ? "transparent" : rgb(color));
    row.swatch.checked = !negative && !this.hidden.has(name);
    row.swatch.disabled = negative;
    row.swatch.setAttribute("aria-label", `show ${name}`);
    if (document.activeElement !== row.threshold || row.threshold.value === "") row.threshold.value = threshold;
    row.number.textContent = threshold.toFixed(2);
    row.threshold.setAttribute("aria-label", `threshold of ${name}`);
    row.negative.setAttribute("aria-label", `${name} is a negative`);
    row.negative.setAttribute("aria-pressed", String(negative));
    row.remove.setAttribute("aria-label", `remove ${name}`);
  }

  toggle(index, shown) {
    if (shown) this.hidden.delete(this.list[index].name);
    else this.hidden.add(this.list[index].name);
    this.hide(this.hidden);
  }

  edit(index, fields) {
    this.change(this.list.map((label, i) => (i === index ? { ...label, ...fields } : label)));
  }

  /** Return the labels in force in the query grammar. */
  get text() {
    return this.list.map(labelText).join("; ");
  }
}
