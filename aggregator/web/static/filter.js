// Lets the times of the filter be the reader's own.
const form = document.querySelector("[data-filter]");
const offset = form.elements.offset_min;
const minutesEast = () => -new Date().getTimezoneOffset();

if (!form.elements.since.value && !form.elements.until.value) offset.value = minutesEast();
if (Number(offset.value) === minutesEast()) {
  for (const zone of form.querySelectorAll("[data-zone]")) zone.remove();
}

form.addEventListener("submit", () => {
  // Fields without a value need not stand in the address.
  const hasTime = form.elements.since.value || form.elements.until.value;
  for (const field of form.elements) {
    if (field.name && (!field.value || (field === offset && !hasTime))) field.disabled = true;
  }
});
addEventListener("pageshow", () => {
  for (const field of form.elements) field.disabled = false;
});
