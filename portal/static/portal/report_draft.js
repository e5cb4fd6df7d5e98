/* Saves a report while it is written: a few seconds after the last key, and never over what somebody else saved. */
"use strict";

(() => {
  const form = document.querySelector("[data-draft]");
  const status = document.querySelector("[data-draft-status]");
  if (!form || !status || form.querySelector("fieldset[disabled]")) return;

  const wait = 4000;
  let timer = 0;
  let isSaving = false;
  let isStopped = false;
  let isDirty = false;

  async function save() {
    if (isSaving || isStopped) return;
    isSaving = true;
    isDirty = false;
    const sent = new FormData(form);
    sent.set("_autosave", "yes");
    try {
      const response = await fetch(window.location.href, { method: "POST", body: sent, redirect: "error" });
      const answer = await response.json();
      if (response.ok) {
        form.elements.seen.value = answer.seen;
        status.textContent = `Saved by itself, ${answer.saved}.`;
      } else {
        /* A second person saved: the button shows both texts. */
        isStopped = response.status === 409;
        isDirty = true;
        status.textContent = `Not saved: ${answer.problem}${isStopped ? " Press Save to see both." : ""}`;
      }
    } catch {
      isDirty = true;
      status.textContent = "Could not save just now. Your text is still here.";
      schedule();
    } finally {
      isSaving = false;
    }
    if (isDirty && !isStopped) schedule();
  }

  function schedule() {
    window.clearTimeout(timer);
    timer = window.setTimeout(save, wait);
  }

  form.addEventListener("input", () => {
    isDirty = true;
    schedule();
  });
  form.addEventListener("submit", () => {
    window.clearTimeout(timer);
    isDirty = false;
    isStopped = true;
  });
  window.addEventListener("beforeunload", (event) => {
    if (isDirty) event.preventDefault();
  });
})();
