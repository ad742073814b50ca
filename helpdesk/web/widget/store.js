// The conversation as this browser keeps it. Every change reads what another tab may have written, so no tab loses
// what another one did; where a browser forbids storage, the conversation lasts as long as the page.

const DAY = 24 * 3600 * 1000; // milliseconds
const MOST_ITEMS = 200;

function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16)); // randomUUID is there on secure pages only
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// Also when the browser forbids to look for it.
function storageOf(name) {
  try {
    return window[name];
  } catch {
    return null;
  }
}

function openStore(key, { storage, onChange }) {
  let kept = null;

  function fresh() {
    return { session: newId(), at: Date.now(), mode: "bot", after: 0, unread: 0, items: [] };
  }

  function read() {
    let state = kept;
    try {
      state = JSON.parse(storage.getItem(key)) ?? kept;
    } catch {
      // what this page has kept itself is all there is
    }
    const age = Date.now() - (state?.at ?? 0);
    return Array.isArray(state?.items) && age < (state.mode === "bot" ? DAY : 7 * DAY) ? state : fresh();
  }

  function write(state) {
    kept = state;
    try {
      storage.setItem(key, JSON.stringify(state));
    } catch {
      // full or forbidden
    }
    onChange(state);
  }

  function change(edit) {
    const state = read();
    if (edit(state) === false) return;
    state.at = Date.now();
    state.items = state.items.slice(-MOST_ITEMS);
    write(state);
  }

  window.addEventListener("storage", (event) => {
    if (event.storageArea === storage && (event.key === key || event.key === null)) {
      kept = null;
      write(read());
    }
  });
  write(read());
  return {
    read,
    change,
    clear: () => write(fresh()),
    find: (state, id) => state.items.find((item) => item.id === id),
  };
}
