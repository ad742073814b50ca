// The parts of a page of the inbox that change by themselves; without this file a reload shows the same.

import { localise } from "./times.js";

const EVERY = 5000; // ms

async function refresh() {
  const answer = await fetch(location.pathname, { headers: { Accept: "text/html" } }).catch(() => null);
  if (!answer?.ok || answer.redirected) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  localise(fresh);
  document.title = fresh.title;
  for (const part of document.querySelectorAll("[data-live]")) {
    const other = fresh.getElementById(part.id);
    if (other && withoutTokens(part) !== withoutTokens(other) && !part.contains(document.activeElement)) part.replaceWith(other);
  }
}

function withoutTokens(part) {
  return part.innerHTML.replaceAll(/name="csrf_token" value="[^"]*"/g, "");
}

setInterval(refresh, EVERY);
