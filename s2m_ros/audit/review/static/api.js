// What the server says. Pictures of the frames around the shown one are fetched ahead.

const AHEAD = 4;
const KEPT = 60;

export async function get(path) {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error((await answer.json()).error ?? answer.statusText);
  return answer.json();
}

export async function post(path, value) {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "content-type": "application/json", "x-s2m-review": "1" },
    body: JSON.stringify(value),
  });
  const said = await answer.json();
  if (!answer.ok) throw new Error(said.error ?? answer.statusText);
  return said;
}

async function bitmap(path) {
  const answer = await fetch(path);
  return answer.ok ? createImageBitmap(await answer.blob()) : null;
}

// Frames by camera and number: {data, picture, score()}.
export class Frames {
  #held = new Map();

  get(camera, index) {
    const key = `${camera}/${index}`;
    let frame = this.#held.get(key);
    if (!frame) {
      // The picture is asked for first: it is unpacked here while the server works on the rest.
      frame = Promise.all([bitmap(`/api/picture/${key}`), get(`/api/frame/${key}`)]).then(
        ([picture, data]) => {
          let score = null;
          return { data, picture, score: () => (score ??= bitmap(`/api/score/${key}`)) };
        },
      );
      frame.catch(() => this.#held.delete(key));
      this.#held.set(key, frame);
      while (this.#held.size > KEPT) this.#held.delete(this.#held.keys().next().value);
    }
    return frame;
  }

  ahead(camera, index, count, step) {
    for (let i = 1; i <= AHEAD; i++) {
      const next = index + i * step;
      if (next >= 0 && next < count) this.get(camera, next).catch(() => {});
    }
  }

  forget() {
    this.#held.clear();
  }
}
