"use strict";
for (const place of document.querySelectorAll("[data-spec]")) {
  const spec = JSON.parse(document.getElementById(place.dataset.spec).textContent);
  vegaEmbed(place, spec, { actions: false, renderer: "svg" });
}
const instances = document.getElementById("instances");
if (instances) {
  const key = (row, column) => {
    const cell = row.cells[column];
    return cell.dataset.value === undefined ? cell.textContent : Number(cell.dataset.value);
  };
  instances.tHead.addEventListener("click", (event) => {
    const heading = event.target.closest("th");
    const sign = heading.dataset.sign === "1" ? -1 : 1;
    heading.dataset.sign = sign;
    const rows = [...instances.tBodies[0].rows];
    rows.sort((a, b) => {
      const [x, y] = [key(a, heading.cellIndex), key(b, heading.cellIndex)];
      return sign * (x < y ? -1 : x > y ? 1 : 0);
    });
    instances.tBodies[0].append(...rows);
  });
}
