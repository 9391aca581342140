// The page about the lost connection: in the reader's language and colours, and back to the page that was asked for
// as soon as the server answers.

const FIRST_PAUSE_MS = 2_000;
const LONGEST_PAUSE_MS = 30_000;
const cookie = (name) => document.cookie.match(`(?:^|; )${name}=(\\w+)`)?.[1];

const language = (cookie("django_language") ?? navigator.language).startsWith("vi") ? "vi" : "en";
document.documentElement.lang = language;
for (const part of document.querySelectorAll("[data-language]")) part.hidden = part.lang !== language;
const theme = cookie("theme");
if (theme) document.documentElement.dataset.theme = theme;

let pause = FIRST_PAUSE_MS;
let timer;

async function tryAgain() {
  clearTimeout(timer);
  timer = setTimeout(tryAgain, pause);
  pause = Math.min(2 * pause, LONGEST_PAUSE_MS);
  const answer = await fetch("/healthz", { cache: "no-store" }).catch(() => null);
  if (answer?.ok) location.reload();
}

// Opened at its own address the page is only looked at.
if (location.pathname !== document.querySelector("main").dataset.own) {
  timer = setTimeout(tryAgain, pause);
  window.addEventListener("online", tryAgain);
  document.addEventListener("visibilitychange", () => document.hidden || tryAgain());
}
