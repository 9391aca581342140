// Passkeys: a button with data-passkey asks the server for a challenge, the browser for a credential, and sends it back.

const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const bytes = (word) => Uint8Array.from(atob(word.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
const decoded = (list) => (list || []).map((item) => ({ ...item, id: bytes(item.id) }));

async function send(address, token, body) {
  const answer = await fetch(address, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRFToken": token },
    body: JSON.stringify(body),
  });
  const told = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(told.message || "");
  return told;
}

async function make({ publicKey }) {
  const made = await navigator.credentials.create({
    publicKey: {
      ...publicKey,
      challenge: bytes(publicKey.challenge),
      user: { ...publicKey.user, id: bytes(publicKey.user.id) },
      excludeCredentials: decoded(publicKey.excludeCredentials),
    },
  });
  return packed(made, {
    attestationObject: text(made.response.attestationObject),
    transports: made.response.getTransports ? made.response.getTransports() : [],
  });
}

async function use({ publicKey }) {
  const found = await navigator.credentials.get({
    publicKey: { ...publicKey, challenge: bytes(publicKey.challenge), allowCredentials: decoded(publicKey.allowCredentials) },
  });
  return packed(found, {
    authenticatorData: text(found.response.authenticatorData),
    signature: text(found.response.signature),
    userHandle: found.response.userHandle ? text(found.response.userHandle) : null,
  });
}

const packed = (credential, response) => ({
  id: credential.id,
  rawId: text(credential.rawId),
  type: credential.type,
  authenticatorAttachment: credential.authenticatorAttachment,
  clientExtensionResults: credential.getClientExtensionResults(),
  response: { clientDataJSON: text(credential.response.clientDataJSON), ...response },
});

async function run(button, notice) {
  const form = button.closest("form");
  const fields = Object.fromEntries(new FormData(form));
  const { csrfmiddlewaretoken: token, password, again, ...plain } = fields;
  notice.hidden = true;
  button.disabled = true;
  try {
    const options = await send(button.dataset.begin, token, plain);
    const credential = button.dataset.passkey === "make" ? await make(options) : await use(options);
    const { next } = await send(button.dataset.finish, token, { ...plain, credential });
    window.location.assign(next);
  } catch (error) {
    const own = error instanceof DOMException ? "" : error.message;
    notice.textContent = own || button.dataset.failed;
    notice.hidden = false;
    button.disabled = false;
  }
}

if (window.PublicKeyCredential) {
  for (const button of document.querySelectorAll("[data-passkey]")) {
    const notice = document.getElementById(button.dataset.notice);
    button.hidden = false;
    button.addEventListener("click", () => run(button, notice));
  }
}
