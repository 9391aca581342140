// Small helpers: elements are made by code, never from strings of HTML.

export function make(tag, options = {}, ...children) {
  const element = document.createElement(tag);
  const { data, ...rest } = options;
  for (const [name, value] of Object.entries(rest)) {
    if (name === "class") element.className = value;
    else if (name in element) element[name] = value;
    else element.setAttribute(name, value);
  }
  Object.assign(element.dataset, data);
  element.append(...children);
  return element;
}

/** A press of a button, once: the rest of a double click is no second press (`detail` counts clicks; a key has 0). */
export function onPress(element, act) {
  element.addEventListener("click", (event) => event.detail < 2 && act(event));
}

/** Writes a text; where it differs from the one before, the element shows it once. */
export function write(element, text, { quietly = false } = {}) {
  if (element.textContent === text) return;
  const first = element.textContent === "";
  element.textContent = text;
  if (first || quietly) return;
  flash(element);
}

const fresh = new Set();

/** Starts the animation again. The class goes now and comes back two frames later, so that the browser has drawn the page
 * without it in between: asking for a layout instead would cost one for every figure that moves. */
function flash(element) {
  element.classList.remove("moved");
  if (!fresh.size) requestAnimationFrame(() => requestAnimationFrame(showFresh));
  fresh.add(element);
}

function showFresh() {
  for (const element of fresh) element.classList.add("moved");
  fresh.clear();
}
