// Puts the page together: two phones, what happens behind them, and the trouble one can make.
// It asks the feed and the stand-ins again and again; nothing here is the truth, it only shows it.

import * as api from "./api.js";
import { Handset } from "./handset.js";
import { Inbox } from "./inbox.js";
import { Money } from "./money.js";
import { Phone } from "./phone.js";
import { Saga } from "./saga.js";
import { Tour } from "./tour.js";
import { Trouble } from "./trouble.js";
import { find, make, marked, say } from "./words.js";

const FEED_MS = 500;
const TRUTH_MS = 1000;
const SECOND_MS = 250;
const AMOUNT_STEM = { "": "5" }; // an ending alone is too small to withdraw

class App {
  constructor(known) {
    this.known = known;
    this.phones = [1, 2].map((number) => new Phone(number, known.service_code));
    this.phones.forEach((phone, n) => {
      phone.hold(known.people[Math.min(n, known.people.length - 1)]);
      phone.network = known.networks[0].code;
    });
    this.handset = new Handset(this.phones, {
      onChange: () => this.changed(), onAway: (error) => this.away(error),
    });
    this.saga = new Saga(() => this.look());
    this.money = new Money();
    this.inbox = new Inbox();
    this.trouble = new Trouble({
      phone: () => this.phone.person.phone,
      onAmount: (ending) => this.amount(ending),
      onAway: (error) => this.away(error),
    });
    this.told = null;
    this.cursor = "";
    this.cursorOf = "";
    this.truth = [];
    this.sms = [];
    this.before = new Set();
    this.killed = false;
    this.tour = new Tour(() => this.seen(), this.hands());
    this.choices();
  }

  get phone() {
    return this.handset.now;
  }

  choices() {
    const member = marked("member");
    member.append(...this.known.people.map((one) =>
      make("option", { value: one.phone }, one.name)));
    member.addEventListener("change", () => {
      this.phone.hangUp();
      this.phone.hold(this.known.people.find((one) => one.phone === member.value));
      this.handset.draw();
      this.changed();
    });
    const network = marked("network");
    network.append(...this.known.networks.map((one) =>
      make("option", { value: one.code }, one.name)));
    network.addEventListener("change", () => {
      this.phone.network = network.value;
    });
    if (!this.known.staff_url) find("#staff").remove();
  }

  // Another phone in the hand, another member, or something was pressed.
  changed() {
    const { person, network } = this.phone;
    if (this.shown !== person.phone) {
      this.shown = person.phone;
      this.saga.forget();
    }
    marked("member").value = person.phone;
    marked("network").value = network;
    const pin = person.pin ? ` PIN ${person.pin}.` : "";
    const id = person.id_digits ? ` ID ends in ${person.id_digits}.` : "";
    say(find("#member-note"), `${person.phone.replace("+254", "0")}. ${person.note}${pin}${id}`);
    this.look();
    this.tour.look();
  }

  async look() {
    const phone = this.phone.person.phone;
    const wanted = `${phone} ${this.saga.picked}`;
    try {
      const told = await api.feed(phone, this.saga.picked,
        wanted === this.cursorOf ? this.cursor : "");
      if (phone !== this.phone.person.phone) return;
      this.offset = Date.parse(told.now) - Date.now();
      if (!told.unchanged) {
        this.told = told;
        this.cursor = told.cursor;
        this.cursorOf = wanted;
        this.saga.draw(told);
        this.money.draw(told);
      }
      this.here();
    } catch (error) {
      this.away(error);
    }
  }

  async lookAround() {
    const phone = this.phone.person.phone;
    try {
      const [messages, paid, requests] = await Promise.all([
        api.inbox(phone), api.paid(), api.thinks(phone),
      ]);
      if (phone !== this.phone.person.phone) return;
      this.sms = messages.map((one) => one.text);
      this.truth = requests;
      this.inbox.draw(phone, messages);
      this.money.truth(paid.by_msisdn[phone]?.cents ?? 0, requests);
      await this.trouble.refresh();
    } catch (error) {
      this.away(error);
    }
  }

  // Types an amount with this ending where one is asked for, else dials straight to it.
  amount(ending) {
    const whole = `${AMOUNT_STEM[""]}${ending}`;
    this.phone.typed = this.phone.open ? whole
      : `${this.known.service_code.replace(/#$/, "")}*1*${whole}#`;
    this.handset.draw();
    say(find(".done"), this.phone.open ? `${whole} is typed: press Send.`
      : `The way to ${whole} shillings is typed: press Send.`);
  }

  away(error) {
    const banner = marked("banner");
    say(banner, `${error.message} This page goes on by itself.`);
    banner.hidden = false;
  }

  here() {
    marked("banner").hidden = true;
  }

  // What the tour may look at.
  seen() {
    const fresh = (this.told?.payouts ?? []).find((one) => !this.before.has(one.reference)) ?? null;
    return {
      open: this.phone.open,
      screen: this.phone.text,
      line: this.phone.line,
      fresh,
      sms: this.sms,
      truth: this.truth,
      armed: find(".armed").childElementCount,
      killed: this.killed,
      green: marked("lamp").dataset.green === "true",
    };
  }

  // What the tour may press: the same keys and buttons that a person has.
  hands() {
    const settle = () => new Promise((done) => setTimeout(done, SECOND_MS));
    const press = async (testid) => {
      marked(testid)?.click();
      await settle();
      while (this.phone.busy) await settle();
    };
    return {
      begin: async (phone) => {
        this.killed = false;
        this.handset.pick(this.phones[0]);
        await this.phone.hangUp();
        this.phone.hold(this.known.people.find((one) => one.phone === phone)
          ?? this.known.people[0]);
        this.handset.draw();
        this.changed();
        await this.look();
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

  async run() {
    document.addEventListener("click", (event) => {
      if (event.target.closest('[data-testid^="act-kill"]')) this.killed = true;
    });
    this.handset.draw();
    this.changed();
    await this.trouble.load(this.known.acts).catch((error) => this.away(error));
    repeat(() => this.look(), FEED_MS);
    repeat(() => this.lookAround(), TRUTH_MS);
    setInterval(() => {
      this.handset.tick();
      this.saga.wait(this.told?.payout, Date.now() + (this.offset ?? 0));
      this.tour.look();
    }, SECOND_MS);
  }
}

// Again and again, never two at once, and slower while nobody looks.
async function repeat(what, pause) {
  for (;;) {
    await what();
    await new Promise((wake) => setTimeout(wake, document.hidden ? pause * 8 : pause));
  }
}

async function begin() {
  for (;;) {
    try {
      return new App(await api.start());
    } catch (error) {
      marked("banner").hidden = false;
      say(marked("banner"), error.message);
      await new Promise((wake) => setTimeout(wake, TRUTH_MS));
    }
  }
}

(await begin()).run();
