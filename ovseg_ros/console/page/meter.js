// How fast this page is: frames and bytes a second, and the time from the camera to the screen.

import { byId } from "./dom.js";

const SPAN_MS = 3000;
const MOST_CREDIBLE_MS = 60000;

export class Meter {
  constructor() {
    this.shows = [];
    // The clocks of two machines differ: the fastest way that was seen so far is taken for no time.
    this.offset = Infinity;
    setInterval(() => this.report(), 500);
  }

  /** Milliseconds since 1970, finer than Date.now(). */
  now() {
    return performance.timeOrigin + performance.now();
  }

  shown(header, bytes, received) {
    const drawn = this.now();
    this.offset = Math.min(this.offset, received - header.encoded_ms);
    const stamp = Number(BigInt(header.stamp_ns) / 1000n) / 1000;
    this.shows.push({ drawn, bytes, delay: drawn - this.offset - stamp });
    // For whoever measures from outside.
    const detail = { frame: header.frame, stamp, drawn, bytes };
    document.dispatchEvent(new CustomEvent("frame-shown", { detail }));
  }

  report() {
    const now = this.now();
    this.shows = this.shows.filter((show) => show.drawn > now - SPAN_MS);
    const count = this.shows.length;
    if (!count) {
      byId("traffic").textContent = "–";
      byId("delay").textContent = "–";
      return;
    }
    const bytes = this.shows.reduce((sum, show) => sum + show.bytes, 0);
    const seconds = SPAN_MS / 1000;
    byId("traffic").textContent = `${(count / seconds).toFixed(0)} Hz ${(bytes / seconds / 1e3).toFixed(0)} kB/s`;
    const delay = this.shows.map((show) => show.delay).sort((one, other) => one - other)[count >> 1];
    // Played bags and simulated time have stamps of another day.
    byId("delay").textContent = Math.abs(delay) < MOST_CREDIBLE_MS ? `${delay.toFixed(0)} ms` : "–";
  }
}
