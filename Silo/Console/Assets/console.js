// Brings the overview up to date. Values only ever become text or numbers, never markup.
"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const spark = byId("spark");
  if (!spark) return;

  const groups = {
    enrolled: ["enrolled"],
    running: ["admitted", "attested", "inspected", "placed", "keyed", "certified", "configured", "restarted"],
    waiting: ["discovered", "deferred"],
    silent: ["silent"],
    refused: ["quarantined"],
    gone: ["gone"],
  };
  const pollMilliseconds = 2000;
  const samplesMax = 150;
  const samples = [];
  const number = new Intl.NumberFormat("en");

  const element = (name, text, className) => {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    if (className) made.className = className;
    return made;
  };
  const svg = (name, attributes) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  };
  const time = (iso) => {
    const made = element("time", new Date(iso).toISOString().slice(0, 19).replace("T", " ") + " UTC");
    made.dateTime = iso;
    return made;
  };
  const head = (titles) => {
    const row = element("tr");
    for (const [title, className] of titles) {
      const cell = element("th", title, className);
      cell.scope = "col";
      row.append(cell);
    }
    const made = element("thead");
    made.append(row);
    return made;
  };
  const table = (titles, rows) => {
    const body = element("tbody");
    body.append(...rows);
    const made = element("table");
    made.append(head(titles), body);
    return made;
  };
  const rowHead = (content) => {
    const made = element("th");
    made.scope = "row";
    made.append(content);
    return made;
  };
  const cellOf = (content, className) => {
    const made = element("td", undefined, className);
    made.append(content);
    return made;
  };
  const title = (word) => word.charAt(0).toUpperCase() + word.slice(1);

  const showStages = (summary) => {
    byId("enrolled").textContent = number.format(summary.stages.enrolled ?? 0);
    byId("total").textContent = number.format(summary.total);
    byId("rate").textContent = number.format(summary.enrolledPerMinute);
    for (const figure of document.querySelectorAll("[data-stage]")) {
      figure.textContent = number.format(summary.stages[figure.dataset.stage] ?? 0);
    }
    let left = 0;
    for (const [name, stages] of Object.entries(groups)) {
      const nodes = stages.reduce((sum, stage) => sum + (summary.stages[stage] ?? 0), 0);
      const width = summary.total === 0 ? 0 : (1000 * nodes) / summary.total;
      document.querySelector(`[data-group="${name}"]`).textContent = number.format(nodes);
      const segment = document.querySelector(`[data-segment="${name}"]`);
      segment.setAttribute("x", left);
      segment.setAttribute("width", width);
      left += width;
    }
  };

  const showSpark = (rate) => {
    samples.push(rate);
    if (samples.length > samplesMax) samples.shift();
    const top = Math.max(1, ...samples);
    const step = 240 / Math.max(1, samples.length - 1);
    spark.querySelector("polyline").setAttribute(
      "points", samples.map((sample, index) => `${(index * step).toFixed(1)},${(46 - (44 * sample) / top).toFixed(1)}`).join(" "));
  };

  const enrolment = (control) =>
    !control ? "-"
      : control.pause ? `paused by ${control.pause.by}: ${control.pause.reason}`
      : control.brake ? `brake on: ${control.brake.reason}`
      : control.limit ? `at most ${control.limit.perMinute} a minute, set by ${control.limit.by}: ${control.limit.reason}`
      : "open";

  const overlayRow = (overlay) => {
    const limit = Math.max(1, overlay.hardLimit);
    const nodes = (1000 * overlay.nodes) / limit;
    const share = Math.round((100 * (overlay.nodes + overlay.reserved)) / limit);
    const load = svg("svg", { class: "load", viewBox: "0 0 1000 10", preserveAspectRatio: "none", role: "img", "aria-label": `${share}% of the hard limit` });
    load.append(
      svg("rect", { class: "enrolled", x: 0, y: 0, width: nodes, height: 10 }),
      svg("rect", { class: "running", x: nodes, y: 0, width: (1000 * overlay.reserved) / limit, height: 10 }),
      svg("rect", { class: "limit", x: (1000 * overlay.softLimit) / limit, y: 0, width: 3, height: 10 }));
    const row = element("tr");
    row.append(rowHead(overlay.name), cellOf(title(overlay.state)), cellOf(load, "wide"));
    for (const figure of [overlay.nodes, overlay.reserved, overlay.softLimit, overlay.hardLimit]) {
      row.append(cellOf(number.format(figure), "number"));
    }
    row.append(cellOf(enrolment(overlay.enrolment), "wide"));
    return row;
  };

  const refusedRow = (node) => {
    const link = element("a", node.identity);
    link.href = "/nodes/" + encodeURIComponent(node.identity);
    const row = element("tr");
    row.append(rowHead(link), cellOf(node.reason ?? "", "wide"), cellOf(time(node.since)));
    return row;
  };

  const note = (text) => element("p", text, "note");

  const show = (summary) => {
    showStages(summary);
    showSpark(summary.enrolledPerMinute);
    byId("at").replaceChildren(time(summary.at));
    byId("overlays").replaceChildren(
      !summary.overlays ? note("The placement of the region does not answer.")
        : summary.overlays.length === 0 ? note("The region has no overlays.")
        : table([["Overlay"], ["State"], ["Load", "wide"], ["Nodes", "number"], ["Reserved", "number"], ["Soft limit", "number"], ["Hard limit", "number"], ["Enrolment", "wide"]],
          summary.overlays.map(overlayRow)));
    byId("refused").replaceChildren(
      summary.refused.length === 0 ? note("None.")
        : table([["Node"], ["Reason", "wide"], ["First heard of"]], summary.refused.map(refusedRow)));
  };

  const poll = async () => {
    try {
      const response = await fetch("/v1/summary", { headers: { Accept: "application/json" } });
      if (!response.ok) throw new Error(response.statusText);
      show(await response.json());
      byId("stale").hidden = true;
    } catch {
      byId("stale").hidden = false;
    } finally {
      setTimeout(poll, document.hidden ? 5 * pollMilliseconds : pollMilliseconds);
    }
  };
  poll();
})();
