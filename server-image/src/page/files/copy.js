// Copies a text to the clipboard.

/** Copies the text of an element. Returns whether the browser did it. */
export async function copy(element) {
  // Browsers offer the clipboard only to pages of https and of this machine. A Service in the cluster is neither.
  if (navigator.clipboard !== undefined) {
    await navigator.clipboard.writeText(element.textContent);
    return true;
  }
  getSelection().selectAllChildren(element);
  return document.execCommand("copy");
}
