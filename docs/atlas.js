// The curve and the numbers of one crystal and texture; ATLAS is from atlas-data.js.
(function () {
  "use strict";
  const names = { young_modulus_gpa: "Young's modulus", shear_modulus_gpa: "shear modulus", poisson_ratio: "Poisson's ratio" };
  const pick = (id) => document.getElementById("atlas-" + id);
  const [material, texture, quantity] = ["material", "texture", "quantity"].map(pick);
  const digits = (value, count) => Number(value).toPrecision(count).replace(/e.*/, (e) => " × 10^" + Number(e.slice(1)));

  function fill(select, values, titles) {
    const before = select.value;
    select.replaceChildren(...values.map((value) => new Option(titles ? titles[value] : value, value)));
    if (values.includes(before)) select.value = before;
  }

  function element(name, attributes, text) {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const key in attributes) made.setAttribute(key, attributes[key]);
    if (text) made.textContent = text;
    return made;
  }

  function draw(curve) {
    const svg = pick("curve");
    svg.replaceChildren();
    svg.style.display = curve.factor ? "" : "none";
    if (!curve.factor) return;
    const scatter = curve.cells.map((c) => (100 * c.std) / Math.abs(c.mean));
    const ratios = curve.cells.map((c) => c.ratio);
    const [left, right, top, bottom] = [64, 620, 16, 290];
    const xs = [Math.min(...ratios) / 1.15, Math.max(...ratios) * 1.15].map(Math.log);
    const low = Math.min(...scatter, (100 * curve.factor) / Math.exp(xs[1])) / 1.2;
    const high = Math.max(...scatter, (100 * curve.factor) / Math.exp(xs[0])) * 1.2;
    const ys = [low, high].map(Math.log);
    const x = (r) => left + ((right - left) * (Math.log(r) - xs[0])) / (xs[1] - xs[0]);
    const y = (s) => bottom - ((bottom - top) * (Math.log(s) - ys[0])) / (ys[1] - ys[0]);
    svg.append(element("path", { d: `M${left} ${top}V${bottom}H${right}`, class: "axis" }));
    for (const r of ratios) {
      svg.append(element("path", { d: `M${x(r)} ${top}V${bottom}`, class: "grid" }));
      svg.append(element("text", { x: x(r), y: bottom + 20, "text-anchor": "middle" }, String(r)));
    }
    for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++)
      for (const step of [1, 2, 5]) {
        const s = step * 10 ** power;
        if (s < low || s > high) continue;
        svg.append(element("path", { d: `M${left} ${y(s)}H${right}`, class: "grid" }));
        svg.append(element("text", { x: left - 8, y: y(s) + 5, "text-anchor": "end" }, Number(s.toPrecision(1)) + " %"));
      }
    svg.append(element("text", { x: (left + right) / 2, y: 330, "text-anchor": "middle" }, "L/s, window over grain size"));
    const ends = xs.map((end) => `${x(Math.exp(end))} ${y((100 * curve.factor) / Math.exp(end))}`);
    svg.append(element("path", { d: "M" + ends.join("L"), class: "law" }));
    curve.cells.forEach((c, i) => {
      const half = (100 * c.std_half) / Math.abs(c.mean);
      const bar = [scatter[i] - half, scatter[i] + half].map((s) => y(Math.min(Math.max(s, low), high)));
      svg.append(element("path", { d: `M${x(c.ratio)} ${bar[0]}V${bar[1]}`, class: "bar" }));
      svg.append(element("circle", { cx: x(c.ratio), cy: y(scatter[i]), r: 5 }));
    });
  }

  function tell(curve) {
    const unit = quantity.value === "poisson_ratio" ? "" : " GPa";
    const bounds = `Reuss ${digits(curve.reuss, 5)}, Voigt ${digits(curve.voigt, 5)}${unit}.`;
    pick("law").textContent = curve.factor
      ? `Scatter of the ${names[quantity.value]} = (${curve.factor.toFixed(4)} ± ${curve.factor_half.toFixed(4)}) · s/L of its mean, ` +
        `from L/s = ${curve.from} on. ${bounds}`
      : `No scatter: the ${names[quantity.value]} is the same in every window. ${bounds}`;
    const table = document.createElement("table");
    const row = (cells, kind) => {
      const made = table.insertRow();
      for (const cell of cells) {
        const box = document.createElement(kind);
        box.textContent = cell;
        made.append(box);
      }
    };
    row(["L/s", "films", "mean" + (unit && " (GPa)"), "standard deviation", "1 %", "99 %"], "th");
    for (const c of curve.cells)
      row([c.ratio, c.films, `${digits(c.mean, 6)} ± ${digits(c.mean_half, 1)}`, curve.factor ? `${digits(c.std, 3)} ± ${digits(c.std_half, 1)}` : "0",
        digits(c.p1, 5), digits(c.p99, 5)], "td");
    pick("table").replaceChildren(table);
  }

  function show() {
    fill(texture, Object.keys(ATLAS[material.value]));
    const curve = ATLAS[material.value][texture.value][quantity.value];
    draw(curve);
    tell(curve);
  }

  if (!material) return;
  fill(material, Object.keys(ATLAS));
  if (ATLAS.copper) material.value = "copper";
  fill(texture, Object.keys(ATLAS[material.value]));
  texture.value = "random";
  fill(quantity, Object.keys(names), names);
  pick("form").addEventListener("change", show);
  show();
})();
