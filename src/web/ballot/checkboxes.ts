import { byId } from "../dom.ts"
import type { Control, ControlOptions } from "./control.ts"

/** The boxes of a poll for several options. */
export const makeCheckboxes = ({ options }: ControlOptions<"multiple">): Control => {
  const boxes = options.map(({ id }) => ({ id, box: byId(`pick-${id}`, HTMLInputElement) }))
  return {
    read: () => boxes.flatMap(({ box, id }) => (box.checked ? [{ option: id, value: 1 }] : [])),
    show: (parts) => {
      const chosen = new Set(parts.map(({ option }) => option))
      for (const { box, id } of boxes) box.checked = chosen.has(id)
    }
  }
}
