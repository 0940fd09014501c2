// The query box: checked while typing, answered by the node, remembered in this browser.

import { byId, make, say } from "./dom.js";
import { labelText } from "./labels.js";

const CHECK_PAUSE_MS = 150;
const MOST_REMEMBERED = 20;
const HISTORY = "ovseg.history";
const KEPT = "ovseg.kept";

function remembered(key) {
  try {
    const list = JSON.parse(localStorage.getItem(key) ?? "[]");
    return Array.isArray(list) ? list.filter((entry) => typeof entry === "string") : [];
  } catch {
    return [];
  }
}

function remember(key, text) {
  const list = [text, ...remembered(key).filter((entry) => entry !== text)];
  store(key, list.slice(0, MOST_REMEMBERED));
}

function store(key, list) {
  try {
    localStorage.setItem(key, JSON.stringify(list));
  } catch {
    // A browser that keeps nothing still sends queries.
  }
}

export class QueryBox {
  constructor(connection, current) {
    this.connection = connection;
    this.box = byId("query");
    this.hint = [...byId("query-check").childNodes];
    this.checks = 0;
    this.timer = 0;
    byId("query-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.apply(this.box.value);
    });
    byId("edit").addEventListener("click", () => this.edit(current()));
    byId("keep").addEventListener("click", () => this.keep(this.box.value.trim() || current()));
    this.box.addEventListener("input", () => this.typed());
    this.box.addEventListener("keydown", (event) => this.key(event));
    this.showLists();
  }

  key(event) {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      this.apply(this.box.value);
    } else if (event.key === "Escape") {
      this.box.blur();
    }
  }

  typed() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.check(), CHECK_PAUSE_MS);
  }

  async check() {
    const place = byId("query-check");
    const number = ++this.checks;
    const text = this.box.value;
    const reply = text.trim() ? await this.connection.ask("check", { text }) : null;
    if (number !== this.checks) return;
    this.box.setAttribute("aria-invalid", String(reply !== null && !reply.ok));
    if (reply === null) {
      place.dataset.level = "";
      place.replaceChildren(...this.hint);
    } else if (reply.ok) {
      say(place, reply.labels.map(labelText).join("  ·  "), "good");
    } else {
      say(place, reply.message, "bad");
    }
  }

  /** Ask for a query; what the node answers is shown. */
  async apply(text) {
    if (!text.trim()) return;
    byId("apply").disabled = true;
    const reply = await this.connection.ask("query", { text });
    byId("apply").disabled = false;
    say(byId("answer"), reply.message, reply.ok ? "good" : "bad");
    if (reply.ok) {
      remember(HISTORY, text);
      this.showLists();
    }
  }

  /** Ask for labels that were changed by a slider or a button. */
  async change(labels) {
    const specs = labels.map(({ name, synonyms, threshold, negative }) => ({ name, synonyms, threshold, negative }));
    const reply = await this.connection.ask("query", { text: JSON.stringify({ labels: specs }) });
    say(byId("answer"), reply.message, reply.ok ? "good" : "bad");
    return reply.ok;
  }

  edit(text) {
    this.box.value = text;
    this.box.focus();
    this.check();
  }

  keep(text) {
    if (!text) return;
    remember(KEPT, text);
    this.showLists();
  }

  showLists() {
    const past = remembered(HISTORY);
    byId("past").hidden = past.length === 0;
    byId("history").replaceChildren(...past.map((text) => make("span", { className: "chip" }, this.recall(text))));
    byId("kept").replaceChildren(...remembered(KEPT).map((text) => {
      const drop = make("button", { type: "button", textContent: "×", "aria-label": `forget ${text}` });
      drop.addEventListener("click", () => {
        store(KEPT, remembered(KEPT).filter((entry) => entry !== text));
        this.showLists();
      });
      return make("span", { className: "chip" }, this.recall(text), drop);
    }));
  }

  recall(text) {
    const button = make("button", { type: "button", textContent: text, title: text });
    button.addEventListener("click", () => {
      this.edit(text);
      this.apply(text);
    });
    return button;
  }
}
