// Fetches its page again every few seconds and puts the parts marked data-live in place; the server alone words them.

class Refresh extends HTMLElement {
  connectedCallback() {
    this.every = Number(this.dataset.every) * 1_000;
    this.timer = setInterval(() => this.fetchPage(), this.every);
  }

  disconnectedCallback() {
    clearInterval(this.timer);
  }

  /** Nobody looks, or somebody is about to press a button here: the next time will do. */
  get busy() {
    return document.hidden || this.fetching || (this.contains(document.activeElement) && document.activeElement.matches("button, input, a"));
  }

  async fetchPage() {
    if (this.busy) return;
    this.fetching = true;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (!answer.ok || answer.redirected) throw new Error(answer.status);
      this.put(new DOMParser().parseFromString(await answer.text(), "text/html"));
    } catch {
      this.sayStale();
    }
    this.fetching = false;
  }

  put(fresh) {
    this.toggleAttribute("data-is-stale", false);
    for (const part of this.querySelectorAll("[data-live]")) {
      const other = fresh.getElementById(part.id);
      if (other && part.innerHTML !== other.innerHTML) part.replaceChildren(...other.childNodes);
    }
  }

  sayStale() {
    this.toggleAttribute("data-is-stale", true);
    const mark = this.querySelector(".fresh");
    if (mark) mark.textContent = this.dataset.stale;
  }
}

customElements.define("wb-refresh", Refresh);
