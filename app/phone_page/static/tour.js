// The guided tour: six chapters. A step watches the page and ticks itself off; "Do it for me"
// presses the same keys that a person would.

import { find, make, show } from "./words.js";

const MEMBER = "+254712345678";
const PIN = "4071";
const STEP_MS = 60_000;
const LOOK_MS = 200;

// Each step: what to do or to see, whether it is done, and how it is done for a person in a hurry.
// `page` offers: screen, typedPin, state, payout, sms, truth, fresh (a withdrawal of this chapter),
// and the hands: fresh start, dial, type, arm, act, line.
const dial = {
  says: "Press the green Send key to dial.",
  done: (page) => page.open,
  help: (hands) => hands.dial(),
};
const choose = {
  says: "Type 1 (Withdraw to M-PESA) and press Send.",
  done: (page) => /amount/i.test(page.screen),
  help: (hands) => hands.type("1"),
};
const amount = (shillings) => ({
  says: `Type ${shillings} and Send. Fee and duty are shown before the PIN is asked.`,
  done: (page) => /Total/.test(page.screen),
  help: (hands) => hands.type(String(shillings)),
});
const pin = {
  says: `Type the PIN ${PIN} and Send. The screen says "received", never "sent".`,
  done: (page) => page.fresh !== null,
  help: (hands) => hands.type(PIN),
};
const paid = {
  says: "Wait: Baraza settles once M-PESA's word is there, and only then the SMS says sent.",
  done: (page) => page.fresh?.state === "paid",
};
const arm = (name, says) => ({
  says,
  done: (page) => page.armed > 0 || page.fresh !== null,
  help: (hands) => hands.arm(name),
});

export const CHAPTERS = [
  { title: "A withdrawal", steps: [dial, choose, amount(500), pin, paid, {
    says: "Read the SMS: our reference, M-PESA's own code, fee and balance, in one message.",
    done: (page) => page.sms.some((text) => page.fresh && text.includes(page.fresh.reference)),
  }] },
  { title: "Where is my money?", steps: [
    arm("callback_never", "Under Make trouble, press Lose the result: M-PESA will pay and its"
      + " answer will be lost."),
    dial, choose, amount(700), pin, {
      says: "Look at both truths: M-PESA has paid; Baraza cannot know it, so the money waits in"
        + " transit. No timer gives it back: then she would have it twice.",
      done: (page) => page.fresh && page.truth.some((one) => one.times_paid > 0)
        && page.fresh.state !== "submitting",
    }, {
      says: "Wait for the question: Baraza asks M-PESA under the same id, learns that it was paid,"
        + " and settles. The timeline says so; M-PESA paid once.",
      done: (page) => page.fresh?.state === "paid",
    }] },
  { title: "M-PESA says no", steps: [dial, choose, {
    ...amount(802), says: "Type 802: amounts that end in 02 are refused. Then Send.",
  }, pin, {
    says: "A refusal alone moves nothing: Baraza asks first, then gives everything back, the fee"
      + " too.",
    done: (page) => page.fresh?.state === "reversed",
  }, {
    says: "The SMS says why, and that the money is back.",
    done: (page) => page.sms.some((text) => page.fresh && text.includes(page.fresh.reference)),
  }] },
  { title: "Pressed twice", steps: [dial, choose, amount(520), {
    says: "Press Send twice, below the keypad: the network will deliver the PIN twice at once.",
    done: (page) => page.line.twice || page.fresh !== null,
    help: (hands) => hands.line("twice"),
  }, pin, paid, {
    says: "One withdrawal, one PIN try, one payment: M-PESA's own count says so.",
    done: (page) => page.fresh?.state === "paid"
      && page.truth.filter((one) => one.times_paid > 1).length === 0,
  }] },
  { title: "Kill a worker", steps: [
    arm("hang_then_pay", "Press No answer, but paid: M-PESA takes the call and stays silent."),
    dial, choose, amount(900), pin, {
      says: "While it is sending, press Kill the payout worker, in the middle of its call.",
      done: (page) => page.killed,
      help: (hands) => hands.kill(),
    }, {
      says: "It is back at once. What had no answer is in doubt, asked about, and paid once.",
      done: (page) => page.fresh?.state === "paid",
    }, {
      says: "The lamp at the top stayed green all the time: the books agreed in every moment.",
      done: (page) => page.green,
    }] },
  { title: "Who sees what", steps: [dial, {
    says: "Type 2 (Balance) and Send. No balance is shown before the PIN: phones are shared.",
    done: (page) => /PIN/.test(page.screen),
    help: (hands) => hands.type("2"),
  }, {
    says: `Type the PIN ${PIN} and Send.`,
    done: (page) => /KES/.test(page.screen) && !page.open,
    help: (hands) => hands.type(PIN),
  }, {
    says: "The PIN is in no log, no row, no queue; phone numbers are masked everywhere but on the"
      + " phone. Staff see payouts and queues on the staff pages, linked at the top.",
    done: (page) => /KES/.test(page.screen),
  }] },
];

const pause = () => new Promise((wake) => setTimeout(wake, LOOK_MS));

export class Tour {
  constructor(page, hands) {
    this.page = page; // a function that tells what the page shows now
    this.hands = hands;
    this.box = find("#tour");
    this.button = find("#tour-open");
    this.chapter = null;
    this.at = 0;
    this.helping = false;
    this.ready = false; // until the chapter's phone is put back and its withdrawals are counted
    this.button.addEventListener("click", () => this.toggle(this.box.hidden));
  }

  toggle(open) {
    this.box.hidden = !open;
    this.button.setAttribute("aria-expanded", String(open));
    document.body.classList.toggle("touring", open);
    if (open && !this.chapter) this.begin(0);
    this.draw();
  }

  async begin(number) {
    this.chapter = CHAPTERS[number];
    this.at = 0;
    this.helping = this.ready = false;
    this.draw();
    await this.hands.begin(MEMBER);
    this.ready = true;
  }

  // Ticks off what has come true, one step after the other.
  look() {
    if (!this.ready || this.box.hidden) return;
    const page = this.page();
    while (this.at < this.chapter.steps.length && this.chapter.steps[this.at].done(page)) this.at += 1;
    this.draw();
  }

  async help() {
    const chapter = this.chapter;
    this.helping = true;
    this.draw();
    while (!this.ready) await pause();
    while (this.chapter === chapter && this.at < chapter.steps.length) {
      const step = this.at;
      await chapter.steps[step].help?.(this.hands);
      const until = Date.now() + STEP_MS;
      while (this.chapter === chapter && this.at === step && Date.now() < until) {
        await pause();
        this.look();
      }
      if (this.at === step) break;
    }
    this.helping = false;
    this.draw();
  }

  draw() {
    if (this.box.hidden) return;
    const number = CHAPTERS.indexOf(this.chapter);
    show(this.box, `${number} ${this.at} ${this.helping}`, [
      make("h2", {}, "Guided tour"),
      make("div", { class: "chapters", role: "group", "aria-label": "Chapters" },
        ...CHAPTERS.map((one, n) => make("button", { type: "button", class: "small",
          "data-testid": `tour-chapter-${n + 1}`, "aria-pressed": String(one === this.chapter),
          onclick: () => this.begin(n) }, `${n + 1} ${one.title}`))),
      make("div", { class: "row" },
        make("button", { type: "button", "data-testid": "tour-do-it", disabled: this.helping,
          onclick: () => this.help() }, this.helping ? "Watch…" : "Do it for me"),
        make("button", { type: "button", class: "small", onclick: () => this.toggle(false) },
          "Close the tour")),
      make("ol", { class: "tour-steps", "aria-live": "polite" },
        ...(this.chapter?.steps ?? []).map((one, n) => make("li", { "data-testid": "tour-step",
          "data-done": String(n < this.at), class: n === this.at ? "next" : n < this.at ? "past" : "",
        }, one.says))),
      this.chapter && this.at >= this.chapter.steps.length
        ? make("p", { class: "well" }, number + 1 < CHAPTERS.length
          ? "That is it. Go on with the next chapter." : "That was the tour.")
        : null,
    ].filter(Boolean));
  }
}
