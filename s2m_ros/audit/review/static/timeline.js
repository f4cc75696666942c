// The drive at a glance: highest level and state over time, triggers, the selected track.

import { fit } from "./canvas.js";

const BARS = 30;

export class TimeLine {
  constructor(canvas, drive, onSeek) {
    this.canvas = canvas;
    this.drive = drive;
    const seek = (event) => {
      if (event.buttons & 1) onSeek((event.offsetX / canvas.clientWidth) * this.length);
    };
    canvas.addEventListener("pointerdown", seek);
    canvas.addEventListener("pointermove", seek);
  }

  get length() {
    return Math.max(this.drive.duration, 1);
  }

  draw(now, tracks, selected) {
    const { context, width, height } = fit(this.canvas);
    const x = (ms) => (ms / this.length) * width;
    context.drawImage(this.#still(width, height, x), 0, 0, width, height);
    const lane = BARS + 9;
    for (const track of tracks) {
      const on = track.track === selected;
      if (!on && tracks.length > 400) continue;
      context.globalAlpha = on ? 1 : 0.22;
      context.fillStyle = this.drive.levels[track.level].colour;
      context.fillRect(x(track.first), on ? lane : lane + 2, Math.max(2, x(track.last) - x(track.first)), on ? 8 : 4);
    }
    context.globalAlpha = 1;
    context.fillStyle = "#ffffff";
    const place = Math.max(4, Math.min(width - 4, x(now)));
    context.fillRect(place - 1, 0, 2, height - 14);
    context.beginPath();
    context.arc(place, 4, 4, 0, 2 * Math.PI);
    context.fill();
  }

  // What no seek changes, drawn once for each size of the canvas.
  #still(width, height, x) {
    const { width: pixels, height: lines } = this.canvas;
    if (this.drawn?.width !== pixels || this.drawn?.height !== lines) {
      this.drawn = new OffscreenCanvas(pixels, lines);
      const context = this.drawn.getContext("2d");
      context.scale(pixels / width, lines / height);
      this.#moments(context, width, x);
      context.fillStyle = "#e8edf4";
      for (const trigger of this.drive.triggers) {
        context.fillRect(x(trigger.at), BARS + 20, 1.5, trigger.kind === "operator" ? 8 : 4);
      }
      this.#ticks(context, width, height, x);
    }
    return this.drawn;
  }

  #moments(context, width, x) {
    // One column a pixel, so that 10,000 instants cost no more than a thousand.
    const { at, level, state } = this.drive.moments;
    const columns = Math.max(1, Math.ceil(width));
    const worst = new Int8Array(columns).fill(-2);
    const states = new Int8Array(columns);
    const step = at.length > 1 ? Math.max(1, x(at[1]) - x(at[0])) : 2;
    for (let i = 0; i < at.length; i++) {
      const from = Math.floor(x(at[i]));
      const to = Math.min(columns, Math.max(from + 1, Math.ceil(x(at[i]) + Math.min(step, 40))));
      for (let c = from; c < to; c++) {
        worst[c] = Math.max(worst[c], level[i]);
        states[c] = Math.max(states[c], state[i]);
      }
    }
    for (let c = 0; c < columns; c++) {
      if (worst[c] === -2) continue;
      const tall = worst[c] < 0 ? 3 : 8 + worst[c] * 7;
      context.fillStyle = worst[c] < 0 ? "#2b3648" : this.drive.levels[worst[c]].colour;
      context.fillRect(c, BARS - tall, 1.02, tall);
      context.fillStyle = this.drive.states[states[c]].colour;
      context.fillRect(c, BARS + 2, 1.02, 3);
    }
  }

  #ticks(context, width, height, x) {
    const seconds = this.length / 1000;
    const rough = seconds / 10;
    const power = 10 ** Math.floor(Math.log10(Math.max(rough, 0.1)));
    const step = [1, 2, 5, 10].map((k) => k * power).find((k) => k >= rough) ?? power;
    context.font = "11px system-ui, sans-serif";
    context.textBaseline = "alphabetic";
    context.fillStyle = "#7b879b";
    for (let t = 0; t <= seconds; t += step) {
      const text = `${Math.round(t * 10) / 10} s`;
      const place = Math.min(x(t * 1000), width - context.measureText(text).width);
      context.fillText(text, place, height - 2);
    }
  }
}
