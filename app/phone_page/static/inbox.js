// The SMS of the phone in the hand, newest first.

import { clock, make, marked, show } from "./words.js";

const SINGLE = 160;
const PART = 153;

export class Inbox {
  constructor() {
    this.known = new Map(); // by phone: the ids that were there when it was last looked at
  }

  draw(phone, messages) {
    if (!messages) return show(marked("inbox"), "", []); // not asked yet
    const seen = this.known.get(phone);
    const fresh = new Set(seen ? messages.map((m) => m.id).filter((id) => !seen.has(id)) : []);
    this.known.set(phone, new Set(messages.map((m) => m.id)));
    const newest = [...messages].reverse();
    const key = `${phone} ${newest.map((m) => m.id + m.status).join()}`;
    show(marked("inbox"), key, newest.length ? newest.map((m) => card(m, fresh.has(m.id))) : [
      make("p", { class: "empty" }, "No SMS yet. A withdrawal ends in one."),
    ]);
  }
}

function card(message, fresh) {
  const parts = message.text.length <= SINGLE ? 1 : Math.ceil(message.text.length / PART);
  const fate = message.status === "Success" ? "delivered" : "not delivered";
  return make("article", { class: `sms ${fresh ? "fresh" : ""}`, "data-testid": "sms" },
    make("p", { class: "sms-head" },
      `${message.sender} · ${clock(message.at)} · ${parts > 1 ? `${parts} parts · ` : ""}`,
      make("span", { class: message.status === "Success" ? "" : "bad" }, fate)),
    make("p", {}, message.text));
}
