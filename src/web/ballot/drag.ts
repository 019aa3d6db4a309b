export interface DragEvents {
  /**
   * The dragged item is over another one of its list, whose upper half it is over or not; returns whether it has been moved there.
   */
  over(item: Element, before: boolean): boolean
  /** The drag has ended somewhere else than it began. */
  dropped(): void
}

/** So near to the window's upper or lower end the page is moved, and by so much with each movement, in CSS pixels. */
const [edge, step] = [56, 12]

/**
 * Has an item of a list dragged by its handle, by finger, pen or mouse. The item itself must stay in the document while it is
 * moved, since the pointer belongs to its handle until then.
 */
export const onDrag = (item: HTMLElement, handle: HTMLElement, { dropped, over }: DragEvents): void => {
  let pointer: number | undefined
  let moved = false

  handle.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || pointer !== undefined) return
    pointer = event.pointerId
    moved = false
    handle.setPointerCapture(pointer)
    item.classList.add("dragged")
  })
  handle.addEventListener("pointermove", ({ clientY, pointerId }) => {
    if (pointerId !== pointer) return
    // The page is moved along, since the finger that would do so is busy.
    if (clientY < edge) scrollBy(0, -step)
    else if (clientY > innerHeight - edge) scrollBy(0, step)
    for (const other of item.parentElement?.children ?? []) {
      const { bottom, height, top } = other.getBoundingClientRect()
      if (other === item || clientY < top || clientY > bottom) continue
      if (over(other, clientY < top + height / 2)) moved = true
    }
  })
  const end = ({ pointerId }: PointerEvent): void => {
    if (pointerId !== pointer) return
    pointer = undefined
    item.classList.remove("dragged")
    if (moved) dropped()
  }
  handle.addEventListener("pointerup", end)
  handle.addEventListener("pointercancel", end)
}
