// What Baraza did with one withdrawal: the rail of steps, why it waits, what happened.

import { clock, find, inSeconds, kes, make, marked, say, show, unbroken } from "./words.js";

const GHOST = ["Requested", "Reserved", "Sending", "M-PESA has it", "Paid"].map((says) =>
  ({ name: says, says, at: null, status: "ahead" }));
const WHO = { member: "Member", person: "Staff" };
const WAITS_MAX = 3;

export class Saga {
  constructor({ service, onPick, onTour }) {
    this.picked = "";
    this.newest = null;
    this.service = service;
    this.onTour = onTour;
    this.earlier = find("#earlier");
    this.earlier.addEventListener("change", () => {
      this.picked = this.earlier.value === this.newest ? "" : this.earlier.value;
      onPick();
    });
  }

  // Another phone: its newest is shown.
  forget() {
    this.picked = "";
    this.newest = null;
  }

  draw(told) {
    const { payout } = told;
    const newest = told.payouts[0]?.reference ?? null;
    if (newest !== this.newest) this.picked = ""; // a new one is what everybody wants to see
    this.newest = newest;
    this.head(payout);
    this.list(told.payouts, payout);
    const steps = payout?.steps ?? GHOST;
    show(find(".rail"), JSON.stringify(steps), steps.map(step));
    const sentence = !told.member ? "This number belongs to no member of the SACCO."
      : payout ? payout.money : "No withdrawal yet.";
    show(marked("money-sentence"), sentence, unbroken(sentence));
    const lines = payout?.timeline ?? [];
    const key = JSON.stringify([told.member, payout?.reference, lines]);
    show(marked("timeline"), key, lines.length
      ? [make("ol", {}, ...[...lines].reverse().map(line))]
      : told.member ? this.beginning() : []);
  }

  head(payout) {
    const now = payout?.steps.find((one) => ["now", "bad"].includes(one.status))
      ?? payout?.steps.at(-1);
    const state = marked("saga-state");
    say(marked("saga-reference"), payout?.reference ?? "");
    say(state, now?.says ?? "");
    state.dataset.state = payout?.state ?? "";
    state.dataset.status = now?.status ?? "";
    find(".frozen").hidden = !payout?.frozen;
  }

  beginning() {
    return [
      make("ol", { class: "begin" },
        make("li", {}, `Press Send: the phone dials ${this.service}.`),
        make("li", {}, "Type 1, Send; an amount, Send; the PIN, Send."),
        make("li", {}, "Each step is written down here as it happens.")),
      make("button", { type: "button", class: "first", onclick: this.onTour },
        "Show me: the guided tour"),
    ];
  }

  list(payouts, shown) {
    const key = payouts.map((p) => p.reference + p.state).join() + (shown?.reference ?? "");
    show(this.earlier, key, payouts.map((p) => make("option", {
      value: p.reference, selected: p.reference === shown?.reference,
    }, `${clock(p.requested_at)} · ${kes(p.amount_cents)} · ${p.state.replace("_", " ")}`)));
    this.earlier.hidden = payouts.length < 2;
  }

  // Drawn several times a second: it counts down.
  wait(payout, now) {
    const box = marked("waits");
    box.classList.toggle("over", Boolean(payout) && !payout.is_open);
    if (!payout?.waits) {
      show(box, JSON.stringify(payout?.steps), payout ? [make("p", {}, ended(payout))] : []);
      return;
    }
    const inDoubt = payout.state === "in_doubt"; // then its own deadline is no news
    const due = payout.waits.next.filter((one) => !(inDoubt && one.what === "doubt"));
    const next = due.slice(0, WAITS_MAX).map((one) => {
      const left = inSeconds(one.at, now);
      return `${one.says}${left ? ` in ${left} s` : " now"}`;
    });
    show(box, JSON.stringify([payout.waits.why, next]), [
      make("p", {}, make("strong", {}, "Why it waits: "), payout.waits.why),
      make("ul", {}, ...next.map((text) => make("li", {}, text))),
    ]);
  }
}

function ended(payout) {
  const seconds = (Date.parse(payout.state_since) - Date.parse(payout.requested_at)) / 1000;
  const many = (count, name, plural) => `${count} ${count === 1 ? name : plural}`;
  return `It took ${seconds.toFixed(1)} s, ${many(payout.calls, "call", "calls")} to M-PESA and`
    + ` ${many(payout.queries, "question", "questions")} about it.`;
}

function step(one) {
  return make("li", { class: one.status, "data-testid": "saga-step", "data-step": one.name,
    "data-status": one.status, "aria-current": one.status === "now" ? "step" : null },
  make("span", { class: "ball", "aria-hidden": "true" }), make("span", {}, one.says),
  make("span", { class: "when" }, one.at ? clock(one.at) : ""));
}

function line(one) {
  return make("li", { class: one.what === "state" ? "turn" : "" },
    make("time", { datetime: one.at }, clock(one.at)),
    make("span", { class: `who ${one.who}` }, WHO[one.who] ?? one.who),
    make("span", { class: "what" }, ...words(one)));
}

// A new state is what one reads first; what led to it stands beside it.
function words({ what, detail, took_ms: took }) {
  if (what === "state") {
    const [state, ...cause] = detail.split(": ");
    return [make("strong", {}, state.replace("_", " ")), ` ${cause.join(": ")}`];
  }
  if (detail === "committed") return [`${what}: written down, then sent`];
  const text = what === "SMS" ? detail : `${what}: ${detail}`;
  return [text, took === null ? "" : ` (${took} ms)`];
}
