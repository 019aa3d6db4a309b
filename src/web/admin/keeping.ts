/** Returns what tells one control from the others: its name or, of a button, a link and what can be opened, its words. */
const nameOf = (element: Element): string => `${element.tagName} ${element.getAttribute("name") ?? element.textContent}`

const findAlike = <E extends Element>(root: HTMLElement, selector: string, wanted: E): E | undefined =>
  [...root.querySelectorAll<E>(selector)].find((element) => nameOf(element) === nameOf(wanted))

/**
 * Replaces parts of a page under the reader's hands: what is filled in and not sent is in the new fields, what was open is open,
 * and what had the focus has it, or what does the same now. Returns whether the focus is lost, since nothing does.
 */
export const keeping = (root: HTMLElement, replace: () => void): boolean => {
  const focused = document.activeElement
  const hadFocus = focused instanceof HTMLElement && root.contains(focused)
  const filled = [...root.querySelectorAll<HTMLInputElement>("input[name]")].filter(
    (input) => input.value !== input.defaultValue
  )
  const opened = [...root.querySelectorAll("details[open] > summary")]
  replace()
  for (const input of filled) {
    const now = findAlike(root, "input[name]", input)
    if (now !== undefined) now.value = input.value
  }
  for (const summary of opened) findAlike(root, "summary", summary)?.parentElement?.setAttribute("open", "")
  if (!hadFocus || document.activeElement === focused) return false
  const alike = root.contains(focused) ? focused : findAlike(root, "a, button, summary", focused)
  alike?.focus({ preventScroll: true })
  return alike === undefined
}
