// What drops down from the bar closes again by Escape, by a click elsewhere, and when the next one opens.

const drops = [...document.querySelectorAll(".bar details")];

const close = (but) => drops.filter((each) => each !== but).forEach((each) => (each.open = false));

document.addEventListener("click", ({ target }) => close(drops.find((each) => each.contains(target))));
document.addEventListener("keydown", ({ key }) => {
  const open = drops.find((each) => each.open);
  if (key !== "Escape" || !open) return;
  close();
  open.querySelector("summary").focus();
});
