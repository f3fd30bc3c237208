/** Lets the browser keep what is at `url`, under this name or, when that is empty, under the one that the answer gives. */
export function save(url: string, name: string): void {
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
}

/** Gives the browser a text to keep as a file. */
export function saveText(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'text/plain' }));
  save(url, name);
  // The download has begun with the click; the browser holds what it needs.
  setTimeout(() => URL.revokeObjectURL(url), 0);
}
