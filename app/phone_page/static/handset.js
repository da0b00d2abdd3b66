// Draws the telephone that is in the hand, and turns keys into calls of it.

import { find, make, marked, say } from "./words.js";

const KEYS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "0", "#"];
const NAMES = { "*": "star", "#": "hash" };
const LINE = [
  ["slow", "Slow", "The next answer reaches the phone four seconds late"],
  ["lose", "Lose answer", "Baraza answers the next request, and the phone never sees it"],
  ["twice", "Send twice", "The network delivers the next request twice at the same moment"],
];
const SCREEN_MAX = 160;

export class Handset {
  constructor(phones, { onChange, banner }) {
    this.phones = phones;
    this.now = phones[0];
    this.onChange = onChange;
    this.banner = banner;
    this.screen = marked("screen");
    this.build();
    document.addEventListener("keydown", (event) => this.typed(event));
  }

  build() {
    const keys = find(".keys");
    const key = (name, label, testid, press, extra = "") =>
      make("button", { type: "button", class: `key ${extra}`, "data-testid": testid,
        "aria-label": name, onclick: press }, label);
    keys.append(
      key("Dial or send", "Send", "dial", () => this.do(() => this.now.send()), "green"),
      key("Clear", "C", "key-clear", () => this.do(() => this.now.rub())),
      key("Hang up", "End", "hangup", () => this.do(() => this.now.hangUp()), "red"),
      ...KEYS.map((k) =>
        key(NAMES[k] ?? k, k, `key-${NAMES[k] ?? k}`, () => this.do(() => this.now.press(k)))),
    );
    this.line = LINE.map(([name, label, title]) =>
      make("button", { type: "button", title, class: "small", "data-testid": `signal-${name}`,
        "aria-pressed": "false", onclick: () => this.do(() => {
          this.now.line[name] = !this.now.line[name];
        }) }, label));
    find(".signals").append(
      ...this.line,
      make("button", { type: "button", class: "small", "data-testid": "signal-drop",
        title: "The signal is gone: the session ends", onclick: () =>
          this.do(() => this.now.drop()) }, "Drop"),
      make("button", { type: "button", class: "small", "data-testid": "signal-resend",
        title: "The network delivers the last request once more", onclick: () =>
          this.do(() => this.now.resend()) }, "Resend"),
    );
    this.tabs = this.phones.map((phone) =>
      make("button", { type: "button", class: "small", "aria-pressed": "false",
        onclick: () => this.pick(phone) }, `${phone.number}`));
    this.tabs.forEach((tab, n) => tab.setAttribute("aria-label", `Phone ${n + 1}`));
    find(".tabs").append(...this.tabs);
  }

  pick(phone) {
    this.now = phone;
    this.draw();
    this.onChange();
  }

  // A key may change the phone at once and then again when the network has answered.
  async do(what) {
    const acting = what();
    this.draw();
    try {
      await acting;
      this.banner.clear("phone");
    } catch (error) {
      this.banner.tell("phone", error.message);
    }
    this.draw();
    this.onChange();
  }

  typed(event) {
    const at = event.target;
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (at instanceof HTMLSelectElement || at instanceof HTMLInputElement) return;
    if (KEYS.includes(event.key)) this.do(() => this.now.press(event.key));
    else if (event.key === "Backspace") this.do(() => this.now.rub());
    else if (event.key === "Escape") this.do(() => this.now.hangUp());
    else if (event.key === "Enter" && !at.closest("button, a, summary, select"))
      this.do(() => this.now.send());
    // A focused digit key types its digit; Enter after typing must send, not press it again.
    else if (event.key === "Enter" && at.closest(".keys") && !at.matches(".green, .red")) {
      event.preventDefault();
      this.do(() => this.now.send());
    }
  }

  draw() {
    const phone = this.now;
    const idle = !phone.text && !phone.fault;
    say(this.screen, phone.busy ? "…" : idle
      ? `Dial ${phone.service}\nand press Send`
      : [phone.fault, phone.text].filter(Boolean).join("\n"));
    this.screen.classList.toggle("faint", idle || phone.busy);
    this.screen.classList.toggle("over", !phone.open && !idle);
    say(marked("reply"), phone.typed);
    this.line.forEach((button, n) =>
      button.setAttribute("aria-pressed", String(phone.line[LINE[n][0]])));
    this.tabs.forEach((tab, n) =>
      tab.setAttribute("aria-pressed", String(this.phones[n] === phone)));
    const full = phone.septets === null || !phone.text ? "" : `${phone.septets}/${SCREEN_MAX}`;
    say(marked("septets"), full);
    marked("septets").classList.toggle("bad", phone.septets > SCREEN_MAX);
    this.tick();
  }

  tick() {
    const phone = this.now;
    const left = (ends) => Math.max(0, Math.ceil((ends - Date.now()) / 1000));
    say(marked("countdown"), phone.open && !phone.busy
      ? `screen ${left(phone.idleEnds)} s · session ${left(phone.sessionEnds)} s`
      : phone.took === null ? "" : `answered in ${phone.took} ms`);
    for (const one of this.phones) if (one.open) this.expired(one);
  }

  async expired(phone) {
    const before = phone.open;
    await phone.expire();
    if (before !== phone.open && phone === this.now) this.draw();
  }
}
