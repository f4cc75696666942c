// The image with score map, masks and what was dropped.

import { fit, pill } from "./canvas.js";

const QUIET = "#becada";

export class CameraView {
  constructor(canvas, drive, onPick) {
    this.canvas = canvas;
    this.drive = drive;
    this.shapes = [];
    canvas.addEventListener("click", (event) => {
      const hit = this.at(event.offsetX, event.offsetY);
      if (hit) onPick(hit.track);
    });
  }

  async draw(frame, view) {
    const score = view.score && frame.data.has_score ? await frame.score() : null;
    const { context, width, height } = fit(this.canvas);
    const [w, h] = frame.data.size[0] ? frame.data.size : [16, 9];
    const scale = Math.min(width / w, height / h);
    const left = (width - w * scale) / 2;
    const top = (height - h * scale) / 2;
    this.shapes = [];
    context.save();
    context.translate(left, top);
    if (frame.picture) context.drawImage(frame.picture, 0, 0, w * scale, h * scale);
    else this.#say(context, w * scale, h * scale, "no picture was stored");
    if (score) context.drawImage(heat(score, view.cut, this.drive.rarity_limit), 0, 0, w * scale, h * scale);
    context.lineJoin = "round";
    const said = [];
    if (view.dropped) for (const item of frame.data.dropped) this.#dropped(context, item, scale, w * scale, said);
    if (view.masks) {
      for (const mask of frame.data.masks) this.#mask(context, mask, scale, view.selected);
      for (const mask of frame.data.masks) this.#label(context, mask, scale, w * scale, view.selected);
    }
    context.restore();
    this.offset = [left, top];
  }

  at(x, y) {
    const context = this.canvas.getContext("2d");
    const ratio = window.devicePixelRatio || 1;
    context.setTransform(1, 0, 0, 1, 0, 0);
    const [left, top] = this.offset ?? [0, 0];
    const hit = this.shapes.find(({ path }) => context.isPointInPath(path, x - left, y - top));
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    return hit && hit.mask.track !== null ? hit.mask : null;
  }

  #colour(mask) {
    return mask.level === null ? QUIET : this.drive.levels[mask.level].colour;
  }

  #mask(context, mask, scale, selected) {
    const path = outline(mask.rings, scale);
    const colour = this.#colour(mask);
    const on = mask.track !== null && mask.track === selected;
    context.globalAlpha = on ? 0.5 : mask.level === null ? 0.1 : 0.28;
    context.fillStyle = colour;
    context.fill(path, "evenodd");
    context.globalAlpha = 1;
    context.strokeStyle = "#0a0d12aa";
    context.lineWidth = on ? 5 : 3;
    context.stroke(path);
    context.strokeStyle = colour;
    context.lineWidth = on ? 3 : 1.5;
    context.stroke(path);
    this.shapes.unshift({ path, mask });
  }

  #label(context, mask, scale, width, selected) {
    if (mask.track === null && mask.track !== selected) return;
    const text = `#${mask.track}`;
    const x = Math.min(mask.box[0] * scale, width - 40);
    pill(context, text, x, Math.max(0, mask.box[1] * scale - 22), this.#colour(mask));
  }

  // said: where words stand already; others go above them.
  #dropped(context, item, scale, width, said) {
    context.strokeStyle = "#ff9a62";
    context.lineWidth = 1.2;
    context.setLineDash([4, 3]);
    context.stroke(outline(item.rings, scale));
    context.setLineDash([]);
    const ring = item.rings[0];
    if (!ring) return;
    context.font = "11px system-ui, sans-serif";
    context.fillStyle = "#ffb48a";
    context.textBaseline = "bottom";
    const text = `${item.reason.replaceAll("_", " ")} ${item.evidence.toFixed(2)}`;
    const long = context.measureText(text).width;
    const x = Math.max(0, Math.min(ring[0] * scale, width - long));
    let y = Math.max(14, ring[1] * scale - 2);
    const meets = (other) => Math.abs(other.y - y) < 13 && x < other.end && other.x < x + long;
    for (let other; y > 27 && (other = said.find(meets)); ) y = other.y - 13;
    said.push({ x, y, end: x + long });
    context.fillText(text, x, y);
  }

  #say(context, width, height, text) {
    context.fillStyle = "#8e9bb0";
    context.font = "14px system-ui, sans-serif";
    context.textAlign = "center";
    context.fillText(text, width / 2, height / 2);
    context.textAlign = "left";
  }
}

function outline(rings, scale) {
  const path = new Path2D();
  for (const ring of rings) {
    for (let i = 0; i < ring.length; i += 2) path.lineTo(ring[i] * scale, ring[i + 1] * scale);
    path.closePath();
  }
  return path;
}

function heat(score, cut, limit) {
  // The grey score map as heat: clear under the cut, red to yellow above it.
  const canvas = new OffscreenCanvas(score.width, score.height);
  const context = canvas.getContext("2d");
  context.drawImage(score, 0, 0);
  const image = context.getImageData(0, 0, score.width, score.height);
  const from = (255 * cut) / limit;
  const pixels = image.data;
  for (let i = 0; i < pixels.length; i += 4) {
    const value = pixels[i];
    const share = value < from ? 0 : (value - from) / Math.max(255 - from, 1);
    pixels[i] = 255;
    pixels[i + 1] = 235 * share * share;
    pixels[i + 2] = 30;
    pixels[i + 3] = value < from ? 0 : 70 + 150 * share;
  }
  context.putImageData(image, 0, 0);
  return canvas;
}
