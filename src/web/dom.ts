/** Returns the element with the id, which the page must have. */
export const byId = <E extends HTMLElement>(id: string, type: new () => E): E => {
  const element = document.getElementById(id)
  if (!(element instanceof type)) throw new Error(`The page has no #${id}`)
  return element
}

type Attributes = Readonly<Record<string, string | boolean>>

/** Makes an element; text never becomes markup. */
export const make = <K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: ReadonlyArray<Node | string>
): HTMLElementTagNameMap[K] => {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "boolean") element.toggleAttribute(name, value)
    else element.setAttribute(name, value)
  }
  element.append(...children)
  return element
}

/** Sets the text if it differs: a live region speaks whenever its text is set, even to the same text. */
export const say = (element: Element, text: string): void => {
  if (element.textContent !== text) element.textContent = text
}

/** Disables buttons until something is done; the one that had the focus, which goes with that, has it again then. */
export const whileDisabled = async <A>(buttons: ReadonlyArray<HTMLButtonElement>, doing: Promise<A>): Promise<A> => {
  const focused = buttons.find((button) => button === document.activeElement)
  for (const button of buttons) button.disabled = true
  const done = await doing
  for (const button of buttons) button.disabled = false
  if (document.activeElement === document.body) focused?.focus()
  return done
}

/** Has a form sent by what `act` does, once for each press, also where that is a double click. */
export const onSubmit = (form: HTMLFormElement, act: () => Promise<void>): void =>
  form.addEventListener("submit", (event) => {
    event.preventDefault()
    void whileDisabled([...form.querySelectorAll<HTMLButtonElement>('button[type="submit"]')], act())
  })
