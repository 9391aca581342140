// A home that waits for its first reading looks for it by itself: often at first, then once in half a minute.

const FIRST_MS = 3_000;
const MOST_MS = 30_000;

class Waiting extends HTMLElement {
  connectedCallback() {
    this.look(FIRST_MS);
  }

  /** The page that puts the first reading in this place takes the element away, and the looking ends. */
  disconnectedCallback() {
    clearTimeout(this.timer);
  }

  look(after) {
    this.timer = setTimeout(() => {
      this.closest("wb-home")?.fetchSoon(0);
      this.look(Math.min(after * 1.5, MOST_MS));
    }, after);
  }
}

customElements.define("wb-waiting", Waiting);
