// What is seen: a launcher and a panel, or on a page of its own the panel alone. Draws the conversation as it is kept.

function makeView({ root, texts, limit, inside, say, resend, rate, clear, isOpen, toggle }) {
  const hidden = (text) => element("span", { class: "hidden" }, text);
  const shown = new Map(); // item's id -> what was drawn of it
  const badge = element("span", { class: "badge", hidden: true });
  const launcher = element("button", { type: "button", class: "launcher", click: () => toggle(true) }, icon("chat"), badge);
  const heading = element("h2", { id: "title", tabindex: "-1" }, texts.title);
  const notice = element("p", { class: "notice", role: "status" });
  const log = element("div", { id: "log", role: "log", tabindex: "0", "aria-label": texts.conversation });
  const typing = element("p", { class: "bubble bot typing", hidden: true }, hidden(texts.typing), ...dots());
  const field = element("textarea", { id: "message", rows: "1", enterkeyhint: "send", "aria-label": texts.field,
    "aria-describedby": "count", placeholder: texts.field, input: fit, keydown: onKey });
  const count = element("p", { id: "count", role: "status" });
  const sendButton = element("button", { class: "send", "aria-label": texts.send, title: texts.send }, icon("send"));
  const form = element("form", { class: "compose", submit: onSubmit }, field, sendButton);
  const sure = element("div", { class: "sure", role: "group", "aria-label": texts.ask_clear, hidden: true },
    element("p", {}, texts.ask_clear),
    element("button", { type: "button", click: () => (askClear(false), clear()) }, texts.clear_yes),
    element("button", { type: "button", click: () => askClear(false) }, texts.clear_no));
  const clearButton = element("button", { type: "button", class: "clear", "aria-label": texts.clear, title: texts.clear,
    click: () => askClear(true) }, icon("clear"));
  const closeButton = element("button", { type: "button", class: "close", "aria-label": texts.close, title: texts.close,
    click: () => toggle(false) }, icon("close"));
  const panel = element(inside ? "section" : "dialog", { class: "panel", "aria-labelledby": "title" },
    element("header", {}, heading, clearButton, inside ? null : closeButton), notice, sure, log, form, count);
  log.append(bubble({ who: "bot", text: texts.greeting }));
  root.append(...(inside ? [panel] : [launcher, panel]));
  new ResizeObserver(() => scroll()).observe(log); // the newest turn stays in sight when the field or a notice grows

  function dots() {
    return [1, 2, 3].map(() => element("i"));
  }

  function askClear(asked) {
    sure.hidden = !asked;
    if (asked) sure.querySelector("button").focus();
    else clearButton.focus();
  }

  function onSubmit(event) {
    event.preventDefault();
    const text = field.value.trim();
    if (!text || [...text].length > limit) return;
    field.value = "";
    fit();
    say(text);
  }

  function onKey(event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
  }

  // The field grows with what is typed; the count comes when it matters.
  function fit() {
    field.style.height = "auto";
    field.style.height = `${field.scrollHeight}px`;
    const left = limit - [...field.value.trim()].length;
    const said = left < 0 ? texts.over : left < limit / 10 ? texts.left : "";
    count.textContent = said.replace("{n}", Math.abs(left));
    count.classList.toggle("alert", left < 0);
    sendButton.disabled = left < 0;
  }

  function bubble(item) {
    const name = texts[item.who];
    const label = item.who === "person" ? element("b", { class: "author" }, name) : hidden(`${name}: `);
    const numbered = new Set((item.options ?? []).map((option, at) => `${at + 1}. ${option}`));
    const text = item.text.split("\n").filter((line) => !numbered.has(line)).join("\n"); // the choices are buttons
    const content = numbered.size ? [text] : answer(item);
    const made = element("div", { class: `bubble ${item.who === "me" ? "me" : "bot"}`, dir: "auto" }, label, ...content);
    if (item.decision) made.dataset.decision = item.decision;
    return made;
  }

  function turn(item, said) {
    return element("div", { class: `turn ${item.status ?? ""}` }, bubble(item), ...under(item, said));
  }

  function* under(item, said) {
    if (item.status === "failed") {
      const again = element("button", { type: "button", class: "again", click: () => resend(item.id) }, texts.again);
      yield element("p", { class: "fate alert" }, `${texts.failed} `, again);
    } else if (texts[item.status]) yield element("p", { class: "fate alert" }, texts[item.status]);
    if (item.decision === "answer" && item.number) yield thumbs(item);
    if (item.options?.length) yield choices(item.options, texts.choose, said);
    const asked = said === undefined || item.follow_ups?.includes(said);
    if (asked && item.follow_ups?.length) yield choices(item.follow_ups, texts.follow_ups, said);
  }

  // Once something was said they stay, with the one that was chosen by its text or its number.
  function choices(questions, label, said) {
    const choose = (question) => () => (focusAfter(), say(question));
    const chosen = (question, at) => said !== undefined && [question, `${at + 1}`].includes(said.trim());
    const button = (question, at) => element("button", { type: "button", dir: "auto", disabled: said !== undefined,
      "aria-pressed": chosen(question, at) && "true", click: choose(question) }, question);
    return element("div", { class: "choices", role: "group", "aria-label": label }, ...questions.map(button));
  }

  function thumbs(item) {
    const button = (helpful, name, picture) => element("button", { type: "button", "aria-pressed": `${item.helpful === helpful}`,
      "aria-label": name, title: name, "data-helpful": `${helpful}`, click: () => rate(item.id, helpful) }, icon(picture));
    const thanks = element("span", { role: "status" }, typeof item.helpful === "boolean" ? texts.thanks : "");
    return element("div", { class: "thumbs", role: "group", "aria-label": texts.helpful },
      button(true, texts.yes, "up"), button(false, texts.no, "down"), thanks);
  }

  // What was pressed takes no focus any more. On a phone the field would bring up the keyboard.
  function focusAfter() {
    (matchMedia("(pointer: coarse)").matches ? log : field).focus();
  }

  function draw(state, doing) {
    const ids = new Set(state.items.map((item) => item.id));
    for (const [id, { node }] of shown) if (!ids.has(id)) (node.remove(), shown.delete(id));
    const before = shown.size;
    state.items.forEach((item, at) => place(item, saidAfter(state.items, at)));
    typing.hidden = doing === "retrying" || !state.items.some((item) => item.status === "sending");
    log.append(typing);
    const news = { offline: !navigator.onLine, retrying: doing === "retrying", [`with_${state.mode}`]: state.mode !== "bot" };
    tell(notice, texts[Object.keys(news).find((name) => news[name])] ?? "");
    clearButton.hidden = !state.items.length;
    drawLauncher(state.unread);
    if (shown.size !== before) scroll();
  }

  // What the person said next; undefined while a choice can still be made.
  function saidAfter(items, at) {
    return items.slice(at + 1).find(({ who, status }) => who === "me" && status !== "refused")?.text;
  }

  function place(item, said) {
    const facts = JSON.stringify([item, said]);
    const old = shown.get(item.id);
    if (old?.facts === facts) return;
    const node = turn(item, said);
    const focused = old?.node.contains(root.getRootNode().activeElement) ? root.getRootNode().activeElement : null;
    if (old) old.node.replaceWith(node);
    else log.append(node);
    shown.set(item.id, { facts, node });
    if (focused) (node.querySelector(`[data-helpful="${focused.dataset.helpful}"]`) ?? log).focus();
  }

  function tell(place, text) {
    if (place.textContent !== text) place.textContent = text;
  }

  function drawLauncher(unread) {
    badge.hidden = !unread;
    badge.textContent = unread;
    const name = unread ? `${texts.open} (${texts.unread.replace("{n}", unread)})` : texts.open;
    launcher.setAttribute("aria-label", name);
    launcher.setAttribute("aria-expanded", `${isOpen()}`);
  }

  // To the newest turn: its beginning, if it is longer than what is seen at once.
  function scroll() {
    const newest = [...log.querySelectorAll(".turn")].at(-1);
    log.scrollTop = newest && newest.offsetHeight > log.clientHeight ? newest.offsetTop - 8 : log.scrollHeight;
  }

  return { panel, launcher, field, heading, draw, scroll, fit, listen: () => log.setAttribute("aria-live", "polite") };
}
