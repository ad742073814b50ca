// Talks to the API. A message keeps its id however often it is sent, so it arrives once.

const WAITS = [1, 2, 4, 8, 15]; // seconds before a message is tried again; then only when the person asks for it
const LOOK = 4, LOOK_CLOSED = 20, LOOK_AT_MOST = 60; // seconds between looks for a colleague's reply
const seconds = (number) => new Promise((done) => setTimeout(done, number * 1000));

function connect({ endpoint, siteKey, locale, store, host, isOpen, onState }) {
  let sending = false;
  let looking = null;
  let noUpdates = false;

  async function call(path, body) {
    const headers = siteKey ? { "X-Site-Key": siteKey } : {};
    if (body) headers["Content-Type"] = "application/json";
    const response = await fetch(endpoint + path, {
      method: body ? "POST" : "GET",
      headers,
      body: body && JSON.stringify(body),
      cache: "no-cache",
      signal: AbortSignal.timeout(20000),
    });
    const data = await response.json().catch(() => null); // a proxy's own pages are none
    return { status: data || !response.ok ? response.status : 502, wait: response.headers.get("Retry-After"), data };
  }

  // One after the other, as they were written: what is chosen means the question before it.
  async function sendAll() {
    if (sending) return;
    sending = true;
    try {
      for (let item; (item = store.read().items.find((one) => one.status === "sending")); ) await send(item);
    } finally {
      sending = false;
      onState("");
    }
  }

  async function send(item) {
    const { session } = store.read();
    const body = { session_id: session, message_id: item.id, text: item.text, locale, channel: CHANNEL };
    for (const wait of [...WAITS, null]) {
      if (!navigator.onLine) break;
      const said = await call("api/v1/messages", body).catch(() => null);
      if (said?.status === 200) return take(item.id, said.data);
      if (said && said.status < 500 && said.status !== 429) return refuse(item.id, said);
      if (wait === null || !host.isConnected) break;
      onState("retrying");
      await seconds(Math.max(wait, Math.min(Number(said?.wait) || 0, 60)));
      if (store.read().session !== session) return;
      onState("typing");
    }
    settle("failed");
  }

  function take(id, said) {
    const messages = (said.messages ?? []).filter((message) => message.text);
    store.change((state) => {
      const item = store.find(state, id);
      if (!item) return false;
      item.status = "sent";
      const before = state.items.findLast(({ who }) => who !== "me");
      if (said.decision === "person" && [before?.who, before?.decision].includes("person")) return; // it was said
      messages.forEach(({ text, html }, at) => {
        const last = at === messages.length - 1;
        add(state, `${id}/${at}`, {
          who: "bot", text, html,
          number: last ? said.message_id : null,
          decision: said.decision,
          options: last ? (said.options ?? []).map((option) => option.question) : [],
          follow_ups: last ? (said.follow_ups ?? []) : [],
        });
      });
    });
    look();
  }

  function add(state, id, item) {
    if (store.find(state, id)) return;
    state.items.push({ id, ...item });
    if (!isOpen()) state.unread += 1;
  }

  function refuse(id, { status, data }) {
    const closed = status === 401 || status === 403;
    console.error(`helpdesk: ${endpoint} refused a message with ${status}: ${data?.detail ?? ""}`);
    store.change((state) => {
      const item = store.find(state, id);
      if (item) item.status = closed ? "unavailable" : "refused";
    });
  }

  // What waits is shown as not sent, all of it: it went the same way.
  function settle(status) {
    store.change((state) => {
      for (const item of state.items) if (item.status === "sending") item.status = status;
    });
  }

  function say(text) {
    store.change((state) => {
      state.items.push({ id: newId(), who: "me", text, status: "sending" });
    });
    return sendAll();
  }

  function resend(id) {
    store.change((state) => {
      for (const item of state.items) if (item.status === "failed" && (!id || item.id === id)) item.status = "sending";
    });
    return sendAll();
  }

  async function rate(id, helpful) {
    const { session, items } = store.read();
    const item = items.find((one) => one.id === id);
    const { number, helpful: before } = item;
    mark(id, { helpful });
    const said = await call(`api/v1/messages/${number}/feedback`, { session_id: session, helpful }).catch(() => null);
    if (said?.status === 200) look();
    else mark(id, said?.status === 404 ? { number: null } : { helpful: before });
  }

  function mark(id, facts) {
    store.change((state) => {
      const item = store.find(state, id);
      if (item) Object.assign(item, facts);
    });
  }

  // Looks for a colleague's reply, and goes on while a case is open.
  async function look(failures = 0) {
    clearTimeout(looking);
    if (noUpdates || !host.isConnected) return;
    const { session, after } = store.read();
    const path = `api/v1/sessions/${session}/updates?after=${after}&channel=${CHANNEL}`;
    const said = await call(path).catch(() => null);
    if (said?.status === 404) noUpdates = true;
    else if (said?.status === 200) takeUpdates(session, said.data);
    const missed = said?.status === 200 ? 0 : failures + 1;
    if (noUpdates || store.read().mode === "bot") return;
    const pause = isOpen() && !document.hidden ? LOOK : LOOK_CLOSED;
    clearTimeout(looking);
    looking = setTimeout(() => look(missed), Math.min(pause * 2 ** missed, LOOK_AT_MOST) * 1000);
  }

  function takeUpdates(session, { updates, state: mode }) {
    const known = store.read();
    if (known.session !== session || (mode === known.mode && !updates.length)) return;
    store.change((state) => {
      state.mode = mode;
      for (const { id, text, html } of updates) {
        add(state, `update/${id}`, { who: "person", text, html });
        state.after = Math.max(state.after, id);
      }
    });
  }

  window.addEventListener("online", () => resend());
  document.addEventListener("visibilitychange", () => document.hidden || store.read().mode === "bot" || look());
  return { say, resend, rate, look, sendAll };
}

// The texts and the message limit, once the server is there. Where pages of this origin may not call it, the console
// says what to set.
async function fetchTexts(endpoint, languages) {
  const wanted = `${endpoint}widget/texts?languages=${encodeURIComponent(languages)}`;
  for (const wait of [5, 15, 60, 0]) {
    const response = await fetch(wanted).catch(() => null);
    if (response?.ok) return response.json();
    if (!response && (await fetch(`${endpoint}widget.js`, { mode: "no-cors" }).then(() => true, () => false))) break;
    await seconds(wait);
  }
  const what = `Add it to HELPDESK_ALLOWED_ORIGINS there if it may: HELPDESK_ALLOWED_ORIGINS=${location.origin}`;
  console.error(`helpdesk: no chat here, ${location.origin} cannot call ${endpoint}. ${what}`);
  return null;
}
