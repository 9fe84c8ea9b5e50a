// Small help on the pages of the administration: buttons that copy.

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const label = button.textContent;
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
  } catch {
    // Without HTTPS the browser keeps the clipboard to itself: the text is marked instead, ready for Ctrl+C.
    getSelection().selectAllChildren(button.previousElementSibling);
    return;
  }
  button.textContent = "✓";
  setTimeout(() => (button.textContent = label), 1200);
});

// A part of a page that tells of work under way is fetched again every two seconds until it says no more of it.
setInterval(async () => {
  const part = document.querySelector("[data-refresh]");
  if (!part || document.hidden) return;
  try {
    const answer = await fetch(part.dataset.refresh);
    if (answer.ok && part.isConnected) part.outerHTML = await answer.text();
  } catch {
    // The server is away: the next try asks again.
  }
}, 2000);
