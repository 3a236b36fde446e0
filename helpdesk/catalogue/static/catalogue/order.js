// Questions that are asked only with certain answers stand there only then. Without this all of them stand there.
(() => {
  "use strict";
  const form = document.querySelector("form[data-order]");
  const fields = [...(form?.querySelectorAll("[data-when]") ?? [])];
  if (!fields.length) return;
  const answer = (name) => new FormData(form).get(name) ?? "";
  const turn = () => {
    for (const field of fields) {
      const wanted = Object.entries(JSON.parse(field.dataset.when)).every(([name, said]) => said.includes(answer(name)));
      field.closest(".field").hidden = !wanted;
    }
  };
  form.addEventListener("change", turn);
  window.addEventListener("pageshow", turn);
  turn();
})();
