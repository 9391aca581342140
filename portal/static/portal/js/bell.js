// The bell: how many notices are unread, asked again while the page is looked at, and at once when the worker shows one.

const EVERY_MS = 60_000;
const bell = document.getElementById("bell");

async function ask() {
  if (document.hidden) return;
  try {
    const answer = await fetch(bell.dataset.address, { headers: { Accept: "application/json" } });
    if (answer.ok && !answer.redirected) show(await answer.json());
  } catch {
    // Without a connection the number stays as it is; it is asked for again.
  }
}

function show({ shown, words }) {
  const number = bell.querySelector("b");
  number.textContent = shown;
  number.hidden = !shown;
  bell.title = words;
  bell.setAttribute("aria-label", words);
}

if (bell) {
  setInterval(ask, EVERY_MS);
  document.addEventListener("visibilitychange", ask);
  navigator.serviceWorker?.addEventListener("message", ({ data }) => data?.type === "notice" && ask());
}
