// The FAQ form: a message is tried, and what is alike is looked for, without leaving the page. Both work without this.

const QUIET = 600; // ms without a key before what was typed is compared
const form = document.getElementById("edit");
const trying = document.getElementById("try");

async function show(element, place, options) {
  const answer = await fetch(place, options).catch(() => null);
  if (answer?.ok && !answer.redirected) element.innerHTML = await answer.text(); // our own page, escaped by the server
}

trying.addEventListener("submit", (event) => {
  event.preventDefault();
  const place = new URL(trying.dataset.fragment, location.href);
  place.searchParams.set("try", trying.elements.try.value);
  show(document.getElementById("verdict"), place);
});

function compare() {
  const fields = form.elements;
  const body = new URLSearchParams({
    csrf_token: fields.csrf_token.value,
    entry: form.dataset.entry,
    question: fields.question.value,
    phrasings: fields.phrasings.value,
  });
  show(document.getElementById("alike"), form.dataset.alike, { method: "POST", body });
}

if (form.dataset.alike) {
  let waiting;
  for (const name of ["question", "phrasings"]) {
    form.elements[name].addEventListener("input", () => {
      clearTimeout(waiting);
      waiting = setTimeout(compare, QUIET);
    });
  }
}
