// What Baraza runs on: its workers by their heartbeats, Redis, and whether withdrawals are stopped.

import { clock, find, make, marked, say, show } from "./words.js";

const GROUPS = [
  ["pay", "calls M-PESA"], ["money", "keeps the books"], ["talk", "sends SMS and asks M-PESA"],
  ["clock", "finds what is due"],
];

export class Machine {
  draw(told) {
    const beats = GROUPS.map(([name, what]) => [name, what,
      told.workers.filter((one) => one.name === name).map((one) => one.alive)]);
    const parts = [...beats, ["redis", "carries the bells", [told.redis === "ok"]]];
    show(find(".machine"), JSON.stringify(parts), parts.map(part));
    const stop = find(".stopped");
    stop.hidden = told.stop === null;
    if (told.stop) {
      const { since, reason } = told.stop;
      say(stop, `Withdrawals are stopped since ${clock(since)}: ${reason}`);
    }
    this.lamp(told.lamp);
  }

  lamp(lamp) {
    if (!lamp) return;
    marked("lamp").dataset.green = String(lamp.green);
    say(find(".lamp-words"), lamp.green
      ? `${lamp.rules} rules hold: every shilling is accounted for`
      : `BROKEN: ${lamp.broken.map((one) => `${one.name} (${one.detail})`).join("; ")}`);
  }
}

// One dot for each process: a killed one is seen beside the one that took its place.
function part([name, what, beats]) {
  const lives = beats.some(Boolean);
  return make("li", { title: what, "data-testid": `machine-${name}`, "data-alive": String(lives) },
    ...(beats.length ? beats : [false]).map((alive) =>
      make("span", { class: `beat ${alive ? "" : "dead"}`, "aria-hidden": "true" })),
    name, make("span", { class: "unseen" }, lives ? "runs" : "is away"));
}
