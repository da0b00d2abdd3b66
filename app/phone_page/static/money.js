// Where the money is: three balances between which it moves, and the books of one withdrawal.

import { find, kes, make, marked, number, say, show } from "./words.js";

const BALANCES = [
  ["savings", "Savings", "what the member may take out"],
  ["transit", "In transit", "set aside, not yet paid or given back"],
  ["mpesa", "M-PESA has paid", "by M-PESA's own books"],
];
const FLOW_MS = 1400;

export class Money {
  constructor() {
    this.phone = null;
    this.values = {};
    this.parts = {};
    this.ways = [];
    for (const [name, title, what] of BALANCES) {
      if (name !== "savings") this.way();
      const fill = make("span", { class: "fill" });
      const value = make("strong", { "data-testid": `balance-${name}` }, "–");
      const change = make("span", { class: "change", "aria-hidden": "true" });
      find(".balances").append(make("div", { class: `balance ${name}` },
        make("p", {}, make("span", { class: "label" }, title), change), value,
        make("span", { class: "bar", "aria-hidden": "true" }, fill),
        make("span", { class: "quiet" }, what)));
      this.parts[name] = { fill, value, change };
    }
  }

  way() {
    const way = make("span", { class: "way", "aria-hidden": "true" },
      make("span", { class: "coin" }));
    this.ways.push(way);
    find(".balances").append(way);
  }

  // Another member's money: nothing moved, it is only another one's.
  of(phone) {
    if (this.phone === phone) return;
    this.phone = phone;
    this.values = {};
  }

  draw(told) {
    const { savings, transit } = this.values;
    this.set("savings", told.savings_cents);
    this.set("transit", told.in_transit_cents);
    this.bars();
    if (transit !== undefined && told.in_transit_cents > transit) this.flow(0, "there");
    if (told.in_transit_cents < transit) {
      const back = told.savings_cents > savings;
      this.flow(back ? 0 : 1, back ? "back" : "there");
    }
    this.books(told.payout?.ledger ?? []);
  }

  paid(cents) {
    this.set("mpesa", cents);
    this.bars();
  }

  set(name, cents) {
    const before = this.values[name];
    const { value, change } = this.parts[name];
    this.values[name] = cents;
    say(value, cents === null ? "–" : kes(cents));
    if (before === undefined || before === null || cents === null || before === cents) return;
    const moved = cents - before;
    change.replaceWith(this.parts[name].change = make("span", {
      class: "change shown", "aria-hidden": "true",
    }, `${moved > 0 ? "+" : "−"}${number(Math.abs(moved))}`));
  }

  flow(number, course) {
    const way = this.ways[number];
    way.dataset.course = course;
    clearTimeout(way.timer);
    way.timer = setTimeout(() => delete way.dataset.course, FLOW_MS);
  }

  bars() {
    const most = Math.max(1, ...Object.values(this.values).map((cents) => cents ?? 0));
    for (const [name, { fill }] of Object.entries(this.parts)) {
      const cents = this.values[name] ?? 0;
      fill.style.setProperty("width", `${cents ? Math.max(2, (cents / most) * 100) : 0}%`);
    }
  }

  books(lines) {
    show(marked("ledger"), JSON.stringify(lines), lines.length ? [make("table", {},
      make("thead", {}, make("tr", {},
        make("th", { scope: "col" }, "Entry"), make("th", { scope: "col" }, "Account"),
        make("th", { scope: "col", class: "number" }, "Debit"),
        make("th", { scope: "col", class: "number" }, "Credit"))),
      make("tbody", {}, ...lines.map((one, n) => row(one, lines[n - 1]?.entry))))]
      : [make("p", { class: "empty" }, "Nothing is booked yet: no money has moved.")]);
  }
}

const amount = (cents) =>
  make("td", { class: "number" }, cents === null ? "" : number(cents));

function row(one, entryBefore) {
  return make("tr", { class: one.entry === entryBefore ? "" : "first" },
    make("td", {}, one.entry === entryBefore ? "" : one.entry), make("td", {}, one.account),
    amount(one.debit_cents), amount(one.credit_cents));
}
