// Reporting a problem. Only the devices of the chosen room are offered; what is typed outlives an empty battery; a report
// that meets a dead spot is sent when there is a signal again. Without this the form is sent as any other.
(() => {
  "use strict";
  const WEEK_MS = 7 * 86400 * 1000, RETRY_MS = 15000;
  const box = (name) => `fleetdesk.report.${name}`;
  const read = (name) => {
    try { return JSON.parse(localStorage.getItem(box(name))) ?? null; } catch { return null; }
  };
  const write = (name, draft) => { try { localStorage.setItem(box(name), JSON.stringify(draft)); } catch { /* full or forbidden */ } };
  const forget = (name) => { try { localStorage.removeItem(box(name)); } catch { /* forbidden */ } };

  const sent = document.querySelector("[data-reported]");
  if (sent) forget(sent.dataset.reported);
  const form = document.querySelector("form[data-report]");
  if (!form) return;
  const name = form.dataset.report;

  // --- only the devices of the room ---
  const narrow = () => {
    const room = form.querySelector("input[name=room]:checked")?.value;
    for (const row of form.querySelectorAll("[data-room]")) {
      row.hidden = Boolean(room) && row.dataset.room !== room;
      row.querySelector("[data-where]").hidden = Boolean(room);
      const choice = row.querySelector("input");
      if (row.hidden && choice.checked) form.querySelector("input[name=device][value='']").checked = true;
    }
  };

  // --- the draft on this device ---
  const KEPT = ["room", "device", "trouble", "blocks_lesson", "body", "token"];
  const answers = () => {
    const data = new FormData(form);
    return Object.fromEntries(KEPT.filter((one) => data.has(one)).map((one) => [one, data.get(one)]));
  };
  const files = form.querySelector("input[type=file]");
  const keep = (queued = false) => write(name, { answers: answers(), at: Date.now(), queued, files: files.files.length > 0 });
  const fill = (said) => {
    for (const [question, answer] of Object.entries(said)) {
      for (const field of form.querySelectorAll(`[name="${CSS.escape(question)}"]`)) {
        if (field.type === "radio") field.checked = field.value === answer;
        else field.value = answer;
      }
    }
  };
  const restore = () => {
    const draft = read(name);
    if ("answered" in form.dataset) { keep(false); return false; }
    if (!draft || Date.now() - draft.at > WEEK_MS) return false;
    const newer = draft.at / 1000 > Number(form.dataset.saved ?? 0) - 5;
    if (!newer || ("named" in form.dataset && !form.dataset.saved && !draft.queued)) return false;
    fill(draft.answers);
    document.querySelector("[data-lacks-files]").hidden = !draft.files;
    return draft.queued && !draft.files; // files are not kept: they are asked for again
  };

  // --- sending, again and again while there is no signal ---
  const offline = document.querySelector("[data-offline]");
  const autosave = form.querySelector("[hx-post]");
  const busy = (is) => {
    for (const button of form.querySelectorAll("button[type=submit]")) button.setAttribute("aria-busy", String(is));
  };
  const hush = () => { // what is typed is not to be kept by the server any more
    window.htmx?.trigger(autosave, "htmx:abort");
    autosave?.remove();
  };
  let sending = false, timer = 0;
  const send = async () => {
    if (sending) return;
    sending = true;
    clearTimeout(timer);
    busy(true);
    keep(true);
    hush();
    try {
      const answer = await fetch(form.action, { method: "POST", body: new FormData(form) });
      keep(false);
      if (!answer.redirected) { form.submit(); return; } // refused: the page says what is wrong
      if (new URL(answer.url).pathname.startsWith("/report/")) forget(name);
      location.assign(answer.url);
    } catch {
      sending = false;
      busy(false);
      offline.hidden = false;
      timer = setTimeout(send, RETRY_MS);
    }
  };
  form.addEventListener("submit", (event) => {
    if (event.submitter?.hasAttribute("formaction")) { // an article has helped: nothing is sent
      forget(name);
      hush();
      return;
    }
    keep(true); // should the signal break off now: what comes back here is sent again, and counts once
    if (navigator.onLine) return;
    event.preventDefault();
    send();
  });
  window.addEventListener("pageshow", (event) => { if (event.persisted && read(name)?.queued) send(); });
  window.addEventListener("online", () => { if (!offline.hidden) send(); });

  form.addEventListener("change", (event) => { if (event.target.name === "room") narrow(); keep(); });
  form.addEventListener("input", () => keep());
  document.querySelector("form[data-draft-drop]")?.addEventListener("submit", () => forget(name));
  window.addEventListener("pageshow", narrow);
  const queued = restore();
  narrow();
  if (queued) send();
})();
