"use strict";

/** What is wrong with each field, in words. An empty object: nothing. */
function problems({ name, email, terms }) {
  const found = {};
  if (name.trim() === "") found.name = "Tell us your name.";
  if (!/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(email.trim())) found.email = "This does not look like an email address.";
  if (!terms) found.terms = "Promise to bring books back on time.";
  return found;
}

/** The same person always gets the same number. */
function cardNumber(email) {
  let hash = 7;
  for (const character of email.trim().toLowerCase()) hash = (hash * 31 + character.codePointAt(0)) % 1_000_000;
  return `L-${String(hash).padStart(6, "0")}`;
}

const form = document.getElementById("signup");

form.addEventListener("submit", (event) => {
  event.preventDefault();
  // By `elements`: a form's own `name` is something else.
  const { name, email, terms } = form.elements;
  const found = problems({ name: name.value, email: email.value, terms: terms.checked });

  for (const field of ["name", "email", "terms"]) {
    const input = document.getElementById(field);
    document.getElementById(`${field}-error`).textContent = found[field] ?? "";
    input.setAttribute("aria-invalid", String(field in found));
  }
  const first = Object.keys(found)[0];
  if (first !== undefined) {
    document.getElementById(first).focus();
    return;
  }
  document.getElementById("welcome-name").textContent = name.value.trim();
  document.getElementById("card-number").textContent = cardNumber(email.value);
  form.hidden = true;
  document.getElementById("welcome").hidden = false;
});
