// Moves the status page: fetches its moving part, puts the new values in place, and starts the download once.

const POLL_MS = 1000;
const LONGEST_PAUSE_MS = 15000;

function updateInPlace(section, fresh) {
  for (const part of fresh.querySelectorAll("[data-live]")) {
    const old = section.querySelector(`[data-live="${part.dataset.live}"]`);
    if (!old) return false;
    old.className = part.className;
    if (part.getAttribute("aria-current")) old.setAttribute("aria-current", "step");
    else old.removeAttribute("aria-current");
    if (part instanceof HTMLProgressElement) old.value = Math.max(old.value, part.value);
    else if (old.textContent !== part.textContent) old.textContent = part.textContent;
  }
  return section.querySelectorAll("[data-live]").length === fresh.querySelectorAll("[data-live]").length;
}

function startDownload(section) {
  const address = section.dataset.autostart;
  if (!address || localStorage.getItem(address)) return;
  localStorage.setItem(address, "started");
  section.querySelector("[data-started]")?.removeAttribute("hidden");
  window.location.assign(address);
}

async function fetchProgress(address) {
  const answer = await fetch(address, { headers: { Accept: "text/html" }, redirect: "manual", cache: "no-store" });
  if (answer.type === "opaqueredirect") window.location.reload(); // signed out meanwhile
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("progress");
  if (!fresh) throw new Error("no progress in the answer");
  return fresh;
}

async function follow() {
  let section = document.getElementById("progress");
  let pause = POLL_MS;
  while (section && !("ended" in section.dataset)) {
    await new Promise((resolve) => setTimeout(resolve, pause));
    try {
      const fresh = await fetchProgress(section.dataset.poll);
      pause = POLL_MS;
      section.querySelector("[data-lost]").hidden = true;
      if (fresh.dataset.status !== section.dataset.status || !updateInPlace(section, fresh)) {
        section.replaceWith(fresh);
        section = fresh;
      }
    } catch {
      pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
      section.querySelector("[data-lost]").hidden = false;
    }
  }
  if (section) startDownload(section);
}

for (const form of document.querySelectorAll("form[data-once]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
  });
  window.addEventListener("pageshow", () => delete form.dataset.sent);
}

follow();
