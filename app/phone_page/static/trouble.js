// The panel that breaks things: amounts, faults of the next withdrawal, acts at once.
// All of it is the stand-ins' own vocabulary; this file knows no fault by name.

import * as api from "./api.js";
import { find, make, say, show } from "./words.js";

const AIMED = new Set(["b2c", "sms"]); // what can be aimed at one phone's number

export class Trouble {
  constructor({ phone, onAmount, onAway }) {
    this.phone = phone;
    this.onAmount = onAmount;
    this.onAway = onAway;
    this.titles = new Map();
  }

  async load(acts) {
    for (const place of api.PLACES) {
      const [cards, endings] = await Promise.all([api.vocabulary(place), api.magic(place)]);
      find(".magic").append(...endings.map((one) => this.ending(one)));
      this.cards(place, cards);
    }
    find(".acts").append(...acts.map((one) => this.act(one)));
    await this.refresh();
  }

  ending(one) {
    return make("button", { type: "button", class: "small", "data-testid": `magic-${one.ending}`,
      title: `${one.happens} ${one.must_be_seen}`, onclick: () => this.onAmount(one.ending) },
    `…${one.ending} ${one.title}`);
  }

  cards(place, cards) {
    const button = (card) => {
      this.titles.set(`${place} ${key(card.example)}`, card.title);
      return make("button", { type: "button", class: "card", "data-testid": `fault-${card.name}`,
        onclick: () => this.arm(place, card) },
      make("strong", {}, card.title), make("span", {}, card.happens),
      make("span", { class: "seen" }, `You must see: ${card.must_be_seen}`));
    };
    const faults = find(".faults");
    const first = cards.filter((card) => card.featured);
    faults.append(...first.map(button));
    const groups = Map.groupBy
      ? Map.groupBy(cards.filter((card) => !card.featured), (card) => card.group)
      : grouped(cards.filter((card) => !card.featured));
    for (const [group, rest] of groups) {
      faults.append(make("details", {}, make("summary", {}, `More: ${group}`),
        ...rest.map(button)));
    }
  }

  act(one) {
    return make("button", { type: "button", class: "card", "data-testid": `act-${one.name}`,
      onclick: () => this.try(async () => {
        say(find(".done"), (await api.act(one.name)).done);
        await this.refresh();
      }) },
    make("strong", {}, one.title), make("span", {}, one.happens),
    make("span", { class: "seen" }, `You must see: ${one.must_be_seen}`));
  }

  arm(place, card) {
    const { match, ...rest } = card.example;
    const aimed = AIMED.has(match.api) ? { ...match, msisdn: this.phone() } : match;
    return this.try(async () => {
      await api.arm(place, { match: aimed, ...rest });
      say(find(".done"), `${card.title}: armed. ${card.must_be_seen}`);
      await this.refresh();
    });
  }

  async refresh() {
    const chips = [];
    for (const place of api.PLACES) {
      for (const fault of await api.faults(place)) {
        if (fault.times_left === 0) continue;
        const title = this.titles.get(`${place} ${key(fault)}`) ?? fault.do.replaceAll("_", " ");
        chips.push(make("button", { type: "button", class: "chip", "data-testid": "armed-fault",
          "aria-label": `Disarm: ${title}`, onclick: () => this.try(async () => {
            await api.disarm(place, fault.id);
            await this.refresh();
          }) }, `${title} ×`));
        chips.at(-1).dataset.id = `${place}${fault.id}`;
      }
    }
    show(find(".armed"), chips.map((chip) => chip.dataset.id).join(), chips);
  }

  async try(what) {
    try {
      await what();
    } catch (error) {
      if (error instanceof api.Away) this.onAway(error);
      else say(find(".done"), error.message);
    }
  }
}

// What a fault does, apart from whom it is aimed at and how often.
function key({ do: what, code }) {
  return `${what} ${code ?? ""}`;
}

function grouped(cards) {
  const groups = new Map();
  for (const card of cards) groups.set(card.group, [...(groups.get(card.group) ?? []), card]);
  return groups;
}
