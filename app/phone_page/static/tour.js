// The guided tour: shows where to look, ticks off what has come true, and presses the same keys
// as a person when asked to.

import { CHAPTERS, MEMBERS } from "./chapters.js";
import { find, make, show } from "./words.js";

const STEP_MS = 60_000;
const LOOK_MS = 200;

const pause = () => new Promise((wake) => setTimeout(wake, LOOK_MS));

export class Tour {
  constructor(page, hands) {
    this.page = page; // a function that tells what the page shows now
    this.hands = hands;
    this.box = find("#tour");
    this.button = find("#tour-open");
    this.chapter = null;
    this.at = 0;
    this.turn = 0; // counts the beginnings: what an earlier one still waits for is void
    this.helping = false;
    this.ready = false; // until the phone is put back and nothing of before is under way
    this.button.addEventListener("click", () => this.toggle(this.box.hidden));
  }

  toggle(open) {
    this.box.hidden = !open;
    this.button.setAttribute("aria-expanded", String(open));
    document.body.classList.toggle("touring", open);
    if (open && !this.chapter) this.begin(CHAPTERS[0]);
    this.draw();
  }

  async begin(chapter) {
    this.turn += 1;
    const { turn } = this;
    this.chapter = chapter;
    this.at = 0;
    this.helping = this.ready = false;
    this.draw();
    await this.hands.begin(MEMBERS);
    while (turn === this.turn && this.page().busy) await pause();
    if (turn !== this.turn) return;
    this.hands.count();
    this.ready = true;
    this.draw();
  }

  get step() {
    return this.chapter?.steps[this.at];
  }

  // Ticks off what has come true, one step after the other.
  look() {
    if (!this.ready || this.box.hidden) return;
    const page = this.page();
    while (this.step?.done(page)) this.at += 1;
    this.draw();
  }

  async help() {
    const { turn } = this;
    const same = () => turn === this.turn;
    this.helping = true;
    this.draw();
    while (same() && !this.ready) await pause();
    while (same() && this.step) {
      const step = this.at;
      await this.step.help?.(this.hands);
      const until = Date.now() + STEP_MS;
      while (same() && this.at === step && Date.now() < until) {
        await pause();
        this.look();
      }
      if (this.at === step) break;
    }
    if (!same()) return;
    this.helping = false;
    this.draw();
  }

  draw() {
    this.point();
    if (this.box.hidden) return;
    const key = `${CHAPTERS.indexOf(this.chapter)} ${this.at} ${this.helping} ${this.ready}`;
    show(this.box, key, [this.contents(), ...this.chapterPage(this.chapter)]);
    // Within the tour only: the page itself must not jump while somebody types.
    const next = this.box.querySelector(".next");
    if (next && this.scrolled !== key)
      this.box.scrollTop = next.offsetTop - this.box.clientHeight / 2;
    this.scrolled = key;
  }

  // A ring around what the step speaks of.
  point() {
    const target = this.ready && !this.box.hidden && this.step ? find(this.step.at) : null;
    if (target === this.pointed) return;
    this.pointed?.classList.remove("look-here");
    this.pointed = target;
    target?.classList.add("look-here");
    if (target?.closest(".trouble-panel")) target.scrollIntoView({ block: "nearest" });
  }

  contents() {
    return make("div", { class: "row" }, make("h2", {}, "Guided tour"),
      make("div", { class: "chapters", role: "group", "aria-label": "Chapters" },
        ...CHAPTERS.map((one, n) => make("button", { type: "button", class: "small",
          "data-testid": `tour-chapter-${n + 1}`, "aria-label": `Chapter ${n + 1}: ${one.title}`,
          title: one.title, "aria-pressed": String(one === this.chapter),
          onclick: () => this.begin(one) }, `${n + 1}`))));
  }

  chapterPage(chapter) {
    return [
      make("h3", { class: "chapter" }, chapter.title),
      make("p", {}, chapter.about),
      this.buttons(chapter),
      this.ready ? null : make("p", { class: "wait" },
        "Making ready. An open withdrawal of this phone must end first."),
      make("ol", { class: "tour-steps", "aria-live": "polite" },
        ...chapter.steps.map((one, n) => make("li", { "data-testid": "tour-step",
          "data-done": String(n < this.at), class: this.course(one, n) }, one.says))),
    ].filter(Boolean);
  }

  // What was pressed is soon one line; what explains stays to be read.
  course(step, n) {
    if (n >= this.at) return n === this.at ? "next" : "";
    return step.help ? "past brief" : "past";
  }

  buttons(chapter) {
    const next = CHAPTERS[CHAPTERS.indexOf(chapter) + 1];
    const ended = this.at >= chapter.steps.length;
    return make("div", { class: "row" }, ...[
      ended ? null : make("button", { type: "button", class: "first",
        "data-testid": "tour-do-it", disabled: this.helping, onclick: () => this.help() },
      this.helping ? "Watch…" : "Do it for me"),
      ended && next ? make("button", { type: "button", class: "first",
        onclick: () => this.begin(next) }, `Next: ${next.title}`) : null,
      make("button", { type: "button", onclick: () => this.begin(chapter) }, "Again"),
      make("button", { type: "button", onclick: () => this.toggle(false) }, "Close"),
    ].filter(Boolean));
  }
}
