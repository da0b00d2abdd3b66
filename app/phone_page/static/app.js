// Puts the page together: two phones, what happens behind them, and the trouble one can make.
// It asks the feed and the stand-ins again and again; nothing here is the truth, it only shows it.
//
// What tests read carries a data-testid; `app.phone_page.site` lists them. Beyond that list there
// are machine-<part> (with data-alive) and, for faults of the gateway, fault-network-<name>.

import * as api from "./api.js";
import { Banner } from "./banner.js";
import { Handset } from "./handset.js";
import { Inbox } from "./inbox.js";
import { Machine } from "./machine.js";
import { Money } from "./money.js";
import { Phone } from "./phone.js";
import { Saga } from "./saga.js";
import { Staff } from "./staff.js";
import { Tour } from "./tour.js";
import { Trouble } from "./trouble.js";
import { Truth } from "./truth.js";
import { find, make, marked } from "./words.js";

const FEED_MS = 500;
const TRUTH_MS = 1000;
const TICK_MS = 250;
const AWAY_PAUSES = 4;
const AMOUNT_STEM = "5"; // an ending alone is too small to withdraw

class App {
  constructor(known) {
    this.known = known;
    this.phones = [1, 2].map((number) => new Phone(number, known.service_code));
    this.phones.forEach((phone, n) => {
      phone.hold(known.people[Math.min(n, known.people.length - 1)]);
      phone.network = known.networks[0].code;
    });
    this.banner = new Banner();
    this.handset = new Handset(this.phones, {
      onChange: () => this.changed(), banner: this.banner,
    });
    this.saga = new Saga({
      service: known.service_code, onPick: () => this.look(), onTour: () => this.tour.toggle(true),
    });
    this.money = new Money();
    this.machine = new Machine();
    this.truth = new Truth();
    this.inbox = new Inbox();
    this.trouble = new Trouble({
      acts: known.acts, phone: () => this.phone.person.phone,
      onAmount: (one) => this.amount(one), banner: this.banner,
    });
    this.told = null; // the last feed, of the phone in the hand
    this.asked = ""; // what that feed was about
    this.requests = [];
    this.sms = [];
    this.before = new Set(); // the withdrawals that were there before the tour's chapter
    this.killed = false;
    this.tour = new Tour(() => this.seen(), this.hands());
    this.choices();
  }

  get phone() {
    return this.handset.now;
  }

  choices() {
    const fill = (testid, rows, onchange) => {
      const list = marked(testid);
      list.append(...rows.map(([value, name]) => make("option", { value }, name)));
      list.addEventListener("change", () => onchange(list.value));
    };
    fill("member", this.known.people.map((one) => [one.phone, one.name]), (value) => {
      this.phone.hangUp();
      this.phone.hold(this.known.people.find((one) => one.phone === value));
      this.handset.draw();
      this.changed();
    });
    fill("network", this.known.networks.map((one) => [one.code, one.name]), (value) => {
      this.phone.network = value;
    });
    this.staff = new Staff({ banner: this.banner, isThere: Boolean(this.known.staff_url) });
  }

  // Another phone in the hand, another member, or something was pressed.
  changed() {
    const { person, network } = this.phone;
    if (this.shown !== person.phone) {
      this.shown = person.phone;
      this.told = null;
      this.sms = [];
      this.requests = [];
      this.saga.forget();
      this.money.of(person.phone);
      this.truth.draw([], null);
      this.inbox.draw(person.phone, null);
      this.lookAround();
    }
    marked("member").value = person.phone;
    marked("network").value = network;
    show(person);
    this.look();
    this.tour.look();
  }

  // What Baraza says of this phone.
  async look() {
    const { phone } = this.phone.person;
    const wanted = `${phone} ${this.saga.picked}`;
    await this.part("feed", async () => {
      const after = wanted === this.asked ? this.told?.cursor : "";
      const told = await api.feed(phone, this.saga.picked, after);
      if (phone !== this.phone.person.phone) return;
      this.offset = Date.parse(told.now) - Date.now();
      if (told.unchanged) return;
      this.told = told;
      this.asked = wanted;
      this.saga.draw(told);
      this.money.draw(told);
      this.machine.draw(told);
      for (const testid of ["screen", "inbox"])
        marked(testid).lang = told.member?.language ?? this.phone.person.language;
    });
  }

  // What the network and M-PESA say of it.
  async lookAround() {
    const { phone } = this.phone.person;
    await this.part("network", async () => {
      const messages = await api.inbox(phone);
      if (phone !== this.phone.person.phone) return;
      this.sms = messages.map((one) => one.text);
      this.inbox.draw(phone, messages);
    });
    await this.part("mpesa", async () => {
      const [paid, requests] = await Promise.all([api.paid(), api.thinks(phone)]);
      if (phone !== this.phone.person.phone) return;
      this.requests = requests;
      this.truth.draw(requests, this.told?.payout?.ocid);
      this.money.paid(paid.by_msisdn[phone]?.cents ?? 0);
    });
    await this.part("trouble", () => this.trouble.refresh());
  }

  // One part of the page may be away while the others live.
  async part(name, what) {
    try {
      await what();
      this.banner.clear(name);
    } catch (error) {
      this.banner.tell(name, error.message);
    }
  }

  // Types an amount with this ending where one is asked for, else dials straight to it.
  amount({ ending, must_be_seen: seen }) {
    const whole = `${AMOUNT_STEM}${ending}`;
    this.phone.typed = this.phone.open ? whole
      : `${this.known.service_code.replace(/#$/, "")}*1*${whole}#`;
    this.handset.draw();
    this.trouble.say(`${whole} is typed on the phone: press Send. ${seen}`);
  }

  // What the tour may look at.
  seen() {
    const payouts = this.told?.payouts ?? [];
    const fresh = payouts.find((one) => !this.before.has(one.reference)) ?? null;
    const begun = fresh ? Date.parse(fresh.requested_at) : Infinity;
    return {
      fresh,
      busy: !this.told || payouts.some((one) => one.is_open),
      open: this.phone.open,
      screen: this.phone.text,
      line: this.phone.line,
      sms: this.sms,
      truth: this.requests.filter((one) => Date.parse(one.received_at) >= begun),
      armed: find(".armed").childElementCount,
      killed: this.killed,
      green: marked("lamp").dataset.green === "true",
    };
  }

  // The first of these members whose withdrawals do not wait for a person's decision.
  async free(phones) {
    const people = phones.map((phone) => this.known.people.find((one) => one.phone === phone))
      .filter(Boolean);
    for (const person of people) {
      const { payouts } = await api.feed(person.phone);
      if (!payouts.some((one) => one.frozen && one.is_open)) return person;
    }
    return people[0] ?? this.known.people[0];
  }

  // What the tour may press: the same keys and buttons that a person has.
  hands() {
    const settle = () => new Promise((done) => setTimeout(done, TICK_MS));
    const press = async (testid) => {
      marked(testid)?.click();
      await settle();
      while (this.phone.busy) await settle();
    };
    return {
      begin: (phones) => this.part("tour", async () => {
        this.handset.pick(this.phones[0]);
        await this.phone.hangUp();
        this.phone.hold(await this.free(phones));
        this.handset.draw();
        this.changed();
        if (this.told?.stop) await api.act("resume-withdrawals");
        await this.trouble.clear();
        await this.look();
      }),
      count: () => {
        this.killed = false;
        this.before = new Set((this.told?.payouts ?? []).map((one) => one.reference));
      },
      dial: () => press("dial"),
      type: async (text) => {
        for (const key of text) marked(`key-${key}`).click();
        await press("dial");
      },
      line: (name) => press(`signal-${name}`),
      arm: (name) => press(`fault-${name}`),
      kill: () => press("act-kill-pay"),
    };
  }

  run() {
    document.addEventListener("click", (event) => {
      if (event.target.closest('[data-testid^="act-kill"]')) this.killed = true;
    });
    this.handset.draw();
    this.changed();
    repeat(() => this.look(), FEED_MS);
    repeat(() => this.lookAround(), TRUTH_MS);
    setInterval(() => {
      this.handset.tick();
      this.saga.wait(this.told?.payout, Date.now() + (this.offset ?? 0));
      this.tour.look();
    }, TICK_MS);
  }
}

function show(person) {
  const facts = [person.phone.replace("+254", "0"), person.pin ? `PIN ${person.pin}` : null,
    person.id_digits ? `ID ends in ${person.id_digits}` : null].filter(Boolean);
  find("#member-note").replaceChildren(
    make("strong", {}, facts.join(" · ")), make("span", {}, ` ${person.note}`));
}

// Again and again, never two at once, and slower while nobody looks.
async function repeat(what, pause) {
  for (;;) {
    await what();
    await new Promise((wake) => setTimeout(wake, document.hidden ? pause * AWAY_PAUSES : pause));
  }
}

async function begin() {
  const banner = new Banner();
  for (;;) {
    try {
      const known = await api.start();
      banner.clear("start");
      return new App(known);
    } catch (error) {
      banner.tell("start", error.message);
      await new Promise((wake) => setTimeout(wake, TRUTH_MS));
    }
  }
}

(await begin()).run();
