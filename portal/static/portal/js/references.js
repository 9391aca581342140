// What prices are compared with: the grid's prices and the pool's, by contract, for the participant on the page.

const AGAIN_MS = 30_000; // at most so often for contracts that nobody knew

export class References extends EventTarget {
  constructor(page) {
    super();
    const who = new URLSearchParams(location.search).get("who");
    this.address = `/markets/${page.code}/references.json${who ? `?who=${encodeURIComponent(who)}` : ""}`;
    this.known = {};
    this.load();
  }

  of(contract) {
    const found = this.known[contract];
    if (!found && performance.now() - this.askedAt > AGAIN_MS) this.load();
    return found;
  }

  async load() {
    this.askedAt = performance.now();
    try {
      const answer = await fetch(this.address, { headers: { Accept: "application/json" } });
      if (!answer.ok || answer.redirected) return;
      this.known = (await answer.json()).contracts;
      this.dispatchEvent(new Event("change"));
    } catch {
      // The charts do without; the next contract that is not known asks again.
    }
  }
}
