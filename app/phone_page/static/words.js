// Writing things for people, and making elements without ever parsing a text as HTML.

export function number(cents) {
  const whole = Math.floor(Math.abs(cents) / 100).toLocaleString("en-KE");
  return `${whole}.${String(Math.abs(cents) % 100).padStart(2, "0")}`;
}

export const kes = (cents) => `${cents < 0 ? "-" : ""}KES ${number(cents)}`;

const TIME = new Intl.DateTimeFormat("en-GB", {
  timeZone: "Africa/Nairobi", hour: "2-digit", minute: "2-digit", second: "2-digit",
});

export const clock = (iso) => TIME.format(new Date(iso));

export const inSeconds = (iso, now) => Math.max(0, Math.round((Date.parse(iso) - now) / 1000));

export function make(tag, facts = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(facts)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "class") element.className = value;
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export const find = (selector) => document.querySelector(selector);
export const marked = (testid) => find(`[data-testid="${testid}"]`);

// Writes only what changed, so that screen readers and selections are left in peace.
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// A name with a hyphen in it stays on one line.
export const unbroken = (text) => text.split("M-PESA").flatMap((part, n) =>
  n ? [make("span", { class: "name" }, "M-PESA"), part] : [part]);

export function show(element, key, children) {
  if (element.dataset.key === key) return;
  element.dataset.key = key;
  element.replaceChildren(...children);
}
