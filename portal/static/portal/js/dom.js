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

/** Writes a text; where it differs from the one before, the element shows it once. */
export function write(element, text, { quietly = false } = {}) {
  if (element.textContent === text) return;
  const first = element.textContent === "";
  element.textContent = text;
  if (first || quietly) return;
  element.classList.remove("moved");
  void element.offsetWidth; // so that the animation starts again
  element.classList.add("moved");
}
