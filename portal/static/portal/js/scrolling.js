// What scrolls sideways can be reached and moved by the keyboard: a stop for Tab while it is wider than its place, none
// while it fits. It is named after the heading above it.

const PLACES = ".wide, .scroller";
const watch = new ResizeObserver((entries) => entries.forEach((entry) => refresh(entry.target.closest(PLACES))));

function refresh(place) {
  if (!place) return;
  const overflows = place.scrollWidth > place.clientWidth || place.scrollHeight > place.clientHeight;
  if (!overflows) {
    ["tabindex", "role", "aria-label"].forEach((name) => place.removeAttribute(name));
    return;
  }
  place.tabIndex = 0;
  place.setAttribute("role", "group");
  place.setAttribute("aria-label", nameOf(place));
}

function nameOf(place) {
  const near = place.closest("section, details, main");
  const heading = near?.querySelector("h2, h3, summary, caption") ?? document.querySelector("h1");
  return heading?.textContent.trim() ?? document.title;
}

for (const place of document.querySelectorAll(PLACES)) {
  watch.observe(place);
  if (place.firstElementChild) watch.observe(place.firstElementChild);
}

// Where sections and tabs stand in one row (on a phone), the one on show is in sight.
for (const place of document.querySelectorAll(".sections [aria-current], .tabs [aria-current]"))
  place.scrollIntoView({ block: "nearest", inline: "center" });
