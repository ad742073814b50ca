// Puts the parts together: reads the script's attributes, opens and closes the panel.

const CHANNEL = "widget";
const SMALL = matchMedia("(max-width: 480px), (max-height: 420px)");
const DARK = matchMedia("(prefers-color-scheme: dark)");

// The script that this is; a module or a tag manager hides which one runs.
const script = document.currentScript ?? document.querySelector('script[src*="/widget.js"]');

async function start({ dataset, src }) {
  const endpoint = new URL(`${dataset.endpoint ?? "."}/`.replace(/\/+$/, "/"), src).href;
  const inside = dataset.inside ? document.querySelector(dataset.inside) : null;
  if (dataset.inside && !inside) return console.error(`helpdesk: no element ${dataset.inside} on this page`);
  const languages = [dataset.locale, document.documentElement.lang, ...navigator.languages].filter(Boolean);
  const served = await fetchTexts(endpoint, languages);
  // pages that replace their content run the script again
  if (!served || document.querySelector("helpdesk-widget")) return null;
  return mount({ dataset, endpoint, inside, ...served });
}

// Words of the site over ours.
function ownTexts({ title, texts }) {
  try {
    return { ...(title && { title }), ...JSON.parse(texts ?? "{}") };
  } catch (error) {
    console.error(`helpdesk: data-texts is not JSON: ${error.message}`);
    return {};
  }
}

function mount({ dataset, endpoint, inside, language, limit, texts: shipped }) {
  const texts = { ...shipped, ...ownTexts(dataset) };
  const host = element("helpdesk-widget", inside ? { class: "inside" } : {});
  const root = element("div", { class: inside ? "root inside" : "root", lang: language });
  const name = `helpdesk ${endpoint} ${dataset.siteKey ?? ""}`;
  const tab = storageOf("sessionStorage");
  let view = null;
  let doing = "";

  const isOpen = () => Boolean(inside ?? view?.panel.open);
  const store = openStore(name, {
    storage: dataset.remember === "tab" ? tab : storageOf("localStorage"),
    onChange: draw,
  });
  const server = connect({ endpoint, siteKey: dataset.siteKey, locale: (dataset.locale ?? language).slice(0, 16), store, host, isOpen,
    onState: (state) => (doing = state, draw()) });

  function draw(state = store.read()) {
    view?.draw(state, doing);
  }

  function rememberOpen(open) {
    try {
      if (open) tab.setItem(name, "open");
      else tab.removeItem(name);
      return open;
    } catch {
      return false;
    }
  }

  function wasOpen() {
    try {
      return tab.getItem(name) === "open";
    } catch {
      return false;
    }
  }

  function toggle(open, { focus = true } = {}) {
    const { panel, launcher, heading, field } = view;
    if (inside || open === panel.open) return;
    rememberOpen(open);
    if (!open) return panel.close();
    if (SMALL.matches) panel.showModal();
    else panel.show();
    store.change((state) => state.unread > 0 && void (state.unread = 0));
    launcher.hidden = true;
    view.fit();
    view.scroll();
    draw();
    server.look();
    if (focus) (SMALL.matches ? heading : field).focus();
  }

  // The event comes after the panel has closed, and by then it may be open again.
  function closed() {
    if (isOpen()) return;
    rememberOpen(false);
    view.launcher.hidden = false;
    view.launcher.focus();
    draw();
  }

  // The page's own shortcuts must not fire while somebody types here.
  function onKey(event) {
    event.stopPropagation();
    if (event.key === "Escape" && !event.isComposing && event.type === "keydown") toggle(false);
  }

  function look() {
    root.classList.toggle("dark", dataset.theme === "dark" || (dataset.theme !== "light" && DARK.matches));
    root.dir = dataset.dir ?? getComputedStyle(document.documentElement).direction;
  }

  // The part of the window that the keyboard of a phone leaves.
  function fitWindow() {
    const { height, offsetTop } = window.visualViewport;
    view.panel.style.setProperty("--seen", `${height}px`);
    view.panel.style.setProperty("--above", `${offsetTop}px`);
  }

  const sheet = new CSSStyleSheet(); // not an element: a strict policy of the page does not forbid it
  sheet.replaceSync(STYLE);
  const shadow = host.attachShadow({ mode: "open" });
  shadow.adoptedStyleSheets = [sheet];
  shadow.append(root);
  view = makeView({ root, texts, limit, inside, say: server.say, resend: server.resend, rate: server.rate,
    clear: store.clear, isOpen, toggle });
  for (const type of ["keydown", "keyup", "keypress"]) root.addEventListener(type, onKey);
  for (const type of ["online", "offline"]) window.addEventListener(type, () => draw());
  DARK.addEventListener("change", look);
  SMALL.addEventListener("change", () => isOpen() && !inside && (toggle(false), toggle(true)));
  window.visualViewport?.addEventListener("resize", fitWindow);
  view.panel.addEventListener("close", closed);
  host.open = () => toggle(true);
  host.close = () => toggle(false);
  look();
  (inside ?? document.body).append(host);
  fitWindow();
  draw();
  view.listen();
  view.fit();
  view.scroll();
  if (inside && window.top === window) view.field.focus();
  if (wasOpen() && !SMALL.matches) toggle(true, { focus: false });
  if (store.read().items.length) (server.resend(), server.look());
  return host;
}

if (!script?.src) console.error("helpdesk: the tag of this script was not found on the page");
else if (document.body) start(script);
else document.addEventListener("DOMContentLoaded", () => start(script));
