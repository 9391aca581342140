// Shortcuts of the desk: single letters that never act while something is typed, chosen or asked, and that can be
// switched off in this browser.

const SWITCH = "wattbourse.keys";
const TYPED_IN = "input:not([type=radio]):not([type=checkbox]), textarea, select, [contenteditable]";

export function shortcuts(actions) {
  const help = document.getElementById("keys");
  const on = document.getElementById("keys-on");
  const open = document.getElementById("keys-open");
  if (!help) return;
  on.checked = localStorage.getItem(SWITCH) !== "off";
  on.addEventListener("change", () => localStorage.setItem(SWITCH, on.checked ? "on" : "off"));
  open.hidden = false;
  open.addEventListener("click", () => help.showModal());
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.defaultPrevented) return;
    if (document.querySelector("dialog[open]") || event.target.closest?.(TYPED_IN)) return;
    const act = event.key === "?" ? () => help.showModal() : on.checked && actions[event.key.toLowerCase()];
    if (!act) return;
    event.preventDefault();
    act();
  });
}
