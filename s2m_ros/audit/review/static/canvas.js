// What all drawings share.

export function fit(canvas) {
  // Pixels of the screen behind the canvas; returns its context and its size in CSS pixels.
  const ratio = window.devicePixelRatio || 1;
  const width = canvas.clientWidth;
  const height = canvas.clientHeight;
  if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
  if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio);
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return { context, width, height };
}

export function ink(colour) {
  // Dark or light letters, whichever stands out on '#rrggbb'.
  const [r, g, b] = [1, 3, 5].map((i) => parseInt(colour.slice(i, i + 2), 16));
  return 0.299 * r + 0.587 * g + 0.114 * b > 140 ? "#101216" : "#ffffff";
}

export function pill(context, text, x, y, colour) {
  context.font = "600 12px system-ui, sans-serif";
  const width = context.measureText(text).width + 12;
  context.fillStyle = colour;
  context.beginPath();
  context.roundRect(x, y, width, 19, 5);
  context.fill();
  context.fillStyle = ink(colour);
  context.textBaseline = "middle";
  context.fillText(text, x + 6, y + 10);
  return width;
}
