// Keys: "/" to the search field, "?" for the list of keys. Without script the page does all the rest.
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, textarea, select")) return;
  const search = document.querySelector("[data-search]");
  const keys = document.getElementById("keys");
  if (event.key === "/" && search) {
    event.preventDefault();
    search.focus();
    search.select();
  } else if (event.key === "?" && !keys.open) {
    event.preventDefault();
    keys.showModal();
  }
});

// What takes long says so, and is not sent twice.
document.addEventListener("submit", (event) => {
  const busy = event.target.dataset.busy;
  const button = event.target.querySelector("button");
  if (!busy || !button) return;
  button.setAttribute("aria-busy", "true");
  button.textContent = busy;
  if (event.target.sent) event.preventDefault();
  event.target.sent = true;
});

// A slider over days moves the date beside it, and asks again when it is let go.
for (const slider of document.querySelectorAll("input[data-sets]")) {
  const date = document.getElementById(slider.dataset.sets);
  const day = 24 * 60 * 60 * 1000;
  const follow = () => { slider.value = date.value ? date.valueAsNumber / day : slider.max; };
  slider.parentElement.hidden = false;
  slider.addEventListener("input", () => { date.valueAsNumber = slider.value * day; });
  slider.addEventListener("change", () => slider.form.requestSubmit());
  date.addEventListener("input", follow);
  follow();
}
