// Elements, and answers as elements. Nothing that comes from a server or a person is ever parsed into this page: an
// answer's HTML is read in a document of its own, and what is listed here is built anew from it.

const ALLOWED = new Set(["P", "BR", "UL", "OL", "LI", "STRONG", "B", "EM", "I", "CODE", "PRE", "A", "BLOCKQUOTE"]);
const DROPPED = new Set(["SCRIPT", "STYLE", "TEMPLATE", "TITLE", "IFRAME", "OBJECT", "SVG", "MATH"]);
const ICONS = {
  chat: "M4 4h16a2 2 0 0 1 2 2v9a2 2 0 0 1-2 2h-8l-5 4v-4H4a2 2 0 0 1-2-2V6a2 2 0 0 1 2-2z",
  close: "M6 6l12 12M18 6L6 18",
  clear: "M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13M10 11v5M14 11v5",
  send: "M12 20V5M5 12l7-7 7 7",
  up: "M3 11h4v9H3zM7 11l4-8a3 3 0 0 1 3 3v3h5a2 2 0 0 1 2 2l-1 7a2 2 0 0 1-2 2H7",
  down: "M21 13h-4V4h4zM17 13l-4 8a3 3 0 0 1-3-3v-3H5a2 2 0 0 1-2-2l1-7a2 2 0 0 1 2-2h11",
};

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name, value);
    else if (value !== null && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

function icon(name) {
  const picture = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS(picture.namespaceURI, "path");
  picture.setAttribute("viewBox", "0 0 24 24");
  picture.setAttribute("aria-hidden", "true");
  path.setAttribute("d", ICONS[name]);
  picture.append(path);
  return picture;
}

const trusted = { createHTML: (html) => html }; // pages that require Trusted Types refuse plain text
let policy = null;

// The children of an answer as new elements; its text where the page does not let HTML be read.
function answer({ html, text }) {
  if (!html) return [text];
  try {
    policy ??= window.trustedTypes?.createPolicy("helpdesk", trusted) ?? trusted;
    return copies(new DOMParser().parseFromString(policy.createHTML(html), "text/html").body);
  } catch {
    return [text];
  }
}

function copies(parent) {
  return [...parent.childNodes].flatMap((node) => {
    if (node.nodeType === Node.TEXT_NODE) return parent.tagName === "BODY" && !node.data.trim() ? [] : [node.data];
    if (node.nodeType !== Node.ELEMENT_NODE || DROPPED.has(node.tagName.toUpperCase())) return [];
    if (!ALLOWED.has(node.tagName)) return copies(node);
    const safe = node.tagName !== "A" || /^(https?:|mailto:|tel:)/i.test(node.getAttribute("href")?.trim() ?? "");
    if (!safe) return copies(node);
    return [element(node.tagName, attributesOf(node), ...copies(node))];
  });
}

function attributesOf(node) {
  if (node.tagName === "OL") return { start: node.getAttribute("start") };
  if (node.tagName !== "A") return {};
  return { href: node.getAttribute("href").trim(), target: "_blank", rel: "noopener noreferrer" };
}
