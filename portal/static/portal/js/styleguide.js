// The page of parts: its chart is drawn by the very component of a home, and its dialog can be opened.

import { Format } from "./format.js";
import { HomeChart } from "./home-chart.js";

const page = JSON.parse(document.getElementById("page").textContent);
page.format = new Format(page.language, page.timezone);
const chart = document.querySelector("wb-home-chart");
if (chart instanceof HomeChart) {
  chart.start(page);
  chart.show(JSON.parse(document.getElementById("chart").textContent));
}

for (const button of document.querySelectorAll("[data-opens]")) {
  button.addEventListener("click", () => document.getElementById(button.dataset.opens).showModal());
}
