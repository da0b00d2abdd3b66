// Parts that renew themselves: not while nobody looks, and less often while nothing happens.
// A lost connection is said at once, because an old page looks like a quiet one.

const unreached = document.getElementById("unreached");
const QUIET_MS = 10 * 60 * 1000;
const SELDOM_MS = 30 * 1000;
let lastChange = Date.now();
let lastAsked = 0;

document.addEventListener("htmx:before:request", (event) => {
  const quiet = Date.now() - lastChange > QUIET_MS;
  const tooSoon = quiet && Date.now() - lastAsked < SELDOM_MS;
  if (document.hidden || tooSoon) {
    event.preventDefault();
    return;
  }
  lastAsked = Date.now();
});
document.addEventListener("htmx:after:request", () => { unreached.hidden = true; });
document.addEventListener("htmx:after:swap", () => { lastChange = Date.now(); });
document.addEventListener("htmx:error", () => { unreached.hidden = false; });
document.addEventListener("htmx:response:error", () => { unreached.hidden = false; });
