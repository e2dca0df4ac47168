// Enlarged figures, and the parity plot that shows the film under the pointer.
const large = document.getElementById("large");
for (const button of document.querySelectorAll(".gallery button")) {
  button.addEventListener("click", () => {
    large.querySelector("img").src = button.querySelector("img").src;
    large.querySelector("p").textContent = button.nextElementSibling.textContent;
    large.showModal();
  });
}
large.addEventListener("click", event => { if (event.target === large) large.close(); });

const data = JSON.parse(document.getElementById("data").textContent);
const parity = document.getElementById("parity");
const SYMBOLS = ["circle", "square", "diamond", "triangle-up"];

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function traces(network) {
  const colours = ["--network", "--accent", "--third", "--fourth"].map(colour);
  return Object.entries(data.plots[network]).map(([ensemble, films], number) => ({
    type: "scatter", mode: "markers", name: `${ensemble}, L/s = ${films.ratio}`,
    x: films.true, y: films.predicted, hoverinfo: "none",
    customdata: films.index.map(index => [ensemble, index]),
    marker: { size: 7, opacity: 0.7, color: colours[number % 4], symbol: SYMBOLS[number % 4] },
  }));
}

function layout(network) {
  const all = Object.values(data.plots[network]).flatMap(films => [...films.true, ...films.predicted]);
  const low = all.reduce((a, b) => Math.min(a, b)), high = all.reduce((a, b) => Math.max(a, b));
  const margin = 0.04 * (high - low) || 1, range = [low - margin, high + margin];
  const axis = { range, gridcolor: colour("--line"), linecolor: colour("--soft"), zeroline: false };
  return {
    margin: { l: 62, r: 10, t: 36, b: 48 }, hovermode: "closest", dragmode: "zoom",
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: "system-ui, sans-serif", size: 13, color: colour("--soft") },
    legend: { orientation: "h", x: 0, y: 1, yanchor: "bottom" },
    xaxis: { ...axis, title: { text: "Ē, finite elements (GPa)", font: { size: 13 } } },
    yaxis: { ...axis, title: { text: "Ē, network (GPa)", font: { size: 13 } } },
    shapes: [{ type: "line", x0: range[0], x1: range[1], y0: range[0], y1: range[1],
      layer: "below", line: { color: colour("--soft"), width: 1 } }],
  };
}

function element(name, attributes, ...children) {
  const made = document.createElementNS(name === "svg" || name === "polygon"
    ? "http://www.w3.org/2000/svg" : "http://www.w3.org/1999/xhtml", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function show(point) {
  const [ensemble, index] = point.customdata, polygons = data.pictures[ensemble]?.[index];
  const drawn = polygons ? [element("svg", { class: "film", viewBox: `0 0 ${data.side} ${data.side}` },
    ...polygons.map(([shade, ...points]) => element("polygon", { fill: data.shades[shade], points: points.join(" ") })))] : [];
  const error = (point.y - point.x).toFixed(3).replace("-", "−");
  const numbers = { "finite elements": `${point.x.toFixed(3)} GPa`, network: `${point.y.toFixed(3)} GPa`, error: `${error} GPa` };
  document.getElementById("seen").replaceChildren(
    ...drawn, element("dl", {}, element("dt", {}, ensemble), element("dd", {}, `SVE ${index}`),
      ...Object.entries(numbers).flatMap(([key, value]) => [element("dt", {}, key), element("dd", {}, value)])));
}

function draw(network) {
  for (const button of document.querySelectorAll(".choice button")) {
    button.setAttribute("aria-pressed", button.textContent === network);
  }
  const options = { responsive: true, displaylogo: false, displayModeBar: innerWidth > 640 && "hover", modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"] };
  Plotly.react(parity, traces(network), layout(network), options);
}

if (parity) {
  const names = Object.keys(data.plots), choice = document.querySelector(".choice");
  let shown = names[0];
  for (const name of names) {
    const button = element("button", { type: "button" }, name);
    button.addEventListener("click", () => draw(shown = name));
    choice.append(button);
  }
  draw(shown);
  for (const event of ["plotly_hover", "plotly_click"]) parity.on(event, ({ points }) => show(points[0]));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => draw(shown));
}
