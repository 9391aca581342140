// One question in the middle of the page: asks, and tells whether the answer was yes.

export function ask(sentence, yes) {
  const dialog = document.getElementById("sure");
  document.getElementById("sure-text").textContent = sentence;
  document.getElementById("sure-yes").textContent = yes;
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((tell) => dialog.addEventListener("close", () => tell(dialog.returnValue === "yes"), { once: true }));
}
