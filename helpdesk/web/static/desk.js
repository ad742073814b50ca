// One key a label. Every key presses a button that is on the page; without this file the buttons still work.

const TOO_SOON = 250; // ms: a key that comes sooner was meant for the card before
const card = document.querySelector(".card");
const sure = card.classList.contains("sure"); // else there is no first choice to accept
const DWELL = 600; // ms: who looks at a card for so long may want to know what a label would change
const RENEW = 60_000; // ms: a card that is looked at stays leased
const keys = { list: document.getElementById("keys"), opener: document.querySelector('[data-key="?"]') };
let leaving = false; // something was sent, so the next card is on its way

function typing(target) {
  return target.closest("input, textarea, select") !== null;
}

function appear() {
  leaving = false;
  delete card.dataset.ready;
  setTimeout(() => { card.dataset.ready = ""; }, TOO_SOON);
}

function go(message) {
  if (!message) return;
  leaving = true;
  const place = new URL(location.href);
  place.searchParams.set("item", message);
  place.searchParams.delete("q");
  location.href = place;
}

function press(key) {
  const element = document.querySelector(`[data-key="${CSS.escape(key)}"]`);
  if (!element) return false;
  element.click();
  if (element.matches("summary")) element.parentElement.querySelector("input:not([type=hidden])").focus();
  return true;
}

keys.opener.addEventListener("click", (event) => {
  event.preventDefault();
  keys.list.showModal();
});
keys.list.querySelector("form").addEventListener("submit", (event) => event.stopPropagation()); // it sends nothing

function fold() {
  const answers = [...document.querySelectorAll("details.answer")];
  const open = answers.some((answer) => !answer.open);
  for (const answer of answers) answer.open = open;
  return true;
}

function tell(place) {
  if (!place) return;
  const token = document.querySelector("[name=csrf_token]").value;
  fetch(place, { method: "POST", body: new URLSearchParams({ csrf_token: token }), keepalive: true }).catch(() => {});
}

async function showReceipt(place) {
  if (!place) return;
  const answer = await fetch(place.dataset.from).catch(() => null);
  if (answer?.ok) place.innerHTML = await answer.text();
}

setTimeout(() => { if (!leaving) showReceipt(document.querySelector(".receipt")); }, DWELL);
setInterval(() => { if (!document.hidden) tell(card.dataset.renew); }, RENEW);
addEventListener("pagehide", () => { if (!leaving) tell(card.dataset.leave); }); // the next card ends this lease too
addEventListener("pageshow", appear); // when the browser goes back to a card that it kept, too
addEventListener("submit", (event) => {
  if (leaving) event.preventDefault();
  leaving = true;
});

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || keys.list.open) return;
  if (event.key === "Escape") {
    leaving = false; // it stops a page that does not come
    document.activeElement.blur();
    return;
  }
  if (typing(event.target)) return;
  if (event.repeat || leaving || !("ready" in card.dataset)) return;
  if (event.key === "Enter" && event.target.closest("button, a, summary")) return;
  const handled =
    event.key === "/" ? (document.getElementById("q")?.focus(), true)
    : event.key === "j" ? (go(card.dataset.next), true)
    : event.key === "k" ? (go(card.dataset.previous), true)
    : event.key === "Enter" ? sure && press("1")
    : event.key === "a" ? fold()
    : press(event.key);
  if (handled) event.preventDefault();
});
