/* Keeps a page fresh: asks for its live part every few seconds, says how fresh it is, and stops when nothing can change. */
"use strict";

(() => {
  const live = document.querySelector("[data-live-source]");
  const closeMenus = (except) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (menu !== except && !menu.contains(except)) menu.open = false;
    }
  };

  document.addEventListener("click", (event) => closeMenus(event.target));
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const open = document.querySelector("details.menu[open]");
    if (!open) return;
    open.open = false;
    open.querySelector("summary").focus();
  });
  for (const button of document.querySelectorAll("[data-print]")) {
    button.hidden = false;
    button.addEventListener("click", () => window.print());
  }

  if (!live || !window.htmx) return;

  const bar = document.querySelector("[data-freshness]");
  const time = bar.querySelector("[data-freshness-time]");
  const note = bar.querySelector("[data-freshness-note]");
  const pause = bar.querySelector("[data-freshness-pause]");
  const speaker = document.querySelector("[data-live-speaker]");
  const seconds = Number(live.dataset.liveSeconds) || 15;
  const zone = live.dataset.liveZone;
  const unfolded = new Set();

  let timer = 0;
  let paused = false;
  let waiting = false;
  let lastTag = "";
  let failures = 0;
  let spoken = sentence();

  function sentence() {
    return live.querySelector("[data-live-says]")?.dataset.liveSays ?? "";
  }

  function isOpen() {
    return live.querySelector("[data-live-open]")?.dataset.liveOpen === "true";
  }

  function clock(instant) {
    const parts = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
    return new Intl.DateTimeFormat("en-GB", { ...parts, timeZone: zone }).format(instant);
  }

  /* The abbreviation is the server's own word ("CET"), which a browser would spell in other ways. */
  function showChecked(instant) {
    time.textContent = `${clock(instant)} ${live.querySelector("[data-live-abbreviation]")?.dataset.liveAbbreviation ?? ""}`.trim();
    time.dateTime = instant.toISOString();
  }

  function showNote() {
    delete bar.dataset.failed;
    bar.toggleAttribute("data-paused", paused || !isOpen());
    bar.querySelector("[data-freshness-word]").textContent = "Updated";
    if (!isOpen()) note.textContent = "over, no longer refreshing";
    else note.textContent = paused ? "paused" : `refreshes every ${seconds} s`;
    pause.hidden = !isOpen();
    pause.textContent = paused ? "Resume" : "Pause";
  }

  function showFailure(text) {
    bar.dataset.failed = "";
    bar.querySelector("[data-freshness-word]").textContent = "Could not refresh since";
    note.textContent = text;
  }

  /* After failures the next try comes later, up to four times as late, so that a crowd does not press on a server that struggles. */
  function schedule() {
    window.clearTimeout(timer);
    if (paused || document.hidden || !isOpen()) return;
    const spread = 0.9 + Math.random() * 0.2;
    timer = window.setTimeout(refresh, seconds * 1000 * spread * Math.min(1 + failures, 4));
  }

  function refresh() {
    window.clearTimeout(timer);
    if (waiting) return;
    waiting = true;
    window.htmx.trigger(live, "refresh");
  }

  function succeeded(request) {
    failures = 0;
    const said = Date.parse(request.getResponseHeader("Date") ?? "");
    showChecked(Number.isNaN(said) ? new Date() : new Date(said));
    showNote();
  }

  function failed(text) {
    failures += 1;
    showFailure(text);
  }

  live.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr: request } = event.detail;
    if (request.status === 304) {
      event.detail.shouldSwap = false;
      succeeded(request);
      return;
    }
    if (request.status !== 200) return;
    /* A whole page instead of the live part: the sign-in page, or one that was asked for without htmx. */
    if (/^\s*<!doctype/i.test(request.responseText) || !request.responseText.includes("data-live-open")) {
      event.detail.shouldSwap = false;
      failed("showing earlier data. You may have been signed out: reload the page.");
      return;
    }
    const tag = request.getResponseHeader("ETag") ?? "";
    if (tag !== "" && tag === lastTag) {
      event.detail.shouldSwap = false;
      succeeded(request);
      return;
    }
    lastTag = tag;
    unfolded.clear();
    for (const details of live.querySelectorAll("details[id][open]")) unfolded.add(details.id);
  });

  live.addEventListener("htmx:afterSwap", (event) => {
    for (const id of unfolded) document.getElementById(id)?.setAttribute("open", "");
    succeeded(event.detail.xhr);
    const now = sentence();
    if (now !== spoken) speaker.textContent = now;
    spoken = now;
  });

  live.addEventListener("htmx:responseError", () => failed("showing earlier data"));
  live.addEventListener("htmx:sendError", () => failed("showing earlier data"));
  live.addEventListener("htmx:timeout", () => failed("showing earlier data"));
  live.addEventListener("htmx:afterRequest", () => {
    waiting = false;
    schedule();
  });

  pause.addEventListener("click", () => {
    paused = !paused;
    showNote();
    if (paused) window.clearTimeout(timer);
    else refresh();
  });

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) window.clearTimeout(timer);
    else if (!paused && isOpen()) refresh();
  });

  showNote();
  schedule();
})();
