// The chat page: posts to the webhook, shows text as text, turns buttons into choices, and fetches what people reply.

const log = document.getElementById("log");
const form = document.getElementById("ask");
const field = document.getElementById("message");
const sender = sessionStorage.getItem("sender") ?? crypto.randomUUID?.() ?? String(Math.random()).slice(2);
sessionStorage.setItem("sender", sender);
const EVERY = 4000; // ms between two looks for replies of people, while the conversation is not the bot's alone
let newest = 0; // reply that was shown
let looking = null;

function bubble(text, who) {
  const element = document.createElement("p");
  element.className = `bubble ${who}`;
  element.textContent = text;
  log.append(element);
  element.scrollIntoView({ block: "end" });
  return element;
}

function choices(buttons) {
  const group = document.createElement("div");
  group.className = "choices";
  for (const button of buttons) {
    const element = document.createElement("button");
    element.type = "button";
    element.textContent = button.title;
    element.addEventListener("click", () => {
      group.remove();
      send(button.payload);
    });
    group.append(element);
  }
  log.append(group);
  group.scrollIntoView({ block: "end" });
}

function show(answer) {
  const custom = answer.custom ?? {};
  const asks = custom.decision === "clarify" && answer.buttons;
  const element = bubble(asks ? answer.text.split("\n")[0] : answer.text, "bot");
  element.title = `version ${custom.version ?? "none"}, ${custom.decision}, confidence ${custom.confidence}`;
  element.dataset.decision = custom.decision;
  if (answer.buttons) choices(answer.buttons);
}

async function look() {
  looking = null;
  const place = `/api/v1/sessions/${encodeURIComponent(sender)}/updates?channel=rest&after=${newest}`;
  const found = await fetch(place).then((answer) => answer.json()).catch(() => ({ state: "waiting" }));
  for (const update of found.updates ?? []) {
    if (update.id <= newest) continue;
    newest = update.id;
    bubble(`${update.author}: ${update.text}`, "bot");
  }
  if (found.state !== "bot") looking ??= setTimeout(look, EVERY);
}

async function send(text) {
  bubble(text, "me");
  const waiting = bubble("…", "bot");
  try {
    const response = await fetch("/webhooks/rest/webhook", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ sender, message: text }),
    });
    const body = await response.json();
    if (!response.ok) throw new Error(body.detail);
    body.forEach(show);
    looking ??= setTimeout(look, 0);
  } catch (error) {
    bubble(`That did not work: ${error.message}`, "bot alert");
  } finally {
    waiting.remove();
    field.focus();
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const text = field.value.trim();
  if (!text) return;
  field.value = "";
  send(text);
});
