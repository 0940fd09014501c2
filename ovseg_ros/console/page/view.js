// The live view: frame, label colours over it, and what is under the cursor.

import { byId, rgb } from "./dom.js";

const FILL = 0.75; // of the opacity, so that borders stand out
const KEY_STEP_PX = 8;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class View {
  constructor() {
    this.canvas = byId("view");
    this.context = this.canvas.getContext("2d");
    this.layer = document.createElement("canvas");
    this.moment = null;
    this.labels = new Map();
    this.hidden = new Set();
    this.opacity = 0.5;
    this.cursor = null;
    this.canvas.addEventListener("pointermove", (event) => this.point(event));
    this.canvas.addEventListener("pointerdown", (event) => this.point(event));
    this.canvas.addEventListener("pointerleave", () => this.moveTo(null));
    this.canvas.addEventListener("keydown", (event) => this.key(event));
    this.canvas.addEventListener("blur", () => this.moveTo(null));
  }

  show(moment) {
    this.moment?.image.close();
    this.moment = moment;
    byId("waiting").hidden = true;
    this.paint();
    this.draw();
  }

  /** Take the labels in force. Ids keep their names, so older ones stay readable. */
  setLabels(labels, anew) {
    if (anew) this.labels.clear();
    for (const label of labels) if (label.id) this.labels.set(label.id, label);
    this.repaint();
  }

  setHidden(names) {
    this.hidden = names;
    this.repaint();
  }

  setOpacity(opacity) {
    this.opacity = opacity;
    this.repaint();
  }

  repaint() {
    if (!this.moment) return;
    this.paint();
    this.draw();
  }

  /** Put the label colours of the mask into the layer, with a line around every region. */
  paint() {
    const mask = this.moment.mask;
    if (!mask) return;
    const { ids, width, height } = mask;
    if (this.layer.width !== width || this.layer.height !== height || !this.pixels) {
      this.layer.width = width;
      this.layer.height = height;
      this.pixels = this.layer.getContext("2d").createImageData(width, height);
      this.words = new Uint32Array(this.pixels.data.buffer);
    }
    const [fill, line] = this.palettes(ids instanceof Uint16Array ? 65536 : 256);
    const words = this.words;
    for (let y = 0, i = 0; y < height; y++) {
      const below = y + 1 < height ? width : 0;
      for (let x = 0; x < width; x++, i++) {
        const id = ids[i];
        const border = ids[i + below] !== id || (x + 1 < width && ids[i + 1] !== id);
        words[i] = border ? line[id] : fill[id];
      }
    }
    this.layer.getContext("2d").putImageData(this.pixels, 0, 0);
  }

  palettes(size) {
    const fill = new Uint32Array(size);
    const line = new Uint32Array(size);
    const fillAlpha = Math.round(255 * FILL * this.opacity);
    const lineAlpha = Math.round(255 * Math.min(1, 1.8 * this.opacity));
    for (const [id, label] of this.labels) {
      if (this.hidden.has(label.name)) continue;
      const [red, green, blue] = label.color;
      const color = red | (green << 8) | (blue << 16);
      fill[id] = (color | (fillAlpha << 24)) >>> 0;
      line[id] = (color | (lineAlpha << 24)) >>> 0;
    }
    return [fill, line];
  }

  draw() {
    const { image, mask } = this.moment;
    if (this.canvas.width !== image.width || this.canvas.height !== image.height) {
      this.canvas.width = image.width;
      this.canvas.height = image.height;
    }
    this.context.drawImage(image, 0, 0);
    if (mask) {
      this.context.imageSmoothingEnabled = false;
      this.context.drawImage(this.layer, 0, 0, this.canvas.width, this.canvas.height);
    }
    this.read();
  }

  point(event) {
    const box = this.canvas.getBoundingClientRect();
    // The picture is fitted into the box of the element, with bars on two sides.
    const scale = Math.min(box.width / this.canvas.width, box.height / this.canvas.height);
    const x = (event.clientX - box.left - (box.width - scale * this.canvas.width) / 2) / scale;
    const y = (event.clientY - box.top - (box.height - scale * this.canvas.height) / 2) / scale;
    const inside = x >= 0 && y >= 0 && x < this.canvas.width && y < this.canvas.height;
    this.moveTo(inside ? { x, y } : null);
  }

  key(event) {
    const arrow = ARROWS[event.key];
    if (!arrow || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const step = event.shiftKey ? 1 : KEY_STEP_PX;
    const from = this.cursor ?? { x: this.canvas.width / 2, y: this.canvas.height / 2 };
    const clip = (value, most) => Math.max(0, Math.min(most - 1, value));
    this.moveTo({
      x: clip(from.x + step * arrow[0], this.canvas.width),
      y: clip(from.y + step * arrow[1], this.canvas.height),
    });
  }

  moveTo(cursor) {
    this.cursor = cursor;
    if (this.moment) this.draw();
  }

  /** Say what is under the cursor, beside it and below the view, and mark the place. */
  read() {
    const tip = byId("tip");
    tip.hidden = !this.cursor;
    if (!this.cursor) return;
    const { name, color, percent } = this.at(this.cursor);
    const text = percent === null ? name : `${name} ${percent} %`;
    tip.textContent = text;
    tip.style.borderColor = color;
    if (byId("reading").textContent !== text) byId("reading").textContent = text;
    this.mark(this.cursor);
    this.placeTip(tip);
  }

  at({ x, y }) {
    const { mask, confidence } = this.moment;
    if (!mask) return { name: "no mask", color: "", percent: null };
    const value = (part) => {
      const column = Math.floor((x / this.canvas.width) * part.width);
      const row = Math.floor((y / this.canvas.height) * part.height);
      return part.ids[row * part.width + column];
    };
    const id = value(mask);
    if (id === 0) return { name: "no label", color: "", percent: null };
    const label = this.labels.get(id);
    const percent = confidence ? Math.round((100 * value(confidence)) / 255) : null;
    return { name: label ? label.name : `id ${id}`, color: label ? rgb(label.color) : "", percent };
  }

  mark({ x, y }) {
    const arm = this.canvas.width / 60;
    this.context.strokeStyle = "#fff";
    this.context.lineWidth = Math.max(1, this.canvas.width / 500);
    this.context.beginPath();
    this.context.moveTo(x - arm, y);
    this.context.lineTo(x + arm, y);
    this.context.moveTo(x, y - arm);
    this.context.lineTo(x, y + arm);
    this.context.stroke();
  }

  placeTip(tip) {
    const box = this.canvas.getBoundingClientRect();
    const outer = byId("frame").getBoundingClientRect();
    const scale = Math.min(box.width / this.canvas.width, box.height / this.canvas.height);
    const left = box.left - outer.left + (box.width - scale * this.canvas.width) / 2 + scale * this.cursor.x;
    const top = box.top - outer.top + (box.height - scale * this.canvas.height) / 2 + scale * this.cursor.y;
    const most = outer.width - tip.offsetWidth - 4;
    tip.style.left = `${Math.max(4, Math.min(most, left + 14))}px`;
    tip.style.top = `${Math.max(4, top - tip.offsetHeight - 10)}px`;
  }
}
