// Scanning inside of the page, where the browser can read QR codes by itself. Everywhere else the phone's camera does it.
(() => {
  "use strict";
  const place = document.querySelector("[data-scan]");
  if (!place || !("BarcodeDetector" in window) || !navigator.mediaDevices?.getUserMedia) return;
  const view = place.querySelector("[data-scan-view]");
  const said = place.querySelector("[data-scan-said]");
  const start = place.querySelector("[data-scan-start]");
  place.hidden = false;

  const ours = (text) => {
    try {
      const address = new URL(text, location.href);
      return address.origin === location.origin && /^\/q\/[\w-]+\/$/.test(address.pathname) ? address.pathname : null;
    } catch { return null; }
  };
  const look = async (detector, stream) => {
    const found = await detector.detect(view).catch(() => []);
    for (const one of found) {
      const path = ours(one.rawValue);
      if (path) {
        for (const track of stream.getTracks()) track.stop();
        location.assign(path);
        return;
      }
      said.textContent = said.dataset.foreign;
    }
    setTimeout(() => look(detector, stream), 250);
  };
  start.addEventListener("click", async () => {
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
      view.srcObject = stream;
      view.hidden = false;
      start.hidden = true;
      await view.play();
      look(new window.BarcodeDetector({ formats: ["qr_code"] }), stream);
    } catch { said.textContent = said.dataset.denied; }
  });
})();
