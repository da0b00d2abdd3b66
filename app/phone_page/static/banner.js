// What is away just now, with its cure. Each part of the page takes back only its own words.

import { marked, say } from "./words.js";

export class Banner {
  constructor() {
    this.element = marked("banner");
    this.away = new Map();
  }

  tell(part, sentence) {
    this.away.set(part, sentence);
    this.draw();
  }

  clear(part) {
    if (this.away.delete(part)) this.draw();
  }

  draw() {
    const sentences = [...new Set(this.away.values())];
    this.element.hidden = sentences.length === 0;
    if (sentences.length) say(this.element, `${sentences.join(" ")} This page goes on by itself.`);
  }
}
