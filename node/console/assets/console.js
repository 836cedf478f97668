// What the console's pages do beyond forms and links. Everything works without it, only less lively.
"use strict";

(() => {
  const $ = (selector) => document.querySelector(selector);
  const all = (selector) => document.querySelectorAll(selector);
  const announce = (text) => { $("#announcer").textContent = text; };

  // On a phone the menu is one line: its present entry is to be seen.
  const here = $(".menu [aria-current]");
  const showHere = () => { if (here) here.scrollIntoView({ block: "nearest", inline: "center" }); };
  showHere();
  matchMedia("(max-width: 48rem)").addEventListener("change", showHere);

  // Live: one stream a page, closed while nobody looks (browsers keep few connections to one host).

  const live = { url: document.body.dataset.live, source: null, seen: null };

  function tellLiveState(text) {
    const place = $("[data-live-state]");
    if (!place) return;
    place.hidden = !text;
    place.textContent = text;
  }

  function openStream() {
    if (!live.url || live.source) return;
    const url = live.seen === null ? live.url : live.url.replace(/seen=\d+/, `seen=${live.seen}`);
    live.source = new EventSource(url);
    live.source.addEventListener("changed", (event) => {
      live.seen = event.data;
      tellLiveState("");
      htmx.trigger(document.body, "changed");
    });
    live.source.onopen = () => tellLiveState("");
    live.source.onerror = () => {
      tellLiveState("Reconnecting…");
      if (live.source.readyState === EventSource.CLOSED) {
        closeStream();
        htmx.trigger(document.body, "changed"); // who is signed out is led to sign in
        setTimeout(openStream, 3000);
      }
    };
  }

  function closeStream() {
    if (live.source) live.source.close();
    live.source = null;
  }

  document.addEventListener("visibilitychange", () => (document.hidden ? closeStream() : openStream()));
  addEventListener("pagehide", closeStream);
  addEventListener("pageshow", () => { if (!document.hidden) openStream(); });

  // A part that is drawn anew: what was open stays open, what has changed is said and shown.

  const told = (one) => one.dataset.status ?? one.textContent;
  const statuses = () => new Map([...all("[data-status], [data-row]")].map((one) => [one.dataset.row || one.id, told(one)]));
  let before = new Map();
  let opened = [];
  let scrolled = [];

  // A part in which nothing has changed is left alone: focus, selection and all that was opened stay.

  function asServed(part) {
    const copy = part.cloneNode(true);
    for (const one of [copy, ...copy.querySelectorAll("*")]) {
      one.classList.remove("changed", ...[...one.classList].filter((name) => name.startsWith("htmx-")));
      if (!one.classList.length) one.removeAttribute("class");
      if (one.tagName === "DETAILS") one.removeAttribute("open");
    }
    return copy;
  }

  function isSame(part, text) {
    if (!part.id) return false;
    const served = new DOMParser().parseFromString(text, "text/html").getElementById(part.id);
    return Boolean(served) && asServed(part).isEqualNode(asServed(served));
  }

  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.shouldSwap && isSame(event.detail.target, event.detail.serverResponse)) {
      event.detail.shouldSwap = false;
      return;
    }
    before = statuses();
    opened = [...all("details[open] > summary[id]")].map((summary) => summary.id);
    scrolled = [...all(".scroll[id]")].map((one) => [one.id, one.scrollLeft]);
  });

  document.addEventListener("htmx:afterSwap", (event) => {
    for (const id of opened) {
      const summary = document.getElementById(id);
      if (summary) summary.parentElement.open = true;
    }
    for (const [id, left] of scrolled) {
      const one = document.getElementById(id);
      if (one) one.scrollLeft = left;
    }
    const news = [];
    for (const one of all("[data-status], [data-row]")) {
      const earlier = before.get(one.dataset.row || one.id);
      if (earlier === told(one)) continue;
      if (earlier !== undefined || one.dataset.row) one.classList.add("changed");
      if (one.dataset.name) news.push(`${one.dataset.name} is now: ${one.dataset.status}`);
    }
    const part = document.getElementById(event.detail.target.id);
    if (part && part.dataset.told) {
      const fields = [...part.querySelectorAll(".changed > dt")].map((one) => one.textContent);
      news.push(part.dataset.told + (fields.length ? ` ${fields.join(", ")}.` : ""));
    }
    if (news.length) announce(news.join(". "));
    const filters = $("[data-filters]");
    if (filters && $("#list table")) filters.hidden = false;
  });

  // The rows of a filter are added and taken away on the page; what they ask for is sent all at once.

  const rows = $("#conditions");
  const adding = $("[data-add]");

  function showRows() {
    adding.hidden = rows.children.length >= Number(rows.dataset.most);
    for (const button of all("[data-remove]")) button.hidden = false;
  }

  if (rows) {
    showRows();
    rows.addEventListener("click", (event) => {
      const row = event.target.closest("[data-remove]")?.closest(".condition");
      if (!row) return;
      const beside = row.nextElementSibling || row.previousElementSibling;
      row.remove();
      showRows();
      (beside ? beside.querySelector("[name=f]") : adding).focus();
      announce("The condition was removed. Apply the filter to see what that leaves.");
    });
    document.addEventListener("htmx:afterSwap", (event) => {
      if (event.detail.target !== rows) return;
      showRows();
      rows.lastElementChild.querySelector("[name=f]").focus();
    });
  }

  // Copying, with the code selected where the clipboard is denied.

  let isCopied = false;

  async function copy(button) {
    const field = $(button.dataset.copy);
    const label = button.querySelector("span");
    const said = label.textContent;
    field.select();
    try {
      await navigator.clipboard.writeText(field.value);
      label.textContent = button.dataset.copied;
      announce("Copied to the clipboard.");
      setTimeout(() => { label.textContent = said; }, 2500);
    } catch {
      const place = $("#copy-state");
      if (place) place.textContent = "This browser keeps the clipboard closed: the text is selected, copy it by hand.";
    }
    isCopied = true;
  }

  for (const button of all("[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", () => copy(button));
  }
  document.addEventListener("copy", () => { isCopied = true; });

  // Dialogs: the cross and Escape ask only if something was typed; where the code stands, only if it was not copied.

  let isLeavingByForm = false;
  let isTyped = false;

  function isUnsafeToLeave() {
    if (isLeavingByForm) return false;
    if ($("[data-uncopied]")) return !isCopied;
    return isTyped && Boolean($("[data-guarded]"));
  }

  addEventListener("beforeunload", (event) => { if (isUnsafeToLeave()) event.preventDefault(); });

  for (const form of all("[data-guarded]")) {
    form.addEventListener("input", () => { isTyped = true; });
    form.addEventListener("submit", () => { isLeavingByForm = true; });
  }
  for (const form of all(".theme-switch")) form.addEventListener("submit", () => { isLeavingByForm = true; });

  document.addEventListener("keydown", (event) => {
    const close = $("[data-close]");
    if (event.key === "Escape" && close && !event.defaultPrevented) close.click();
  });

  // Enter in a field means the last button, which goes on, and not the first one, which goes back.

  for (const button of all("[data-default]")) {
    button.form.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && event.target.tagName === "INPUT" && event.target.type !== "checkbox") {
        event.preventDefault();
        button.form.requestSubmit(button);
      }
    });
  }

  // The connection's name follows both short names until it is edited.

  const names = $("[data-names]");
  if (names) {
    const [local, remote, name] = ["#local_short_name", "#remote_short_name", "#name"].map($);
    const proposed = () => `${local.value.trim()}_to_${remote.value.trim()}`.slice(0, name.maxLength);
    let follows = !name.value || name.value === proposed();
    name.addEventListener("input", () => { follows = false; });
    for (const one of [local, remote]) {
      one.addEventListener("input", () => { if (follows) name.value = proposed(); });
      one.addEventListener("change", () => { if (follows && remote.value) htmx.trigger(name, "named"); });
    }
    document.addEventListener("htmx:afterSwap", (event) => {
      const field = document.getElementById(event.target.id.replace("fault-", ""));
      if (field && event.target.textContent.trim()) field.setAttribute("aria-invalid", "true");
      else if (field) field.removeAttribute("aria-invalid");
    });
  }
})();
