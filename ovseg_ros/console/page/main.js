// Puts the parts of the page together.

import { Adapters } from "./adapters.js";
import { Connection } from "./connection.js";
import { byId, toast } from "./dom.js";
import { Health } from "./health.js";
import { listenToKeys } from "./keys.js";
import { Labels } from "./labels.js";
import { Meter } from "./meter.js";
import { QueryBox } from "./query.js";
import { View } from "./view.js";
import { readMoment } from "./wire.js";

const OPACITY = "ovseg.opacity";
const view = new View();
const health = new Health();
const meter = new Meter();
let revision = 0;
let frozen = false;
let queryText = "";

const connection = new Connection({
  hello(hello) {
    byId("node").textContent = hello.node;
    byId("waiting").textContent = `waiting for frames on ${hello.image_topic}`;
    byId("save").disabled = !hello.save;
    byId("save").title = hello.save ? "" : "start the console with --save DIR";
    health.node = hello.node;
    adapters.setMixes(hello.mixes);
    watch();
  },
  news(message) {
    if (message.type === "labels") showLabels(message);
    else if (message.type === "status") {
      health.status(message);
      adapters.status(message);
    } else if (message.type === "diagnostics") health.diagnostics(message.entries);
  },
  frame: showFrame,
  link(state, why) {
    byId("link").dataset.state = state;
    byId("link").textContent = why;
  },
});

const adapters = new Adapters(connection);
const query = new QueryBox(connection, () => labels.text);
const labels = new Labels(changeLabels, (names) => view.setHidden(names));

function showLabels(message) {
  view.setLabels(message.labels, message.revision < revision);
  revision = message.revision;
  labels.set(message.labels, revision);
  queryText = labels.text;
}

/** A refusal puts the sliders back to where they were. */
async function changeLabels(changed) {
  if (!(await query.change(changed))) labels.set(labels.list, revision);
}

async function showFrame(buffer) {
  const received = meter.now();
  try {
    const moment = await readMoment(buffer);
    // A picture that was on its way when the view was frozen would not be the one that is looked at.
    if (frozen) moment.image.close();
    else {
      view.show(moment);
      meter.shown(moment.header, buffer.byteLength, received);
    }
  } catch (error) {
    toast(`a frame could not be shown: ${error.message}`, "bad");
  }
  if (!frozen) connection.send("shown");
}

/** Tell the console whether anybody looks: if not, nothing is sent, and nothing is subscribed to. */
function watch() {
  const watching = !frozen && !document.hidden;
  connection.send("watch", { on: watching });
  if (watching) connection.send("shown");
}

function freeze() {
  frozen = !frozen;
  byId("freeze").setAttribute("aria-pressed", String(frozen));
  byId("frozen").hidden = !frozen;
  watch();
}

async function save() {
  if (byId("save").disabled) return toast("nothing is saved here: start the console with --save DIR", "bad");
  if (!view.moment) return toast("there is no frame yet", "bad");
  const reply = await connection.ask("save", { frame: view.moment.header.frame, text: queryText });
  return toast(reply.message, reply.ok ? "good" : "bad");
}

async function enable() {
  const paused = byId("enable").hasAttribute("data-paused");
  const reply = await connection.ask("enable", { on: paused });
  if (reply.ok) health.paused(!paused);
  toast(reply.message, reply.ok ? "good" : "bad");
}

function setOpacity(percent) {
  view.setOpacity(percent / 100);
  try {
    localStorage.setItem(OPACITY, percent);
  } catch {
    // It is only a preference.
  }
}

function lastOpacity() {
  try {
    return Number(localStorage.getItem(OPACITY) ?? 50);
  } catch {
    return 50;
  }
}

byId("opacity").value = lastOpacity();
setOpacity(Number(byId("opacity").value));
byId("opacity").addEventListener("input", (event) => setOpacity(Number(event.target.value)));
byId("freeze").addEventListener("click", freeze);
byId("save").addEventListener("click", save);
byId("enable").addEventListener("click", enable);
document.addEventListener("visibilitychange", watch);
listenToKeys({ freeze, save, focusQuery: () => byId("query").focus() });
