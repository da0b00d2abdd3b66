// The way to the staff console, signed in as one of the demo people, one for each role.

import * as api from "./api.js";
import { find } from "./words.js";

const CONSOLE = "/staff/";

export class Staff {
  constructor({ banner, isThere }) {
    this.menu = find("#staff");
    if (!isThere) {
      this.menu.remove();
      return;
    }
    this.banner = banner;
    for (const button of this.menu.querySelectorAll("[data-role]")) {
      button.addEventListener("click", () => this.be(button.dataset.role));
    }
  }

  // The tab is opened at once: later, the browser would take it for a pop-up.
  async be(role) {
    const tab = window.open("about:blank", "_blank");
    try {
      await api.beStaff(role);
      this.banner.clear("staff");
      this.menu.open = false;
      if (tab) tab.location = CONSOLE;
      else window.location = CONSOLE;
    } catch (error) {
      tab?.close();
      this.banner.tell("staff", error.message);
    }
  }
}
