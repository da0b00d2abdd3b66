// Where the money is: three balances, the books of one withdrawal, M-PESA's own truth, the lamp.

import { find, kes, make, marked, say, show } from "./words.js";

const BALANCES = [
  ["savings", "Savings", "what she may take out"],
  ["transit", "In transit", "set aside for M-PESA"],
  ["mpesa", "M-PESA paid her", "by M-PESA's own books"],
];

export class Money {
  constructor() {
    this.values = { savings: null, transit: 0, mpesa: 0 };
    this.bars = Object.fromEntries(BALANCES.map(([name, title, what]) => {
      const bar = make("span", { class: "fill" });
      const value = make("strong", { "data-testid": `balance-${name}` }, "–");
      find(".balances").append(make("div", { class: `balance ${name}` },
        make("span", { class: "label" }, title), value,
        make("span", { class: "bar", "aria-hidden": "true" }, bar),
        make("span", { class: "quiet" }, what)));
      return [name, { bar, value }];
    }));
  }

  draw(told) {
    this.values.savings = told.savings_cents;
    this.values.transit = told.in_transit_cents;
    this.balances();
    this.books(told.payout?.ledger ?? []);
    this.lamp(told.lamp);
  }

  truth(cents, requests) {
    this.values.mpesa = cents;
    this.balances();
    show(marked("mpesa-knows"), JSON.stringify(requests), requests.length
      ? requests.map((one) => make("p", { class: one.verdict }, one.says,
        make("span", { class: "quiet" }, ` ${one.calls} request${one.calls === 1 ? "" : "s"},`
          + ` ${one.queries} quer${one.queries === 1 ? "y" : "ies"} about it`)))
      : [make("p", { class: "empty" }, "M-PESA has heard nothing of this phone.")]);
  }

  balances() {
    const most = Math.max(1, ...Object.values(this.values).map((cents) => cents ?? 0));
    for (const [name, { bar, value }] of Object.entries(this.bars)) {
      const cents = this.values[name];
      say(value, cents === null ? "–" : kes(cents));
      bar.style.setProperty("width", `${Math.max(cents ? 2 : 0, ((cents ?? 0) / most) * 100)}%`);
    }
  }

  books(lines) {
    show(marked("ledger"), JSON.stringify(lines), lines.length ? [make("table", {},
      make("thead", {}, make("tr", {}, ...["Entry", "Account", "Debit", "Credit"].map((name) =>
        make("th", { scope: "col" }, name)))),
      make("tbody", {}, ...lines.map((one) => make("tr", {},
        make("td", {}, one.entry), make("td", {}, one.account),
        make("td", { class: "number" }, one.debit_cents === null ? "" : kes(one.debit_cents)),
        make("td", { class: "number" }, one.credit_cents === null ? "" : kes(one.credit_cents))))))]
      : [make("p", { class: "empty" }, "Nothing is booked yet: no money has moved.")]);
  }

  lamp(lamp) {
    const element = marked("lamp");
    if (!lamp) return;
    element.dataset.green = String(lamp.green);
    say(find(".lamp-words"), lamp.green
      ? `${lamp.rules} rules hold: every shilling is accounted for`
      : `BROKEN: ${lamp.broken.map((one) => one.name).join("; ")}`);
  }
}
