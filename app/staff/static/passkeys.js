// Passkeys: the server's question, the device's answer to it, and the form that carries it back.

const toBytes = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0));
const toText = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const named = (list) => (list || []).map((one) => ({ ...one, id: toBytes(one.id) }));

const WAYS = {
  async create(question) {
    const user = { ...question.user, id: toBytes(question.user.id) };
    const publicKey = {
      ...question, user,
      challenge: toBytes(question.challenge),
      excludeCredentials: named(question.excludeCredentials),
    };
    const { id, rawId, type, response } = await navigator.credentials.create({ publicKey });
    return {
      id, rawId: toText(rawId), type,
      response: {
        clientDataJSON: toText(response.clientDataJSON),
        attestationObject: toText(response.attestationObject),
      },
    };
  },
  async get(question) {
    const publicKey = {
      ...question,
      challenge: toBytes(question.challenge),
      allowCredentials: named(question.allowCredentials),
    };
    const { id, rawId, type, response } = await navigator.credentials.get({ publicKey });
    return {
      id, rawId: toText(rawId), type,
      response: {
        clientDataJSON: toText(response.clientDataJSON),
        authenticatorData: toText(response.authenticatorData),
        signature: toText(response.signature),
        userHandle: response.userHandle ? toText(response.userHandle) : null,
      },
    };
  },
};

async function use(button) {
  const form = button.form;
  const says = form.querySelector("[data-passkey-says]");
  const asked = await fetch(button.dataset.question, {
    method: "POST",
    headers: { "X-CSRFToken": form.elements.csrf_token.value },
  });
  says.hidden = asked.ok;
  if (!asked.ok) return;
  try {
    const answer = await WAYS[button.dataset.passkey](await asked.json());
    form.elements.passkey.value = JSON.stringify(answer);
  } catch {
    says.hidden = false; // called off, or the device has no key for this page
    return;
  }
  form.action = button.dataset.action || form.action;
  form.submit(); // not requestSubmit: the field for a code stays empty
}

for (const button of document.querySelectorAll("[data-passkey]")) {
  button.hidden = !window.PublicKeyCredential;
  button.addEventListener("click", () => {
    if (button.dataset.passkey === "get" || button.form.reportValidity()) use(button);
  });
}
