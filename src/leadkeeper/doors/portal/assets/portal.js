// Refines what the server rendered; every page works without it.
"use strict";

function localTimes(root) {
  const shown = new Intl.DateTimeFormat(document.documentElement.lang, {
    day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", timeZoneName: "short",
  });
  for (const time of root.querySelectorAll("time[datetime]")) {
    const moment = new Date(time.dateTime);
    if (!Number.isNaN(moment.getTime())) time.textContent = shown.format(moment);
  }
}

function copyButtons(root) {
  if (!navigator.clipboard) return;
  for (const button of root.querySelectorAll("button[data-copy]")) button.hidden = false;
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(button.dataset.copy);
  button.classList.add("copied-now");
  setTimeout(() => button.classList.remove("copied-now"), 1500);
});

// A validation takes a few seconds: the button says that it is under way, and is not pressed twice.
document.addEventListener("submit", (event) => {
  const form = event.target, button = event.submitter;
  if (form.dataset.sent) { event.preventDefault(); return; }
  form.dataset.sent = "yes";
  if (button) { button.classList.add("btn-busy"); button.setAttribute("aria-busy", "true"); }
});
function ready() {
  for (const form of document.forms) delete form.dataset.sent;
  for (const button of document.querySelectorAll(".btn-busy")) {
    button.classList.remove("btn-busy");
    button.removeAttribute("aria-busy");
  }
}
window.addEventListener("pageshow", ready);
// A button that sends its form without leaving the page: what is under way is shown beside it meanwhile.
document.addEventListener("htmx:beforeRequest", (event) => {
  if (!event.detail.elt.matches("button[hx-post]")) return;
  event.detail.elt.classList.add("btn-busy");
  event.detail.elt.setAttribute("aria-busy", "true");
});
for (const name of ["htmx:sendError", "htmx:timeout"]) document.addEventListener(name, ready);

// A menu closes when somebody goes on elsewhere, or presses Escape.
function closeMenus(but) {
  for (const each of document.querySelectorAll("details.menu[open], details.who[open]")) if (!but || !each.contains(but)) each.open = false;
}
document.addEventListener("click", (event) => closeMenus(event.target));
document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && event.target.closest("details.menu[open], details.who[open]");
  if (menu) { menu.open = false; menu.querySelector("summary").focus(); }
});

// What was opened stays open when a part of the page is replaced, and the focus stays where it was.
let opened = [], focused = "";
document.addEventListener("htmx:beforeSwap", (event) => {
  const { target, xhr, elt, requestConfig } = event.detail;
  if (new URL(xhr.responseURL, location.href).pathname === "/portal/sign-in") {
    event.detail.shouldSwap = false;
    location.reload(); // the session has ended
    return;
  }
  if (elt.matches("form") || requestConfig?.verb === "post") { // what somebody sent is answered whatever the answer is
    event.detail.shouldSwap = true;
    return;
  }
  opened = [...target.querySelectorAll("details[open][id]")].map((each) => each.id);
  focused = target.contains(document.activeElement) ? document.activeElement.id : "";
  // Half-entered words are worth more than news: the part stays as it is until they are sent.
  const fields = [...target.querySelectorAll("textarea, input:not([type=hidden])")];
  if (fields.some((each) => each.value !== each.defaultValue)) event.detail.shouldSwap = false;
});
document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.requestConfig?.verb === "post") document.querySelector(".problems")?.focus();
  for (const id of opened) { const each = document.getElementById(id); if (each) each.open = true; }
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
});

// A download says how far it is. Without this the browser takes the file as it comes.
function rowsIn(piece, state) { // line breaks within quotation marks end no row
  for (const byte of piece) {
    if (byte === 34) state.quoted = !state.quoted;
    else if (byte === 10 && !state.quoted) state.rows += 1;
  }
}
function downloadText(text, done, all) {
  const number = new Intl.NumberFormat(document.documentElement.lang);
  return text.replace("{done}", number.format(Math.max(0, done))).replace("{all}", number.format(all));
}
async function download(form, shown) {
  const response = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) });
  if (!response.ok || !(response.headers.get("Content-Type") || "").startsWith("text/csv")) { form.submit(); return; }
  const header = response.headers.get("Leadkeeper-Leads") || "", all = Number(header.replace("about ", ""));
  const [bar, soFar, status] = shown.children, state = { rows: -1, quoted: false }, told = shown.dataset; // -1: titles
  const text = !header ? told.soFar : header.startsWith("about") ? told.about : told.of;
  bar.hidden = shown.hidden = false;
  status.textContent = "";
  soFar.textContent = downloadText(text, 0, all);
  if (header) { bar.max = Math.max(1, all); bar.value = 0; } else bar.removeAttribute("value");
  let file = new Blob([]), pieces = [], size = 0, said = 0; // put together now and then: browsers keep blobs on disk
  const reader = response.body.getReader();
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    rowsIn(read.value, state);
    pieces.push(read.value);
    size += read.value.length;
    if (size > 4194304) { file = new Blob([file, ...pieces]); pieces = []; size = 0; }
    if (header) bar.value = Math.max(0, state.rows);
    if (Date.now() - said > 250) { soFar.textContent = downloadText(text, state.rows, Math.max(all, state.rows)); said = Date.now(); }
  }
  const link = document.createElement("a"), name = /filename="([^"]+)"/.exec(response.headers.get("Content-Disposition"));
  link.href = URL.createObjectURL(new Blob([file, ...pieces], { type: "text/csv" }));
  link.download = name ? name[1] : "leads.csv";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  bar.hidden = true;
  soFar.textContent = "";
  status.textContent = downloadText(told.done, state.rows, all);
}
document.addEventListener("submit", async (event) => {
  const form = event.target, shown = document.getElementById("downloading");
  if (event.defaultPrevented || form.id !== "download" || !shown || !window.ReadableStream) return;
  event.preventDefault();
  try { await download(form, shown); } catch {
    const [bar, soFar, status] = shown.children;
    bar.hidden = true;
    shown.hidden = false;
    soFar.textContent = "";
    status.textContent = shown.dataset.broken;
  }
  ready();
});

// The list of leads: one box ticks all on the page, and how many are ticked is said.
function picked(form) {
  const boxes = [...form.querySelectorAll("input[name^=pick-]")], all = form.querySelector("#pick-all");
  const count = boxes.filter((each) => each.checked).length, shown = form.querySelector("[data-picked]");
  if (shown) { shown.textContent = String(count); shown.hidden = count === 0; }
  if (all) { all.parentElement.hidden = false; all.checked = count > 0 && count === boxes.length; all.indeterminate = count > 0 && count < boxes.length; }
}
document.addEventListener("change", (event) => {
  const form = event.target.closest("form.picked");
  if (!form) return;
  if (event.target.id === "pick-all") {
    for (const each of form.querySelectorAll("input[name^=pick-]")) each.checked = event.target.checked;
  }
  picked(form);
});
function pickable() { for (const form of document.querySelectorAll("form.picked")) picked(form); }
window.addEventListener("pageshow", pickable);

function begin(root) { localTimes(root); copyButtons(root); }
begin(document);
document.querySelector(".problems")?.focus();
document.addEventListener("htmx:load", (event) => begin(event.detail.elt.parentElement ?? document));
