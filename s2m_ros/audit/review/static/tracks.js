// The list of tracks, its filters, and what is known of the selected one. Text is set as text.

import { get } from "./api.js";
import { ink } from "./canvas.js";

export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "colour") {
      made.style.background = value;
      made.style.color = ink(value);
    } else if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

export class TrackList {
  constructor(drive, onPick, onFilter) {
    this.drive = drive;
    this.list = document.getElementById("tracks");
    this.onPick = onPick;
    this.inputs = Object.fromEntries(
      ["level", "reason", "category", "size"].map((id) => [id, document.getElementById(id)]),
    );
    drive.levels.forEach((level, i) => this.inputs.level.append(element("option", { value: i }, `${level.name.toLowerCase()} and up`)));
    for (const input of Object.values(this.inputs)) input.addEventListener("input", onFilter);
    this.list.addEventListener("click", (event) => {
      const row = event.target.closest("li");
      if (row?.dataset.track) onPick(Number(row.dataset.track), true);
    });
  }

  update() {
    // New reasons and names appear in the filters; what was chosen stays chosen.
    const reasons = [...new Set(this.drive.tracks.flatMap((t) => t.reasons))].sort();
    const names = [...new Set(this.drive.tracks.map((t) => t.name).filter(Boolean))].sort();
    options(this.inputs.reason, [["", "any reason"], ...reasons.map((r) => [r, this.drive.words[r] ?? r])]);
    options(this.inputs.category, [
      ["", "all"],
      ["open", "not looked at"],
      ["true", "marked true"],
      ["false", "marked false"],
      ...names.map((name) => [`name:${name}`, name]),
    ]);
  }

  shown() {
    const { level, reason, category, size } = this.inputs;
    return this.drive.tracks.filter(
      (t) =>
        t.level >= Number(level.value) &&
        t.size >= Number(size.value || 0) &&
        (!reason.value || t.reasons.includes(reason.value)) &&
        fits(t, category.value),
    );
  }

  draw(tracks, selected) {
    this.list.replaceChildren(...tracks.map((track) => this.#row(track, selected)));
    if (!tracks.length) this.list.append(element("li", {}, element("i"), element("span", {}, "no track passes the filters")));
  }

  select(track) {
    for (const row of this.list.children) {
      const on = row.dataset.track === String(track);
      row.classList.toggle("on", on);
      if (on) row.scrollIntoView({ block: "nearest" });
    }
  }

  #row(t, selected) {
    const level = this.drive.levels[t.level];
    const row = element("li", { class: t.track === selected ? "on" : "", "data-track": t.track });
    const bar = element("i");
    bar.style.background = level.colour;
    const title = element("b", {}, `#${t.track} ${t.name || level.name.toLowerCase()}`);
    const about = element("span", {}, ` ${t.distance.toFixed(1)} m, ${(t.nearest / 1000).toFixed(1)} s`);
    row.append(bar, element("div", {}, title, about));
    row.append(t.verdict ? element("span", { class: `said ${t.verdict}` }, t.verdict) : element("span"));
    row.append(element("span", { class: "words" }, t.text));
    return row;
  }
}

function fits(track, wanted) {
  if (!wanted) return true;
  if (wanted === "open") return !track.verdict;
  return wanted.startsWith("name:") ? track.name === wanted.slice(5) : track.verdict === wanted;
}

function options(select, pairs) {
  const before = select.value;
  select.replaceChildren(...pairs.map(([value, text]) => element("option", { value }, text)));
  select.value = pairs.some(([value]) => value === before) ? before : "";
}

export class Detail {
  constructor(drive, onLabel) {
    this.drive = drive;
    this.place = document.getElementById("detail");
    this.onLabel = onLabel;
    this.chains = new Map();
  }

  async draw(track) {
    if (!track) {
      this.track = null;
      this.place.replaceChildren(element("p", { class: "muted" }, "Pick a track in the list, in the image or from above."));
      return;
    }
    if (this.track === track.track) return this.#said(track); // what is being typed stays
    this.track = track.track;
    const level = this.drive.levels[track.level];
    const verdict = (value, key, text) =>
      element(
        "button",
        {
          class: value, title: key,
          onclick: (event) => this.onLabel({ verdict: event.target.classList.contains("on") ? "" : value }),
        },
        text,
      );
    const name = element("input", {
      id: "label", placeholder: "label (L)", maxlength: 80, value: track.name,
      onchange: (event) => this.onLabel({ name: event.target.value }),
    });
    const chain = element("div", { id: "chain" });
    this.place.replaceChildren(
      element("h2", {}, `Track ${track.track}`, element("span", { class: "level", colour: level.colour }, level.name)),
      element("div", { class: "verdicts" }, verdict("true", "T", "true"), verdict("false", "F", "false"), name),
      element("p", {}, track.text),
      chain,
    );
    this.#said(track);
    const links = await this.#chain(track.track);
    if (this.track === track.track) chain.replaceChildren(...links.map(section));
  }

  #said(track) {
    for (const button of this.place.querySelectorAll(".verdicts button")) {
      button.classList.toggle("on", button.classList.contains(track.verdict || "none"));
    }
    const name = document.getElementById("label");
    if (name !== document.activeElement) name.value = track.name;
  }

  async #chain(number) {
    if (!this.chains.has(number)) {
      try {
        this.chains.set(number, await get(`/api/chain/${number}`));
      } catch (error) {
        return [{ name: "chain", verdict: error.message, holds: false, facts: [], changes: [] }];
      }
    }
    return this.chains.get(number);
  }
}

function section(link) {
  const body = [
    element("ul", {}, ...link.facts.map((fact) => element("li", {}, fact))),
    ...link.changes.map(([what, outcome]) =>
      element("div", { class: "else" }, element("span", { class: "muted" }, "otherwise with "), what, element("span", { class: "muted" }, " → "), outcome),
    ),
  ];
  const head = element("summary", {}, element("b", {}, link.name), ` ${link.verdict}`);
  return element("details", { class: `link ${link.holds ? "yes" : "no"}` }, head, ...body);
}
