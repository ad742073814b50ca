// Moments in the reader's own zone and language; without this file they are in UTC, and say so.

const short = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const long = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });

export function localise(root) {
  for (const time of root.querySelectorAll("time[datetime*=T]")) {
    const moment = new Date(time.dateTime);
    time.textContent = short.format(moment);
    time.title = long.format(moment);
  }
}

localise(document);
