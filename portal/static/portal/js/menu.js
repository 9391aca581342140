// What drops down from the bar closes again by Escape, by a click elsewhere, and when the next one opens.

const drops = [...document.querySelectorAll(".bar details")];

const close = (but) => drops.filter((each) => each !== but).forEach((each) => (each.open = false));

// By its path: what was clicked may have been replaced by its own answer to the click, as the shape of the colours is.
document.addEventListener("click", (click) => close(drops.find((each) => click.composedPath().includes(each))));
document.addEventListener("keydown", ({ key }) => {
  const open = drops.find((each) => each.open);
  if (key !== "Escape" || !open) return;
  close();
  open.querySelector("summary").focus();
});
