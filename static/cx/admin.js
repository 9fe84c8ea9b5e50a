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
