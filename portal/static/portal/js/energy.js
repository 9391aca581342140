// What my day came to so far: energy from and to the wires, how much of it stayed among neighbours, and the money.

import { write } from "./dom.js";
import { fill } from "./format.js";

export class Energy extends HTMLElement {
  start(page) {
    this.page = page;
    this.verdict = this.querySelector("#verdict");
  }

  show(energy) {
    const { format } = this.page;
    const all = {
      ...energy,
      grid_import_wh: energy.import_wh - energy.bought_wh,
      grid_export_wh: energy.export_wh - energy.sold_wh,
    };
    for (const element of this.querySelectorAll("[data-energy]")) write(element, format.energy(all[element.dataset.energy]));
    for (const element of this.querySelectorAll("[data-money]")) write(element, this.signed(all[element.dataset.money]));
    this.share("bought", all.bought_wh, all.import_wh);
    this.share("grid_import", all.grid_import_wh, all.import_wh);
    this.share("sold", all.sold_wh, all.export_wh);
    this.share("grid_export", all.grid_export_wh, all.export_wh);
    write(this.verdict, this.sentence(all), { quietly: true });
  }

  share(name, part, whole) {
    this.querySelector(`[data-share="${name}"]`).style.setProperty("--share", whole ? `${(100 * part) / whole}%` : "0%");
  }

  signed(millidong) {
    return (millidong >= 500 ? "+" : "") + this.page.format.millidong(millidong);
  }

  sentence(energy) {
    const { strings, format } = this.page;
    if (!energy.intervals.length) return strings.nothing_settled;
    const parts = [this.outcome(energy)];
    if (!energy.payable) parts.push(strings.shadow);
    return parts.join(" ");
  }

  outcome(energy) {
    const { strings, format } = this.page;
    const money = format.millidong(Math.abs(energy.savings_millidong));
    if (energy.savings_millidong <= -500) return fill(strings.worse, { money });
    if (energy.sold_wh > 0) return fill(strings.sold_better, { quantity: format.energy(energy.sold_wh), money });
    if (energy.bought_wh > 0) return fill(strings.bought_better, { quantity: format.energy(energy.bought_wh), money });
    return strings.only_grid;
  }
}
customElements.define("wb-energy", Energy);
