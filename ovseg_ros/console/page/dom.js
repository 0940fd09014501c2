// Elements without HTML: text is always text, whoever wrote it.

export const byId = (id) => document.getElementById(id);

/** Make an element; `fields` are properties, `data`, `aria` or `style` variables; strings become text. */
export function make(tag, fields = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(fields)) {
    if (name.startsWith("--")) element.style.setProperty(name, value);
    else if (name.includes("-")) element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children);
  return element;
}

/** Show a sentence with a level (good, bad or none) in an element. */
export function say(element, text, level = "") {
  element.textContent = text;
  element.dataset.level = level;
}

export const rgb = ([red, green, blue]) => `rgb(${red}, ${green}, ${blue})`;

let toastTimer = 0;

/** Show a sentence at the bottom of the page for a few seconds. */
export function toast(text, level = "") {
  const place = byId("toast");
  say(place, text, level);
  place.hidden = false;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => { place.hidden = true; }, 5000);
}
