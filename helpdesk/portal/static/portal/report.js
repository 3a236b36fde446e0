// Reporting a problem: only the devices of the chosen room are offered. Without this all of the school's stand there.
(() => {
  "use strict";
  const form = document.querySelector("form[data-report]");
  const narrow = () => {
    const room = form.querySelector("input[name=room]:checked")?.value;
    for (const row of form.querySelectorAll("[data-room]")) {
      row.hidden = Boolean(room) && row.dataset.room !== room;
      row.querySelector("[data-where]").hidden = Boolean(room);
      const choice = row.querySelector("input");
      if (row.hidden && choice.checked) form.querySelector("input[name=device][value='']").checked = true;
    }
  };
  form.addEventListener("change", (event) => { if (event.target.name === "room") narrow(); });
  window.addEventListener("pageshow", narrow);
  narrow();
})();
