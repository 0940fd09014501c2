// The WebSocket to the console: requests with replies, news, frames; it comes back when it is lost.

const FIRST_PAUSE_MS = 400;
const LONGEST_PAUSE_MS = 5000;

export class Connection {
  /** `on` has the functions hello, news(message), frame(buffer) and link(state, why). */
  constructor(on) {
    this.on = on;
    this.waiting = new Map();
    this.number = 0;
    this.pauseMs = FIRST_PAUSE_MS;
    this.open();
  }

  open() {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    this.socket = new WebSocket(`${scheme}://${location.host}/socket`);
    this.socket.binaryType = "arraybuffer";
    this.socket.onmessage = (event) => this.receive(event.data);
    this.socket.onclose = (event) => this.lost(event.reason);
  }

  receive(data) {
    if (typeof data !== "string") {
      this.on.frame(data);
      return;
    }
    const message = JSON.parse(data);
    if (message.type === "reply") {
      this.waiting.get(message.id)?.(message);
      this.waiting.delete(message.id);
    } else if (message.type === "hello") {
      this.pauseMs = FIRST_PAUSE_MS;
      this.on.link("live", "connected");
      this.on.hello(message);
    } else {
      this.on.news(message);
    }
  }

  lost(reason) {
    for (const settle of this.waiting.values()) settle({ ok: false, message: "the connection was lost" });
    this.waiting.clear();
    this.on.link("lost", reason ? `closed: ${reason}` : "connection lost");
    setTimeout(() => this.open(), this.pauseMs);
    this.pauseMs = Math.min(LONGEST_PAUSE_MS, this.pauseMs * 2);
  }

  /** Send without waiting for an answer. */
  send(type, fields = {}) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify({ type, ...fields }));
  }

  /** Send, and return a promise of the reply {ok, message, ...}; it is never rejected. */
  ask(type, fields = {}) {
    if (this.socket.readyState !== WebSocket.OPEN) {
      return Promise.resolve({ ok: false, message: "not connected to the console" });
    }
    const id = ++this.number;
    this.send(type, { id, ...fields });
    return new Promise((settle) => this.waiting.set(id, settle));
  }
}
