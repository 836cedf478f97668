// The live stage: rows and parts as they are told, and which page each console shows. All of it is made by the server.
"use strict";

(() => {
  const ROW_EVERY_MS = 300; // what happens within milliseconds is drawn one after the other, for eyes to follow
  const QUEUE_MAX = 30; // who comes late does not wait for what is past
  const $ = (selector) => document.querySelector(selector);
  const queue = [];
  let isDrawing = false;

  // The diagram stays at its end while it grows or is made smaller, unless somebody has scrolled back.
  const log = $(".log");
  let isAtEnd = true;
  const toEnd = () => { if (isAtEnd) log.scrollTop = log.scrollHeight; };
  log.addEventListener("scroll", () => { isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40; });
  new ResizeObserver(toEnd).observe(log);

  function drawRow(html) {
    const rows = $("#rows");
    rows.insertAdjacentHTML("beforeend", html);
    rows.lastElementChild.classList.add("fresh");
    toEnd();
  }

  function replacePart(html) {
    const made = document.createElement("template");
    made.innerHTML = html;
    const part = made.content.firstElementChild;
    document.getElementById(part.id).replaceWith(part);
    if (part.dataset.side) lead(part);
  }

  // A console is led to the page that its admin is said to look at, once its node is there to serve it.
  function lead(side) {
    const frame = $(`[data-frame="${side.dataset.side}"]`);
    if (side.dataset.up === "yes" && frame.getAttribute("src") !== side.dataset.page) frame.src = side.dataset.page;
  }

  function draw() {
    isDrawing = true;
    while (queue.length) {
      const [kind, html] = queue.shift();
      if (kind === "part") {
        replacePart(html);
        continue;
      }
      drawRow(html);
      if (!document.hidden && queue.length && queue.length < QUEUE_MAX) {
        setTimeout(draw, ROW_EVERY_MS);
        return;
      }
    }
    isDrawing = false;
  }

  function take(event) {
    queue.push([event.type, event.data]);
    if (!isDrawing) draw();
  }

  const state = (text) => { $("#live-state").textContent = text; };
  const source = new EventSource(document.body.dataset.live);
  source.addEventListener("row", take);
  source.addEventListener("part", take);
  source.onopen = () => state("");
  source.onerror = () => state("The demo does not answer: it has ended, or comes back in a moment.");
})();
