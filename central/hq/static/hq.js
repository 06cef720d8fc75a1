// A convenience only: a click (or Enter) on a heading sorts the rows that are on the page; without it all works.
"use strict";
for (const table of document.querySelectorAll("table[data-sortable]")) {
  const heads = [...table.tHead.rows[table.tHead.rows.length - 1].cells];
  heads.forEach((head, column) => {
    head.dataset.sort = "";
    head.tabIndex = 0;
    const sort = () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const rows = [...table.tBodies[0].rows];
      const of = (row) => row.cells[column].dataset.value ?? row.cells[column].textContent.trim();
      const number = (text) => (/^[\d.]+(,\d+)?%?$/.test(text) ? Number(text.replaceAll(".", "").replace(",", ".").replace("%", "")) : NaN);
      rows.sort((a, b) => {
        const [x, y] = [of(a), of(b)];
        if ((x === "–") !== (y === "–")) return x === "–" ? 1 : -1; // what was not counted comes last either way
        const [i, j] = [number(x), number(y)];
        const order = Number.isNaN(i) || Number.isNaN(j) ? x.localeCompare(y, "vi") : i - j;
        return up ? order : -order;
      });
      table.tBodies[0].append(...rows);
    };
    head.addEventListener("click", sort);
    head.addEventListener("keydown", (event) => event.key === "Enter" && sort());
  });
}
