// Adapters: who chooses them, and their weights over time.

import { byId, make, say } from "./dom.js";

const SPAN_MS = 120000;
const COLORS = ["#35c9a5", "#7aa5ff", "#ffb454", "#e883d0", "#b4e061", "#ff6b6b", "#9d8cff", "#5fd4f4"];

export class Adapters {
  constructor(connection) {
    this.connection = connection;
    this.mixes = [];
    this.colors = new Map();
    this.mode = byId("adapter-mode");
    this.chart = byId("adapter-chart");
    this.mode.addEventListener("change", () => this.choose());
    byId("adapter-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.ask(byId("adapter-text").value.trim());
    });
    new ResizeObserver(() => this.draw()).observe(this.chart);
  }

  choose() {
    const pinned = this.mode.value === "pinned";
    this.showText(pinned);
    if (pinned) byId("adapter-text").focus();
    else this.ask(this.mode.value);
  }

  showText(shown) {
    byId("adapter-text").hidden = !shown;
    byId("adapter-apply").hidden = !shown;
  }

  async ask(text) {
    if (!text) return;
    const reply = await this.connection.ask("adapter", { text });
    say(byId("adapter-answer"), reply.message, reply.ok ? "good" : "bad");
  }

  setMixes(mixes) {
    this.mixes = mixes;
    this.draw();
  }

  status(status) {
    const { time_ms, adapter_names: names, adapter_weights: weights, adapter_mode: mode } = status;
    const mix = Object.fromEntries(names.map((name, i) => [name, weights[i]]));
    this.mixes.push({ time_ms, weights: mix });
    const recent = this.mixes.filter((entry) => entry.time_ms > time_ms - SPAN_MS);
    this.mixes = recent;
    // Whoever is choosing at this moment is not overruled.
    const choosing = this.mode === document.activeElement || byId("adapter-form").contains(document.activeElement);
    if (mode && !choosing) {
      this.mode.value = mode;
      this.showText(mode === "pinned");
    }
    this.legend(mix, status.adapter_gate);
    this.draw();
  }

  color(name) {
    if (!this.colors.has(name)) {
      this.colors.set(name, COLORS[this.colors.size % COLORS.length]);
      byId("adapter-names").append(make("option", { value: name }));
    }
    return this.colors.get(name);
  }

  legend(mix, gate) {
    const entries = Object.entries(mix).sort((one, other) => other[1] - one[1]);
    const total = entries.reduce((sum, [, weight]) => sum + weight, 0);
    const chips = entries.map(([name, weight]) => make(
      "span", { className: "legend", "--swatch": this.color(name) }, `${name} ${Math.round(100 * weight)} %`,
    ));
    if (total < 0.995) {
      const reason = gate ? ` (${gate})` : "";
      chips.push(make("span", { className: "legend", "--swatch": "#3a4a57" }, `base model ${Math.round(100 * (1 - total))} %${reason}`));
    }
    byId("adapter-legend").replaceChildren(...chips);
  }

  /** Draw the weights as stacked areas; what is left free is the base model. */
  draw() {
    const ratio = window.devicePixelRatio || 1;
    const width = Math.round(this.chart.clientWidth * ratio);
    const height = Math.round(this.chart.clientHeight * ratio);
    if (!width || !height) return;
    this.chart.width = width;
    this.chart.height = height;
    const context = this.chart.getContext("2d");
    const last = this.mixes.at(-1)?.time_ms ?? 0;
    const x = (time) => width * (1 - (last - time) / SPAN_MS);
    const names = [...new Set(this.mixes.flatMap((mix) => Object.keys(mix.weights)))];
    this.mixes.forEach((mix, index) => {
      const from = x(mix.time_ms);
      const until = x(this.mixes[index + 1]?.time_ms ?? last + 1000);
      let bottom = height;
      for (const name of names) {
        const tall = (mix.weights[name] ?? 0) * height;
        context.fillStyle = this.color(name);
        context.fillRect(from, bottom - tall, Math.ceil(until - from) + 0.5, tall);
        bottom -= tall;
      }
    });
    this.caption(context, "2 min ago", 4 * ratio, "left", ratio);
    this.caption(context, "now", width - 4 * ratio, "right", ratio);
  }

  /** Write above whatever colours are there. */
  caption(context, text, at, align, ratio) {
    context.font = `600 ${11 * ratio}px system-ui, sans-serif`;
    context.textAlign = align;
    context.strokeStyle = "#0b1016";
    context.lineWidth = 3 * ratio;
    context.strokeText(text, at, 14 * ratio);
    context.fillStyle = "#e8eef3";
    context.fillText(text, at, 14 * ratio);
  }
}
