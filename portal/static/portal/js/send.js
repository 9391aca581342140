// Sends a form's fields to the server and tells what came of it. Never more than once by itself: what is not known is
// said to be so, and sending the same ticket again is safe because it carries its own number.

const token = () => document.querySelector("[name=csrfmiddlewaretoken]")?.value ?? "";
export const JSON_ONLY = { Accept: "application/json" };

/** {ok, sentence, faults, unknown}; `unknown` where nobody can say whether it was done. */
export async function send(path, fields, strings) {
  let answer;
  try {
    answer = await fetch(path, {
      method: "POST",
      headers: { ...JSON_ONLY, "X-CSRFToken": token() },
      body: new URLSearchParams(fields),
      redirect: "manual",
    });
  } catch {
    return { ok: false, unknown: true, faults: [], sentence: strings.not_known };
  }
  if (answer.type === "opaqueredirect") {
    location.reload(); // logged out meanwhile: the login comes first
    return { ok: false, faults: [], sentence: strings.logged_out };
  }
  try {
    return { faults: [], ...(await answer.json()) };
  } catch {
    const unknown = answer.status >= 500;
    return { ok: false, unknown, faults: [], sentence: unknown ? strings.not_known : strings.not_sent };
  }
}

/** A number of its own for an order, so that it is never taken twice. */
export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
