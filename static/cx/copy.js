// Copying: by the clipboard where the browser gives it away, by a selection on plain HTTP.
import { words } from "./net.js";

// Throws if neither works.
export async function copyText(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const field = document.createElement("textarea");
  field.value = text;
  document.body.append(field);
  field.select();
  const isDone = document.execCommand("copy");
  field.remove();
  if (!isDone) throw new Error(words.copyFailed);
}
