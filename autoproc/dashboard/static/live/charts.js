// What is plotted of a sweep that is being collected, as charts (reports/chart_data.py has their form).
import { IMAGE } from "../sweep/axes.js";

/** Titles and charts, in order. */
export function charts({ curves, dark, probes }) {
  const marks = [
    ...probes.map((one) => ({ value: curves.image[0] + one.n_images - 1, label: `${Math.round(one.rotation)}°`, along: "x" })),
    ...dark.slice(-5).map(([first]) => ({ value: first, label: "no beam", along: "x" })),
  ].filter(({ value }) => Number.isFinite(value));
  const chart = (y_label, series, y_limits = [0, null]) => ({
    x_label: IMAGE, y_label, y_limits, resolution: false, marks,
    series: series.map(([key, label, colour]) => ({ x: curves.image, y: curves[key], label, kind: "line", colour, sweep: 0 })),
  });
  return [
    { key: "spots", title: "Spots", chart: chart("spots", [["n_spots", "spots", 0]]) },
    { key: "d_min", title: "Resolution that they reach", unit: " Å", chart: chart("Å (less is better)", [["d_min", "Å", 2]], [null, null]) },
    { key: "level", title: "Background", chart: chart("counts in a pixel", [["level", "counts", 4]]) },
    { key: "ice", title: "Ice", chart: chart("spots", [["n_on_ice", "on rings of ice", 1], ["n_beside_ice", "beside them", 5]]) },
  ];
}

/** The last number of a curve that is known; null without one. */
export function latest({ chart }) {
  return chart.series[0].y.findLast((value) => value !== null) ?? null;
}
