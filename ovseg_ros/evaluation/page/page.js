"use strict";
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const byId = (id) => document.getElementById(id);
  document.documentElement.classList.add("js");

  // Tables: a click or Enter on a heading sorts by it, numbers the largest first.
  const sortBy = (heading) => {
    const table = heading.closest("table");
    const column = [...heading.parentNode.children].indexOf(heading);
    const body = table.tBodies[0];
    const cell = (row) => row.children[column];
    const numeric = [...body.rows].some((row) => cell(row).dataset.value !== undefined);
    const rising = heading.getAttribute("aria-sort") === (numeric ? "descending" : null);
    const sign = rising ? 1 : -1;
    const compare = numeric
      ? (a, b) => sign * (Number(cell(a).dataset.value) - Number(cell(b).dataset.value))
      : (a, b) => sign * cell(a).textContent.localeCompare(cell(b).textContent);
    all("th", table).forEach((other) => other.removeAttribute("aria-sort"));
    heading.setAttribute("aria-sort", rising ? "ascending" : "descending");
    body.append(...[...body.rows].sort(compare));
  };
  all(".sortable th").forEach((heading) => {
    heading.tabIndex = 0;
    heading.addEventListener("click", () => sortBy(heading));
    heading.addEventListener("keydown", (event) => {
      if (event.key === "Enter") sortBy(heading);
    });
  });

  // Frames: filter by camera and domain, order by score.
  const figures = all(".gallery figure");
  const gallery = document.querySelector(".gallery");
  const shownFigures = () => all(".gallery figure").filter((figure) => !figure.hidden);
  const filter = () => {
    const wanted = all("[data-filter]").filter((select) => select.value !== "");
    const fits = (element) => wanted.every((s) => element.dataset[s.dataset.filter] === s.value);
    for (const element of [...figures, ...all("table.frames tbody tr")]) {
      element.hidden = !fits(element);
    }
    byId("count").textContent = `${shownFigures().length} pictures`;
  };
  const number = (figure, name) =>
    figure.dataset[name] === "" ? Infinity : Number(figure.dataset[name]);
  const order = (name) => {
    const sorted = name === "time"
      ? figures
      : [...figures].sort((a, b) => number(a, name) - number(b, name) || 0);
    gallery.append(...sorted);
  };
  all("[data-filter]").forEach((select) => select.addEventListener("change", filter));
  if (gallery) {
    byId("order").addEventListener("change", (event) => order(event.target.value));
    order(byId("order").value);
    filter();
  }

  // What the gallery shows of each frame; the pictures themselves stay in the layers.
  const layersOf = new Map(figures.map((figure) => [figure, new Map(all("img", figure).map(
    (image) => [image.dataset.layer, image.src]))]));
  const layerNames = [...new Set([...layersOf.values()].flatMap((layers) => [...layers.keys()]))];
  if (gallery) {
    byId("shown").append(...layerNames.map((name) => new Option(name, name)));
    byId("shown").addEventListener("change", (event) => figures.forEach((figure) => {
      const layers = layersOf.get(figure);
      figure.querySelector(".open img").src = layers.get(event.target.value) || layers.get("labels");
    }));
  }

  // Viewer: one frame at a time, a button per layer.
  const viewer = byId("viewer");
  let current = null;
  let layer = "labels";
  const show = (figure) => {
    current = figure;
    const layers = layersOf.get(figure);
    const chosen = layers.has(layer) ? layer : "labels";
    byId("picture").src = layers.get(chosen);
    byId("picture").alt = chosen;
    const place = shownFigures().indexOf(figure) + 1;
    const worst = all("td:first-child", figure).slice(0, 3).map((cell) =>
      `${cell.textContent} ${cell.nextElementSibling.textContent}`);
    byId("caption").textContent = `${place} of ${shownFigures().length}: ` +
      figure.querySelector("figcaption").textContent +
      (worst.length ? `; lowest labels: ${worst.join(", ")}` : "");
    byId("layers").replaceChildren(...[...layers.keys()].map((name, i) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = `${i + 1} ${name}`;
      button.setAttribute("aria-pressed", String(name === chosen));
      button.addEventListener("click", () => { layer = name; show(figure); });
      return button;
    }));
  };
  const open = (figure) => {
    show(figure);
    if (!viewer.open) viewer.showModal();
  };
  const step = (by) => {
    const list = shownFigures();
    if (list.length) show(list[(list.indexOf(current) + by + list.length) % list.length]);
  };
  figures.forEach((figure) => {
    figure.querySelector(".open").addEventListener("click", () => open(figure));
  });
  all("table.frames a").forEach((link) => link.addEventListener("click", (event) => {
    event.preventDefault();
    open(byId(link.getAttribute("href").slice(1)));
  }));
  byId("previous").addEventListener("click", () => step(-1));
  byId("next").addEventListener("click", () => step(1));
  byId("close").addEventListener("click", () => viewer.close());
  viewer.addEventListener("click", (event) => { if (event.target === viewer) viewer.close(); });
  viewer.addEventListener("close", () => {
    if (current) current.querySelector(".open").focus();
  });
  document.addEventListener("keydown", (event) => {
    if (!viewer.open || event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === "ArrowLeft") step(-1);
    else if (event.key === "ArrowRight") step(1);
    else if (/^[1-9]$/.test(event.key)) {
      const button = byId("layers").children[Number(event.key) - 1];
      if (button) button.click();
    } else return;
    event.preventDefault();
  });
})();
