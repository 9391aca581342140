// One box above a table that ticks every box of its rows.

class ChooseAll extends HTMLElement {
  connectedCallback() {
    const box = document.createElement("input");
    box.type = "checkbox";
    box.setAttribute("aria-label", this.dataset.label);
    const rows = () => [...this.closest("form").querySelectorAll('tbody input[type="checkbox"]')];
    box.addEventListener("change", () => rows().forEach((row) => (row.checked = box.checked)));
    this.closest("form").addEventListener("change", () => {
      const ticked = rows().filter((row) => row.checked).length;
      box.checked = ticked > 0 && ticked === rows().length;
      box.indeterminate = ticked > 0 && !box.checked;
    });
    this.append(box);
  }
}

customElements.define("wb-choose-all", ChooseAll);
