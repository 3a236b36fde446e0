// What a page can do beyond forms and links. Everything here is a convenience: each page works without it.
(() => {
  "use strict";
  const root = document.documentElement;
  const language = root.lang || "de";

  // --- theme, spacing and language: the form works by itself; here theme and spacing change without a new page ---
  const plain = { theme: "auto", density: "comfortable" };
  document.addEventListener("submit", (event) => {
    const form = event.target.closest("form[data-display]");
    const button = event.submitter;
    const name = button?.name;
    if (!form || !(name in plain)) return;
    event.preventDefault();
    if (button.value === plain[name]) delete root.dataset[name];
    else root.dataset[name] = button.value;
    for (const other of form.querySelectorAll(`[name="${name}"]`)) other.setAttribute("aria-pressed", String(other === button));
    const body = new FormData(form, button);
    fetch(form.action, { method: "POST", body, redirect: "manual" });
  });

  // --- a form is sent once: a double click must not order twice ---
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post") return;
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "true";
    for (const button of form.querySelectorAll("button:not([type=button])")) button.setAttribute("aria-busy", "true");
  });
  const release = (scope) => {
    for (const form of scope.querySelectorAll("form[data-sent]")) {
      delete form.dataset.sent;
      for (const button of form.querySelectorAll("[aria-busy]")) button.removeAttribute("aria-busy");
    }
  };
  window.addEventListener("pageshow", () => release(document));
  document.addEventListener("htmx:afterRequest", () => release(document));

  // --- times tick ---
  const relative = new Intl.RelativeTimeFormat(language, { style: "short" });
  const units = [[60, 1, "second"], [3600, 60, "minute"], [86400, 3600, "hour"], [7 * 86400, 86400, "day"]];
  const tick = () => {
    for (const time of document.querySelectorAll("time[data-ago]")) {
      const seconds = (Date.parse(time.dateTime) - Date.now()) / 1000;
      const unit = units.find(([limit]) => Math.abs(seconds) < limit);
      if (!unit) continue;
      const text = relative.format(Math.trunc(seconds / unit[1]) || (seconds < 0 ? -0 : 0), unit[2]);
      if (time.textContent !== text) time.textContent = text;
    }
  };
  setInterval(tick, 1000);

  // --- toasts: a server answer may carry HX-Trigger {"toast": {"text": …, "undo": address}} ---
  const toast = ({ text, undo }) => {
    const place = document.getElementById("toasts");
    if (!place || !text) return;
    const note = document.createElement("div");
    note.className = "toast";
    const words = document.createElement("span");
    words.textContent = text;
    note.append(document.createElement("span"), words);
    const button = (label, act) => {
      const made = document.createElement("button");
      made.type = "button";
      made.textContent = label;
      made.addEventListener("click", () => { act(); note.remove(); });
      note.append(made);
    };
    if (undo) button(place.dataset.undo, () => window.htmx.ajax("POST", undo, { swap: "none" }));
    button(place.dataset.close, () => {});
    place.append(note);
    if (!undo) setTimeout(() => note.remove(), 8000);
  };
  document.addEventListener("toast", (event) => toast(event.detail));

  // --- what keeps itself up to date says when it cannot: nobody shall take an old state for the present one ---
  const clock = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit" });
  let heard = new Date(), stale = null;
  const silent = () => {
    const place = document.getElementById("toasts");
    if (!place || stale) return;
    stale = document.createElement("div");
    stale.className = "toast";
    stale.dataset.staleSince = heard.toISOString();
    const words = document.createElement("span");
    words.textContent = `${place.dataset.stale} ${clock.format(heard)}.`;
    stale.append(document.createElement("span"), words);
    place.append(stale);
  };
  document.addEventListener("htmx:sendError", silent);
  document.addEventListener("htmx:responseError", (event) => { if (event.detail.xhr.status >= 500) silent(); });
  document.addEventListener("htmx:afterRequest", (event) => {
    if (!event.detail.successful) return;
    heard = new Date();
    stale?.remove();
    stale = null;
  });

  // --- dialogs: <button data-opens="id"> opens <dialog id>; data-closes closes the one it stands in ---
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-opens]");
    if (opener) {
      const dialog = document.getElementById(opener.dataset.opens);
      if (dialog && dialog.showModal) { event.preventDefault(); dialog.showModal(); }
    }
    const closer = event.target.closest("[data-closes]");
    if (closer) closer.closest("dialog")?.close();
    for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
    const copier = event.target.closest("[data-copies]");
    if (copier) navigator.clipboard?.writeText(document.getElementById(copier.dataset.copies).textContent.trim());
    if (event.target.closest("[data-prints]")) window.print();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of document.querySelectorAll("details.menu[open]")) { menu.open = false; menu.querySelector("summary").focus(); }
  });

  // --- keys: j/k walk through what has data-keys, Enter opens, x marks, a letter presses the row's button that names it ---
  // Single letters can be switched off (WCAG 2.1.4): whoever speaks to the computer would set them off.
  const stored = { get: (name) => { try { return localStorage.getItem(name); } catch { return null; } }, set: (name, value) => { try { localStorage.setItem(name, value); } catch { /* then it holds for this page */ } } };
  let keysUsed = stored.get("keys") !== "off";
  for (const box of document.querySelectorAll("[data-keys-used]")) box.checked = keysUsed;
  for (const opener of document.querySelectorAll("[data-opens][hidden]")) opener.hidden = false;
  document.addEventListener("change", (event) => {
    if (!event.target.matches("[data-keys-used]")) return;
    keysUsed = event.target.checked;
    stored.set("keys", keysUsed ? "on" : "off");
  });
  const typing = (target) => target.closest("input, select, textarea, [contenteditable], dialog");
  // "/" leads to the page's own search field, else to the one in its head, else to the page that looks through everything.
  const searchField = () => [...document.querySelectorAll("main input[type=search], .masthead-search input")].find((field) => field.offsetParent !== null);
  const ROW = "table[data-keys] tbody tr, .stack[data-keys] > article";
  const rows = () => [...document.querySelectorAll(ROW)].filter((row) => row.offsetParent !== null);
  const walk = (step) => {
    const all = rows();
    if (!all.length) return;
    const here = all.indexOf(document.activeElement.closest?.(ROW));
    const next = all[here < 0 ? 0 : Math.min(all.length - 1, Math.max(0, here + step))];
    next.tabIndex = -1;
    next.focus();
    next.scrollIntoView({ block: "nearest" });
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || (typing(event.target) && event.target.type !== "checkbox")) return;
    if (!keysUsed && event.key !== "Enter") return;
    const row = document.activeElement.closest?.(ROW);
    const named = /^[a-z]$/.test(event.key) && row?.querySelector(`button[data-key="${event.key}"]`);
    if (named) named.click();
    else if (event.key === "?") document.getElementById("keys")?.showModal();
    else if (event.key === "j") walk(1);
    else if (event.key === "k") walk(-1);
    else if (event.key === "Enter" && row && document.activeElement === row) row.querySelector("a[href]")?.click();
    else if (event.key === "x" && row) row.querySelector("input[type=checkbox]")?.click();
    else if (event.key === "/" && searchField()) searchField().focus();
    else if (event.key === "/" && document.querySelector(".masthead-find")) document.querySelector(".masthead-find").click();
    else return;
    event.preventDefault();
  });
  document.addEventListener("change", (event) => {
    const box = event.target;
    if (!(box instanceof HTMLInputElement) || box.type !== "checkbox") return;
    const table = box.closest("table");
    if (!table) return;
    if (box.dataset.marks === "all") {
      for (const other of table.querySelectorAll("tbody input[type=checkbox]")) { other.checked = box.checked; mark(other); }
    } else mark(box);
    const bar = document.getElementById(table.dataset.bulk || "");
    if (!bar) return;
    const count = table.querySelectorAll("tbody input[type=checkbox]:checked").length;
    const number = bar.querySelector("[data-count]");
    if (!number) return;
    number.textContent = String(count);
    number.hidden = count === 0;
  });
  const mark = (box) => {
    const row = box.closest("tbody tr");
    if (row) row.setAttribute("aria-selected", String(box.checked));
  };

  // --- the live log: search, and follow until the reader scrolls up ---
  const follow = (log) => {
    const lines = log.querySelector("[data-log-lines]");
    if (log.querySelector("[data-log-follow]").checked) lines.scrollTop = lines.scrollHeight;
  };
  const sieve = (log) => {
    const wanted = log.querySelector("[data-log-search]").value.toLowerCase();
    for (const line of log.querySelectorAll("[data-log-lines] li")) line.hidden = Boolean(wanted) && !line.textContent.toLowerCase().includes(wanted);
  };
  const tend = () => { for (const log of document.querySelectorAll("[data-log]")) { sieve(log); follow(log); } };
  document.addEventListener("input", (event) => { if (event.target.matches("[data-log-search]")) sieve(event.target.closest("[data-log]")); });
  document.addEventListener("change", (event) => { if (event.target.matches("[data-log-follow]")) follow(event.target.closest("[data-log]")); });
  document.addEventListener("wheel", (event) => {
    const log = event.target.closest?.("[data-log]");
    if (log && event.deltaY < 0) log.querySelector("[data-log-follow]").checked = false;
  }, { passive: true });

  document.addEventListener("htmx:afterSwap", () => { tick(); tend(); });
  document.addEventListener("htmx:beforeSwap", (event) => {
    // A panel that is not for this reader leaves no trace.
    if (event.detail.xhr.status === 404 && event.detail.elt.matches(".panel")) { event.detail.isError = false; event.detail.elt.remove(); }
    // A refused form comes back with its errors (422): it is shown like any answer.
    if (event.detail.xhr.status === 422) { event.detail.shouldSwap = true; event.detail.isError = false; }
  });
  tick();
  tend();
})();
