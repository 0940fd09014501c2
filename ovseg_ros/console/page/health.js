// What the node says of itself: numbers, diagnostics, and the silence when it says nothing.

import { byId, make } from "./dom.js";

const QUIET_MS = 4000;
const whole = (value) => (value === null ? "–" : value.toFixed(0));
const tenth = (value) => (value === null ? "–" : value.toFixed(1));

export class Health {
  constructor() {
    this.node = "";
    this.heard = performance.now();
    this.entries = new Map();
    setInterval(() => this.listen(), 1000);
  }

  /** Say so when the node has gone silent. */
  listen() {
    const silentMs = performance.now() - this.heard;
    const alarm = byId("alarm");
    alarm.hidden = silentMs < QUIET_MS;
    if (!alarm.hidden) {
      alarm.textContent = `No word from ${this.node || "the node"} for ${whole(silentMs / 1000)} s: is it running, under this name, in the same ROS domain?`;
    }
  }

  status(status) {
    this.heard = performance.now();
    byId("alarm").hidden = true;
    byId("rate").textContent = `${tenth(status.rate_hz)} Hz`;
    byId("age").textContent = `${whole(status.age_p50_ms)} / ${whole(status.age_p95_ms)} ms`;
    const dropped = status.replaced + status.stale + status.superseded + status.rejected;
    byId("dropped").textContent = `${dropped} of ${status.received}`;
    this.facts([
      ["state", status.state],
      ["package", status.package],
      ["backend", status.backend],
      ["latency p50", `${whole(status.latency_p50_ms)} ms`],
      ["inference p50", `${whole(status.inference_p50_ms)} ms`],
      ["published", status.published],
      ["replaced", status.replaced],
      ["stale", status.stale],
      ["superseded", status.superseded],
      ["rejected", status.rejected],
    ]);
    byId("last-error").textContent = status.last_error ? `last error: ${status.last_error}` : "";
  }

  facts(pairs) {
    byId("facts").replaceChildren(...pairs.map(([name, value]) => (
      make("div", {}, make("dt", {}, name), make("dd", {}, String(value)))
    )));
  }

  /** Show the diagnostics; an entry that is open stays open. */
  diagnostics(entries) {
    for (const entry of entries) {
      const item = this.entries.get(entry.name) ?? this.addEntry(entry.name);
      item.element.dataset.level = entry.level;
      item.summary.textContent = `${entry.name}: ${entry.message}`;
      item.table.replaceChildren(...entry.values.map(([key, value]) => (
        make("tr", {}, make("td", {}, key), make("td", {}, value))
      )));
      if (entry.name.endsWith("inference")) this.paused(entry.message.startsWith("paused"));
    }
  }

  addEntry(name) {
    const summary = make("summary");
    const table = make("table");
    const element = make("li", {}, make("details", {}, summary, table));
    const item = { element, summary, table };
    this.entries.set(name, item);
    byId("diagnostics").append(element);
    return item;
  }

  paused(paused) {
    const button = byId("enable");
    button.textContent = paused ? "Resume segmenting" : "Stop segmenting";
    button.toggleAttribute("data-paused", paused);
  }
}
