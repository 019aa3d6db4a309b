/** Copies the text of a field. */
export const copyText = async (field: HTMLInputElement | HTMLTextAreaElement): Promise<void> => {
  try {
    await navigator.clipboard.writeText(field.value)
  } catch {
    // Without HTTPS a page may not write to the clipboard, but it may copy what is selected.
    field.select()
    document.execCommand("copy")
  }
}
