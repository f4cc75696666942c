// The hazards from above: the vehicle below the middle, its front upwards.

import { fit } from "./canvas.js";

const REACH_M = 45;
const BEHIND_M = 8;

export class GroundView {
  constructor(canvas, drive, onPick) {
    this.canvas = canvas;
    this.drive = drive;
    this.places = [];
    canvas.addEventListener("click", (event) => {
      const near = this.places
        .map(({ x, y, track }) => ({ track, away: Math.hypot(x - event.offsetX, y - event.offsetY) }))
        .sort((a, b) => a.away - b.away)[0];
      if (near && near.away < 20) onPick(near.track);
    });
  }

  draw(frame, view) {
    const { context, width, height } = fit(this.canvas);
    const scale = height / (REACH_M + BEHIND_M);
    const at = ([ahead, left]) => [width / 2 - left * scale, height - (ahead + BEHIND_M) * scale];
    context.font = "11px system-ui, sans-serif";
    context.textBaseline = "alphabetic";
    context.lineWidth = 1;
    for (const ring of [10, 20, 30, 40]) {
      context.strokeStyle = "#232d3c";
      context.beginPath();
      context.arc(...at([0, 0]), ring * scale, Math.PI, 2 * Math.PI);
      context.stroke();
      const [x, y] = at([ring, 0]);
      context.fillStyle = "#5d6c84";
      context.fillText(`${ring} m`, x + 4, y - 3);
    }
    shape(context, [[3, 1], [3, -1], [-1, -1], [-1, 1]].map(at));
    context.fillStyle = "#7c92b3";
    context.fill();
    shape(context, [[2.7, 0], [1.8, 0.55], [1.8, -0.55]].map(at));
    context.fillStyle = "#fff";
    context.fill();
    this.places = [];
    const hazards = [...frame.data.hazards].sort((a, b) => b.distance - a.distance);
    for (const hazard of hazards) this.#hazard(context, hazard, at, view.selected);
  }

  #hazard(context, hazard, at, selected) {
    const colour = this.drive.levels[hazard.level].colour;
    const corners = hazard.outline.map(at);
    const x = corners.reduce((sum, c) => sum + c[0], 0) / corners.length;
    const y = corners.reduce((sum, c) => sum + c[1], 0) / corners.length;
    shape(context, corners);
    context.fillStyle = colour + "66";
    context.fill();
    context.strokeStyle = colour;
    context.lineWidth = hazard.track === selected ? 3 : 1.3;
    if (hazard.state === "HELD") context.setLineDash([3, 2]);
    context.stroke();
    context.setLineDash([]);
    context.beginPath();
    context.arc(x, y, hazard.track === selected ? 5 : 3, 0, 2 * Math.PI);
    context.fillStyle = colour;
    context.fill();
    if (Math.hypot(...hazard.speed) > 0.2) {
      const origin = at([0, 0]);
      const tip = at(hazard.speed);
      context.beginPath();
      context.moveTo(x, y);
      context.lineTo(x + tip[0] - origin[0], y + tip[1] - origin[1]);
      context.stroke();
    }
    context.fillText(`#${hazard.track}`, x + 7, y + 4);
    this.places.push({ x, y, track: hazard.track });
  }
}

function shape(context, points) {
  context.beginPath();
  for (const point of points) context.lineTo(...point);
  context.closePath();
}
