// What Baraza did with one withdrawal: the rail of steps, why it waits, what happened.

import { clock, find, inSeconds, kes, make, marked, say, show } from "./words.js";

const NOTHING = "No withdrawal yet. Dial, choose 1, type an amount and the PIN; it appears here.";
const WHO = { member: "Member", Baraza: "Baraza", "M-PESA": "M-PESA", SMS: "SMS", person: "Staff" };

export class Saga {
  constructor(onPick) {
    this.picked = "";
    this.earlier = find("#earlier");
    this.earlier.addEventListener("change", () => {
      this.picked = this.earlier.value;
      onPick();
    });
  }

  // Another phone, or a new withdrawal: the newest is shown again.
  forget() {
    this.picked = "";
  }

  draw(told) {
    const payout = told.payout;
    say(marked("saga-reference"), payout?.reference ?? "");
    const state = marked("saga-state");
    say(state, payout ? payout.steps.find((s) => ["now", "bad"].includes(s.status))?.says
      ?? payout.steps.at(-1).says : "");
    state.dataset.state = payout?.state ?? "";
    state.classList.toggle("open", Boolean(payout?.is_open));
    this.list(told.payouts, payout);
    show(find(".rail"), JSON.stringify(payout?.steps ?? []), (payout?.steps ?? []).map(step));
    const sentence = !told.member ? "This number belongs to no member of the SACCO."
      : payout ? payout.money : NOTHING;
    say(marked("money-sentence"), sentence);
    const lines = payout?.timeline ?? [];
    show(marked("timeline"), `${payout?.reference}${JSON.stringify(lines)}`, lines.length
      ? [make("ol", {}, ...[...lines].reverse().map(line))]
      : [make("p", { class: "empty" }, "Each step is written down here as it happens.")]);
  }

  list(payouts, shown) {
    const key = payouts.map((p) => p.reference + p.state).join() + (shown?.reference ?? "");
    show(this.earlier, key, payouts.map((p) => make("option", {
      value: p.reference, selected: p.reference === shown?.reference,
    }, `${p.reference} ${kes(p.amount_cents)} ${p.state.replace("_", " ")}`)));
    this.earlier.hidden = payouts.length < 2;
  }

  // Drawn each second: it counts down.
  wait(payout, now) {
    const waits = payout?.waits;
    const next = (waits?.next ?? []).slice(0, 3).map((one) =>
      `${one.says} ${inSeconds(one.at, now) ? `in ${inSeconds(one.at, now)} s` : "now"}`);
    const key = JSON.stringify([waits?.why, next]);
    show(marked("waits"), key, waits ? [
      make("p", {}, make("strong", {}, "Why it waits: "), waits.why),
      make("ul", {}, ...next.map((text) => make("li", {}, text))),
    ] : []);
  }
}

function step(one) {
  return make("li", { class: one.status, "data-testid": "saga-step", "data-step": one.name,
    "data-status": one.status },
  make("span", { class: "ball", "aria-hidden": "true" }), make("span", {}, one.says),
  make("span", { class: "when" }, one.at ? clock(one.at) : ""));
}

function line(one) {
  const took = one.took_ms === null ? "" : ` (${one.took_ms} ms)`;
  return make("li", {}, make("time", { datetime: one.at }, clock(one.at)),
    make("span", { class: `who ${one.who}` }, WHO[one.who] ?? one.who),
    make("span", {}, `${one.what}: ${one.detail}${took}`));
}
