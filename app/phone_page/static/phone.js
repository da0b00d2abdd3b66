// One telephone: who holds it, what it shows, what is typed on it, and what its line does next.
// It knows the network's doors and nothing of Baraza.

import * as api from "./api.js";

const TYPED_MAX = 80;

export class Phone {
  constructor(number, service) {
    this.number = number;
    this.service = service;
    this.person = null;
    this.network = null;
    this.typed = "";
    this.line = { slow: false, lose: false, twice: false };
    this.busy = false;
    this.clear();
  }

  // Back to the empty screen; the session, if there was one, is over for this phone.
  clear() {
    this.id = null;
    this.open = false;
    this.text = "";
    this.fault = "";
    this.septets = null;
    this.took = null;
    this.idleEnds = this.sessionEnds = 0;
  }

  hold(person) {
    this.person = person;
    this.typed = "";
    this.clear();
  }

  press(key) {
    if (this.typed.length < TYPED_MAX) this.typed += key;
  }

  rub() {
    this.typed = this.typed.slice(0, -1);
  }

  // The green key: dial what was typed or the service code, or send the reply.
  async send() {
    if (this.busy) return;
    const typed = this.typed;
    this.typed = "";
    if (this.open) await this.hop("reply", { session_id: this.id, text: typed });
    else {
      this.clear();
      const code = typed || this.service;
      await this.hop("dial", { phone: this.person.phone, code, network_code: this.network });
    }
  }

  async resend() {
    if (this.id && !this.busy) await this.hop("resend", { session_id: this.id });
  }

  async hangUp() {
    const id = this.open ? this.id : null;
    this.typed = "";
    this.clear();
    if (id) await api.handset("hangup", { session_id: id }).catch(() => {});
  }

  // The signal is gone in the middle of it.
  async drop() {
    const wasOpen = this.open;
    await this.hangUp();
    if (wasOpen && !this.id) this.fault = "Signal lost. Dial again.";
  }

  // The network's own clock ran out.
  async expire() {
    if (!this.open || this.busy || Date.now() < Math.min(this.idleEnds, this.sessionEnds)) return;
    this.open = false;
    this.typed = "";
    this.text = "";
    this.fault = "The network ended the session: no answer in time. Dial again.";
    if (this.id) await api.session(this.id).catch(() => {});
  }

  async hop(what, body) {
    const { slow, lose, twice } = this.line;
    this.line = { slow: false, lose: false, twice: false };
    this.busy = true;
    const extra = {
      ...(slow && { slow_s: 4 }),
      ...(lose && { lose_answer: true }),
      ...(twice && { concurrently: 2 }),
    };
    try {
      this.take(await api.handset(what, { ...body, ...extra }));
    } catch (error) {
      this.open = false;
      this.text = "";
      this.fault = error.message;
      if (error instanceof api.Away) throw error;
    } finally {
      this.busy = false;
    }
  }

  take(answer) {
    const now = Date.now();
    this.id = answer.session_id;
    this.open = answer.open;
    this.text = answer.body.replace(/^(CON|END) /, "");
    this.fault = answer.lost ? "Signal lost: the answer never came." : answer.error ?? "";
    this.septets = answer.septets;
    this.took = answer.milliseconds;
    this.idleEnds = now + answer.idle_left_s * 1000;
    this.sessionEnds = now + answer.session_left_s * 1000;
  }
}
