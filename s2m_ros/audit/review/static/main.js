// The page: what is shown, what the keys do.

import { Frames, get, post } from "./api.js";
import { CameraView } from "./camera.js";
import { ink } from "./canvas.js";
import { GroundView } from "./ground.js";
import { TimeLine } from "./timeline.js";
import { Detail, TrackList, element } from "./tracks.js";

const PLAY_MS = 100;
const STEPS = 10;
const $ = (id) => document.getElementById(id);

const drive = await get("/api/drive");
const frames = new Frames();
const view = { camera: Object.keys(drive.cameras)[0], index: 0, selected: null, masks: true, dropped: false, score: false, cut: 2 };
const front = new CameraView($("front"), drive, pick);
const ground = new GroundView($("ground"), drive, pick);
const line = new TimeLine($("time"), drive, (ms) => show(nearest(ms)));
const list = new TrackList(drive, pick, filter);
const detail = new Detail(drive, label);
let tracks = [];
let playing = null;
let turn = 0;
let saving = Promise.resolve();

function stamps() {
  return drive.cameras[view.camera] ?? [];
}

function nearest(ms) {
  const at = stamps();
  let low = 0;
  let high = at.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (at[middle] <= ms) low = middle;
    else high = middle;
  }
  return Math.abs(at[low] - ms) <= Math.abs(at[high] - ms) ? low : high;
}

async function show(index) {
  const before = view.index;
  view.index = Math.max(0, Math.min(stamps().length - 1, index));
  const mine = ++turn;
  const began = performance.now();
  let frame;
  try {
    frame = await frames.get(view.camera, view.index);
  } catch (error) {
    return tell(error.message);
  }
  if (mine !== turn) return; // a later one overtook it
  await paint(frame);
  document.body.dataset.frame = view.index;
  document.body.dataset.seekMs = (performance.now() - began).toFixed(1);
  // Who steps will step on; after a jump what lies beside it would keep the next jump waiting.
  const moved = view.index - before;
  if (Math.abs(moved) <= STEPS) frames.ahead(view.camera, view.index, stamps().length, moved < 0 ? -1 : 1);
}

async function paint(frame) {
  frame ??= await frames.get(view.camera, view.index);
  const ms = stamps()[view.index] ?? 0;
  $("when").textContent = `${(ms / 1000).toFixed(1)} s`;
  const state = drive.states.find((s) => s.name === frame.data.state) ?? drive.states[0];
  $("state").textContent = frame.data.reason ? `${state.name}: ${frame.data.reason}` : state.name;
  $("state").style.background = state.colour;
  $("state").style.color = ink(state.colour);
  $("cut-shown").textContent = view.cut.toFixed(1);
  await front.draw(frame, view);
  ground.draw(frame, view);
  line.draw(ms, tracks, view.selected);
}

function filter() {
  tracks = list.shown();
  list.draw(tracks, view.selected);
  const said = drive.tracks.filter((t) => t.verdict).length;
  $("progress").textContent = `${tracks.length} of ${drive.tracks.length} tracks, ${said} marked`;
  return paint();
}

function pick(number, seek = false) {
  view.selected = number;
  list.select(number);
  const track = drive.tracks.find((t) => t.track === number);
  detail.draw(track);
  return track && seek ? show(nearest(track.nearest)) : paint();
}

function step(by) {
  if (!tracks.length) return;
  const now = tracks.findIndex((t) => t.track === view.selected);
  const next = now < 0 ? 0 : Math.max(0, Math.min(tracks.length - 1, now + by));
  pick(tracks[next].track, true);
}

async function label(change) {
  const track = drive.tracks.find((t) => t.track === view.selected);
  if (!track) return tell("pick a track first");
  const before = { verdict: track.verdict, name: track.name };
  Object.assign(track, change); // at once: what is said next goes with it
  const said = { track: track.track, verdict: track.verdict, name: track.name };
  const mine = (saving = saving.catch(() => {}).then(() => post("/api/label", said)));
  try {
    const told = await mine;
    if (saving !== mine) return; // a later one brings both
    drive.tracks = told;
  } catch (error) {
    Object.assign(track, before);
    return tell(error.message);
  }
  list.update();
  await filter();
  await detail.draw(drive.tracks.find((t) => t.track === view.selected));
}

async function exported(kind) {
  tell("writing …");
  try {
    const made = await post("/api/export", { kind });
    tell(`${made.images} images, ${made.objects} objects: ${made.path}`);
  } catch (error) {
    tell(error.message);
  }
}

function tell(text) {
  $("told").textContent = text;
}

function play() {
  if (playing) clearInterval(playing);
  playing = playing ? null : setInterval(() => (view.index + 1 < stamps().length ? show(view.index + 1) : play()), PLAY_MS);
  $("play").textContent = playing ? "❚❚" : "▶";
}

function toggle(name) {
  view[name] = !view[name];
  $(name).checked = view[name];
  paint();
}

function cut(by) {
  view.cut = Math.max(0, Math.min(6.5, view.cut + by));
  $("cut").value = Math.round(view.cut * 10);
  if (!view.score) toggle("score");
  else paint();
}

function camera(name) {
  const ms = stamps()[view.index] ?? 0;
  view.camera = name;
  $("camera").value = name;
  show(nearest(ms));
}

function nextCamera() {
  const names = Object.keys(drive.cameras);
  camera(names[(names.indexOf(view.camera) + 1) % names.length]);
}

const KEYS = {
  ArrowLeft: ["previous image; with Shift ten", (e) => show(view.index - (e.shiftKey ? 10 : 1))],
  ArrowRight: ["next image; with Shift ten", (e) => show(view.index + (e.shiftKey ? 10 : 1))],
  ArrowDown: ["next track", () => step(1)],
  ArrowUp: ["track before", () => step(-1)],
  j: ["next track", () => step(1)],
  k: ["track before", () => step(-1)],
  " ": ["play, pause", play],
  t: ["mark the track true: a real unknown object", () => label({ verdict: "true" })],
  f: ["mark it false: there is none", () => label({ verdict: "false" })],
  u: ["unmark it", () => label({ verdict: "", name: "" })],
  l: ["label it", () => $("label")?.select()],
  n: ["next track that nobody looked at", () => step(1 + tracks.slice(1 + tracks.findIndex((t) => t.track === view.selected)).findIndex((t) => !t.verdict))],
  s: ["score map", () => toggle("score")],
  "[": ["score from a lower rarity", () => cut(-0.5)],
  "]": ["score from a higher rarity", () => cut(0.5)],
  m: ["masks", () => toggle("masks")],
  d: ["what was dropped, and why", () => toggle("dropped")],
  c: ["next camera", nextCamera],
  "?": ["these keys", () => $("keys").showModal()],
};

document.addEventListener("keydown", (event) => {
  const typing = ["INPUT", "SELECT"].includes(event.target.tagName) && !["checkbox", "range"].includes(event.target.type);
  if (typing && event.key === "Enter") event.target.blur();
  if (typing && event.key === "Escape") event.target.blur();
  if (typing || event.ctrlKey || event.metaKey || event.altKey || $("keys").open) return;
  const key = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!key) return;
  event.preventDefault();
  key[1](event);
});

document.title = `${drive.name}: s2m review`;
$("name").textContent = `${drive.name}, ${(drive.duration / 1000).toFixed(0)} s, ${drive.model}`;
for (const name of Object.keys(drive.cameras)) $("camera").append(element("option", { value: name }, `camera ${name}`));
$("keylist").append(...Object.entries(KEYS).flatMap(([key, [what]]) => [element("dt", {}, key === " " ? "Space" : key.toUpperCase().replace("ARROW", "")), element("dd", {}, what)]));
$("camera").addEventListener("change", (event) => camera(event.target.value));
for (const name of ["masks", "dropped", "score"]) $(name).addEventListener("change", () => { view[name] = $(name).checked; paint(); });
$("cut").addEventListener("input", () => { view.cut = Number($("cut").value) / 10; view.score = $("score").checked = true; paint(); });
$("play").addEventListener("click", play);
$("help").addEventListener("click", () => $("keys").showModal());
$("coco").addEventListener("click", () => exported("coco"));
$("training").addEventListener("click", () => exported("training"));
window.addEventListener("resize", () => paint());

list.update();
tracks = list.shown();
list.draw(tracks, null);
await show(tracks.length ? nearest(tracks[0].nearest) : 0);
await filter();
if (tracks.length) pick(tracks[0].track);
document.body.dataset.ready = "1";
