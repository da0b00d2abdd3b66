// What M-PESA itself knows, which Baraza can only ask for: of the withdrawal that is shown, and
// of the ones before.

import { clock, make, marked, show } from "./words.js";

const VERDICTS = { paid: "Paid", refused: "Refused", open: "Not finished", not_taken: "Not taken" };

export class Truth {
  draw(requests, ocid) {
    const shown = requests.find((one) => one.ocid === ocid);
    const others = requests.filter((one) => one !== shown);
    const children = [
      shown ? whole(shown) : make("p", { class: "empty" }, ocid
        ? "M-PESA has heard nothing of this withdrawal."
        : "M-PESA has heard nothing of this phone."),
      others.length ? make("h4", {}, "Other withdrawals") : null,
      ...others.map((one) => make("p", { class: "other" }, one.says)),
    ];
    show(marked("mpesa-knows"), JSON.stringify([requests, ocid]), children.filter(Boolean));
  }
}

function whole(one) {
  const many = (count, name, plural) => `${count} ${count === 1 ? name : plural}`;
  const told = [
    many(one.calls, "request", "requests"),
    many(one.queries, "question about it", "questions about it"),
    many(one.callbacks_sent, "result sent", "results sent"),
    one.callbacks_refused ? `${one.callbacks_refused} of them not accepted` : null,
    one.next_callback_at ? `a result will go out at ${clock(one.next_callback_at)}` : null,
  ].filter(Boolean);
  return make("div", { class: `verdict ${one.verdict}` },
    make("strong", {}, VERDICTS[one.verdict] ?? one.verdict),
    make("p", {}, one.says), make("p", { class: "quiet" }, `${told.join(", ")}.`));
}
