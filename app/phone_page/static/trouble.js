// The panel that breaks things: amounts, faults of the next withdrawal, acts at once.
// All of it is the stand-ins' own vocabulary; this file knows no fault by name.

import * as api from "./api.js";
import { find, make, say, show } from "./words.js";

const AIMED = new Set(["b2c", "sms"]); // what can be aimed at one phone's number

export class Trouble {
  constructor({ acts, phone, onAmount, banner }) {
    this.acts = acts;
    this.phone = phone;
    this.onAmount = onAmount;
    this.banner = banner;
    this.titles = new Map();
    this.loading = null;
  }

  // Once; again if a stand-in was away.
  async ready() {
    this.loading ??= this.load();
    try {
      await this.loading;
    } catch (error) {
      this.loading = null;
      throw error;
    }
  }

  // All or nothing, so that a stand-in which comes later finds no half of it drawn.
  async load() {
    const told = await Promise.all(api.PLACES.map((place) =>
      Promise.all([api.vocabulary(place), api.magic(place)])));
    const endings = told.flatMap(([, magic]) => magic);
    find(".magic").append(...endings.sort((a, b) => a.ending.localeCompare(b.ending))
      .map((one) => this.ending(one)));
    const cards = told.map(([all], n) => this.cards(api.PLACES[n], all));
    find(".faults").append(...cards.flatMap(([featured]) => featured),
      ...cards.flatMap(([, more]) => more));
    find(".acts").append(...this.acts.map((one) => this.act(one)));
  }

  ending(one) {
    return make("button", { type: "button", class: "small", "data-testid": `magic-${one.ending}`,
      title: `${one.happens} ${one.must_be_seen}`, onclick: () => this.onAmount(one) },
    make("b", {}, `…${one.ending}`), ` ${one.title}`);
  }

  cards(place, all) {
    const card = (one) => {
      const name = place === "mpesa" ? one.name : `${place}-${one.name}`;
      this.titles.set(`${place} ${key(one.example)}`, one.title);
      return described(one, `fault-${name}`, () => this.arm(place, one));
    };
    const groups = new Map();
    for (const one of all.filter((known) => !known.featured))
      groups.set(one.group, [...(groups.get(one.group) ?? []), one]);
    return [
      all.filter((one) => one.featured).map(card),
      [...groups].map(([group, rest]) => make("details", {},
        make("summary", {}, `More: ${group} (${rest.length})`), ...rest.map(card))),
    ];
  }

  act(one) {
    return described(one, `act-${one.name}`, () => this.try(async () => {
      this.say((await api.act(one.name)).done);
      await this.refresh();
    }));
  }

  arm(place, one) {
    const { match, ...rest } = one.example;
    const aims = AIMED.has(match.api);
    const aimed = aims ? { ...match, msisdn: this.phone() } : match;
    return this.try(async () => {
      await api.arm(place, { match: aimed, ...rest });
      this.say(`${one.title}: armed for ${aims ? "this phone's" : "the"} next withdrawal.`);
      await this.refresh();
    });
  }

  async clear() {
    await this.try(async () => {
      await api.act("clear-faults");
      await this.refresh();
    });
  }

  // What is armed at the stand-ins, whoever armed it.
  async refresh() {
    await this.ready();
    const lists = await Promise.all(api.PLACES.map(api.faults));
    const chips = lists.flatMap((faults, n) => faults
      .filter((fault) => fault.times_left !== 0)
      .map((fault) => this.chip(api.PLACES[n], fault)));
    show(find(".armed"), chips.map(([id]) => id).join(), chips.map(([, chip]) => chip));
  }

  chip(place, fault) {
    const title = this.titles.get(`${place} ${key(fault)}`) ?? fault.do.replaceAll("_", " ");
    return [`${place}${fault.id}`, make("button", { type: "button", class: "chip",
      "data-testid": "armed-fault", "aria-label": `Disarm: ${title}`,
      onclick: () => this.try(async () => {
        await api.disarm(place, fault.id);
        await this.refresh();
      }) }, `${title} ×`)];
  }

  say(sentence) {
    say(find(".told"), sentence);
  }

  async try(what) {
    try {
      await what();
      this.banner.clear("trouble");
    } catch (error) {
      if (error instanceof api.Away) this.banner.tell("trouble", error.message);
      else this.say(error.message);
    }
  }
}

function described(one, testid, onclick) {
  return make("button", { type: "button", class: "card", "data-testid": testid, onclick },
    make("strong", {}, one.title), make("span", {}, one.happens),
    make("span", { class: "seen" }, make("span", { class: "unseen" }, "You must see: "),
      one.must_be_seen));
}

// What a fault does, apart from whom it is aimed at and how often.
function key({ do: what, code }) {
  return `${what} ${code ?? ""}`;
}
