// Own figures: fetched again after each settlement as the server words and draws them, and put in place part by part.

const RETRY_MS = 5_000;

export class Energy extends HTMLElement {
  start() {
    this.asked = 0;
  }

  /** The server has new figures. */
  async refresh() {
    const asked = ++this.asked;
    try {
      const answer = await fetch(this.dataset.address, { headers: { Accept: "text/html" } });
      if (!answer.ok || answer.redirected) throw new Error(answer.status);
      const text = await answer.text();
      if (asked === this.asked) this.put(new DOMParser().parseFromString(text, "text/html"));
    } catch {
      if (asked === this.asked) setTimeout(() => this.refresh(), RETRY_MS);
    }
  }

  put(fresh) {
    for (const part of this.querySelectorAll(".own-part")) {
      const other = fresh.getElementById(part.id);
      if (other && part.innerHTML !== other.innerHTML) this.exchange(part, other);
    }
    const settled = fresh.getElementById("settled");
    if (settled) document.getElementById("settled").textContent = settled.textContent;
  }

  /** What is unfolded stays so, and a figure that has moved shows it once. */
  exchange(part, other) {
    const figures = () => [...part.querySelectorAll("b, .big")];
    const before = figures().map((each) => each.textContent);
    const open = new Set([...part.querySelectorAll("details[open]")].map((each) => each.dataset.keep));
    part.replaceChildren(...other.childNodes);
    for (const each of part.querySelectorAll("details")) each.open = open.has(each.dataset.keep);
    const after = figures();
    if (after.length !== before.length) return;
    after.forEach((each, n) => each.classList.toggle("moved", each.textContent !== before[n]));
  }
}
customElements.define("wb-energy", Energy);
