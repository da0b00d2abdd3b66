// Everything that leaves this page: to the stand-ins' doors, to the feed, to the acts.
// All of it goes to the page's own origin; a write carries a header that no foreign page can send.

export class Away extends Error {}

export class Refused extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

async function ask(path, { method = "GET", body, at = "/sandbox" } = {}) {
  const headers = {};
  if (method !== "GET") headers["X-Sandbox"] = "1";
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let answer;
  try {
    answer = await fetch(`${at}${path}`, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      cache: "no-store",
    });
  } catch {
    throw new Away("Baraza does not answer. Is `make run` still running in its terminal?");
  }
  const told = await answer.json().catch(() => ({ error: `unexpected answer ${answer.status}` }));
  if (answer.ok) return told;
  if (answer.status >= 502) throw new Away(told.error);
  throw new Refused(told.error, answer.status);
}

const query = (facts) => new URLSearchParams(facts).toString();

export const start = () => ask("/start");
export const feed = (phone, reference, after) =>
  ask(`/feed?${query({ phone, ...(reference && { reference }), ...(after && { after }) })}`);
export const beStaff = (role) => ask(`/demo/${role}`, { method: "POST", at: "/staff" });
export const act = (name) => ask(`/do/${name}`, { method: "POST" });
export const inbox = (phone) => ask(`/network/handset/inbox?${query({ phone })}`);
export const session = (id) => ask(`/network/handset/session?${query({ session_id: id })}`);
export const handset = (what, body) => ask(`/network/handset/${what}`, { method: "POST", body });
export const paid = () => ask("/mpesa/truth/paid");
export const thinks = (phone) => ask(`/mpesa/truth/thinks?${query({ phone })}`);

// Faults live at two places: M-PESA's stand-in and the gateway's.
export const PLACES = ["mpesa", "network"];
export const vocabulary = (place) => ask(`/${place}/faults/vocabulary`);
export const magic = (place) => ask(`/${place}/magic`);
export const faults = (place) => ask(`/${place}/faults`);
export const arm = (place, fault) => ask(`/${place}/faults`, { method: "POST", body: fault });
export const disarm = (place, id) => ask(`/${place}/faults/${id}`, { method: "DELETE" });
