// Brings the page of a job up to date, draws the map of its targets, and sends what its buttons say. Values never become markup here:
// what changes is rendered by the server, which escapes it.
"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const page = byId("job");
  if (!page) return;

  const path = "/v1/jobs/" + encodeURIComponent(page.dataset.job);
  const pageMilliseconds = 2000;
  const mapMilliseconds = 5000;
  const targetsPerPage = 20000;
  const colours = {
    pending: "--waiting", dispatched: "--running", running: "--running", succeeded: "--enrolled", failed: "--refused", rejected: "--refused",
    timedOut: "--silent", unknown: "--silent", skipped: "--gone", cancelled: "--gone",
  };
  let targets = [];
  let cell = 12;
  let columns = 1;

  const read = async (url) => {
    const response = await fetch(url, { headers: { Accept: "application/json" } });
    if (!response.ok) throw new Error(response.statusText);
    return response.json();
  };

  // One run at a time, at most one each interval, and one more when something changed meanwhile.
  const paced = (interval, run) => {
    let due = false;
    let waits = false;
    const turn = async () => {
      due = false;
      waits = true;
      try {
        await run();
        byId("stale").hidden = true;
      } catch {
        byId("stale").hidden = false;
      }
      setTimeout(() => {
        waits = false;
        if (due) turn();
      }, document.hidden ? 5 * interval : interval);
    };
    return () => {
      due = true;
      if (!waits) turn();
    };
  };

  const showPage = paced(pageMilliseconds, async () => {
    const response = await fetch(location.pathname, { headers: { Accept: "text/html" } });
    if (!response.ok) throw new Error(response.statusText);
    const fresh = new DOMParser().parseFromString(await response.text(), "text/html").getElementById("live");
    if (!fresh) return;
    byId("live").replaceWith(document.adoptNode(fresh));
    for (const button of document.querySelectorAll("#actions button")) {
      button.disabled = !fresh.dataset.verbs.split(" ").includes(button.dataset.verb);
    }
  });

  const draw = () => {
    const map = byId("map");
    const style = getComputedStyle(document.documentElement);
    const width = map.parentElement.clientWidth - 40;
    cell = targets.length <= 500 ? 16 : targets.length <= 2000 ? 12 : targets.length <= 8000 ? 8 : 5;
    columns = Math.max(1, Math.floor(width / cell));
    map.width = columns * cell;
    map.height = Math.max(1, Math.ceil(targets.length / columns)) * cell;
    const context = map.getContext("2d");
    const fills = {};
    for (const [state, name] of Object.entries(colours)) fills[state] = style.getPropertyValue(name).trim();
    targets.forEach((target, index) => {
      context.fillStyle = fills[target.state] ?? fills.pending;
      context.fillRect((index % columns) * cell, Math.floor(index / columns) * cell, cell - 1, cell - 1);
    });
  };

  const showMap = paced(mapMilliseconds, async () => {
    const found = [];
    for (let cursor = ""; cursor !== null;) {
      const next = await read(`${path}/targets?limit=${targetsPerPage}&cursor=${encodeURIComponent(cursor)}`);
      found.push(...next.targets.map((target) => ({ identity: target.identity, state: target.state, stage: target.stage })));
      cursor = next.next;
    }
    targets = found;
    draw();
  });

  const pointed = (event) => {
    const box = byId("map").getBoundingClientRect();
    return targets[Math.floor((event.clientY - box.top) / cell) * columns + Math.floor((event.clientX - box.left) / cell)];
  };
  byId("map").addEventListener("mousemove", (event) => {
    const target = pointed(event);
    if (target) byId("pointed").textContent = `${target.identity}: ${target.state}, stage ${target.stage + 1}`;
  });
  byId("map").addEventListener("click", (event) => {
    const target = pointed(event);
    if (target) location.href = "/nodes/" + encodeURIComponent(target.identity);
  });
  addEventListener("resize", draw);

  const bodies = {
    advance: (reason) => ({ reason, stage: Number(byId("live").dataset.stage) }),
    retry: (reason) => ({ reason, states: ["failed", "rejected"] }),
  };
  const send = async (verb) => {
    const reason = byId("reason").value;
    const told = byId("told");
    told.textContent = "…";
    try {
      const response = await fetch(`${path}:${verb}`, {
        method: "POST",
        headers: {
          "Content-Type": "application/json",
          Accept: "application/json",
          ...(byId("antiforgery") && { "X-Antiforgery": byId("antiforgery").value }),
        },
        body: JSON.stringify((bodies[verb] ?? ((why) => ({ reason: why })))(reason)),
      });
      const answer = await response.json();
      told.textContent = response.ok ? `It is ${answer.state}.` : `${answer.title}: ${answer.detail ?? ""}`;
      if (response.ok) byId("reason").value = "";
      showPage();
    } catch {
      told.textContent = "The control plane does not answer.";
    }
  };
  byId("actions")?.addEventListener("submit", (event) => event.preventDefault());
  for (const button of document.querySelectorAll("#actions button")) {
    button.addEventListener("click", () => {
      if (byId("actions").reportValidity()) send(button.dataset.verb);
    });
  }

  const events = new EventSource(`${path}:watch`);
  events.addEventListener("job", () => {
    showPage();
    showMap();
  });
  events.addEventListener("gone", () => events.close());
  events.addEventListener("error", () => { byId("stale").hidden = events.readyState === EventSource.OPEN; });
  showMap();
})();
