// What the guided tour tells. Each step: what to do or to see (`says`), where to look (`at`), how
// it is known that it came true (`done`), and how it is done for a person in a hurry (`help`).
//
// `page` is what the page shows: open, screen, line, fresh (this chapter's withdrawal), sms, truth,
// armed, killed, green. `hands` press its keys: dial, type, line, arm, kill.

// The second is for when a person must first decide on a withdrawal of the first.
export const MEMBERS = ["+254712345678", "+254713492638"];
const PIN = "4071";

const marks = (testid) => `[data-testid="${testid}"]`;
const dial = {
  says: "Press the green Send key: the phone dials.",
  at: marks("dial"),
  done: (page) => page.open,
  help: (hands) => hands.dial(),
};
const choose = {
  says: "Type 1, Withdraw to M-PESA, and press Send.",
  at: ".keys",
  done: (page) => /amount/i.test(page.screen) || page.fresh !== null,
  help: (hands) => hands.type("1"),
};
const amount = (shillings, says) => ({
  says: says ?? `Type ${shillings} and press Send. Fee and duty are shown before the PIN.`,
  at: ".keys",
  done: (page) => /Total/.test(page.screen) || page.fresh !== null,
  help: (hands) => hands.type(String(shillings)),
});
const pin = {
  says: `Type the PIN ${PIN} and press Send. The screen says "received", never "sent".`,
  at: ".keys",
  done: (page) => page.fresh !== null,
  help: (hands) => hands.type(PIN),
};
const paid = {
  says: "Watch the rail: it is settled only when M-PESA's word is there, and only then the SMS says"
    + " sent.",
  at: ".rail",
  done: (page) => page.fresh?.state === "paid",
};
const sms = (says) => ({
  says,
  at: marks("inbox"),
  done: (page) => page.sms.some((text) => page.fresh && text.includes(page.fresh.reference)),
});
const arm = (name, says) => ({
  says,
  at: marks(`fault-${name}`),
  done: (page) => page.armed > 0 || page.fresh !== null,
  help: (hands) => hands.arm(name),
});

export const CHAPTERS = [
  {
    title: "A withdrawal",
    about: "KES 500 go from savings to M-PESA, and one SMS says so.",
    steps: [dial, choose, amount(500), pin, paid,
      sms("Read the SMS: our reference, M-PESA's own code, fee and balance in one message.")],
  },
  {
    title: "Where is my money?",
    about: "M-PESA pays, and its result is lost on the way to us. Who knows what?",
    steps: [
      arm("callback_never", "Under Make trouble, press Lose the result."),
      dial, choose, amount(700), pin, {
        says: "Two truths: M-PESA has paid, and Baraza cannot know it. So the money waits in"
          + " transit. Giving it back after a while would pay it twice.",
        at: marks("mpesa-knows"),
        done: (page) => page.fresh && page.truth.some((one) => one.times_paid > 0)
          && page.fresh.state !== "submitting",
      }, {
        says: "Wait for the question: Baraza asks M-PESA what became of this very id, learns that"
          + " it was paid, and settles.",
        at: marks("waits"),
        done: (page) => page.fresh?.state === "paid",
      },
      sms("Explained: it was set aside, it was asked about, it was paid once. The SMS is the"
        + " first word that says sent."),
    ],
  },
  {
    title: "M-PESA says no",
    about: "The receiver is not registered. The member must have everything back.",
    steps: [dial, choose,
      amount(802, "Type 802 and press Send: amounts that end in 02 are refused by M-PESA."), pin, {
        says: "A refusal alone gives nothing back: Baraza asks first. Then all of it returns, the"
          + " fee too.",
        at: ".balances",
        done: (page) => page.fresh?.state === "reversed",
      }, sms("The SMS says why, and that the money is back.")],
  },
  {
    title: "Pressed twice",
    about: "The network delivers the last key twice at the same moment.",
    steps: [dial, choose, amount(520), {
      says: "Below the keypad, press Send twice.",
      at: marks("signal-twice"),
      done: (page) => page.line.twice || page.fresh !== null,
      help: (hands) => hands.line("twice"),
    }, pin, paid, {
      says: "One withdrawal and one payment: M-PESA's own count says so.",
      at: marks("mpesa-knows"),
      done: (page) => page.fresh?.state === "paid"
        && page.truth.every((one) => one.times_paid <= 1),
    }],
  },
  {
    title: "Kill a worker",
    about: "The process that calls M-PESA dies in the middle of the call.",
    steps: [
      arm("hang_then_pay", "Press No answer, but paid: M-PESA takes the call and stays silent."),
      dial, choose, amount(900), pin, {
        says: "While it is sending, press Kill the worker that calls M-PESA.",
        at: marks("act-kill-pay"),
        done: (page) => page.killed,
        help: (hands) => hands.kill(),
      }, {
        says: "Another one is there at once. A call without an answer is a doubt: asked about, and"
          + " paid once.",
        at: ".rail",
        done: (page) => page.fresh?.state === "paid",
      }, {
        says: "The lamp stayed green all the time: the books agreed in every moment.",
        at: marks("lamp"),
        done: (page) => page.fresh?.state === "paid" && page.green,
      },
    ],
  },
  {
    title: "Who sees what",
    about: "Phones are shared and lost. Nothing private is shown before the PIN.",
    steps: [dial, {
      says: "Type 2, Balance, and press Send: the PIN comes first.",
      at: ".keys",
      done: (page) => /PIN/.test(page.screen) && !/^1 /m.test(page.screen), // not the menu
      help: (hands) => hands.type("2"),
    }, {
      says: `Type the PIN ${PIN} and press Send.`,
      at: ".keys",
      done: (page) => /KES/.test(page.screen) && !page.open,
      help: (hands) => hands.type(PIN),
    }, {
      says: "That PIN is in no log, no row and no queue, and phone numbers are masked everywhere"
        + " but here. What staff see is on the staff pages, linked at the top.",
      at: "#staff",
      done: (page) => /KES/.test(page.screen) && !page.open,
    }],
  },
];
