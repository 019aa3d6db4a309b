import { withIds } from "../../domain/OptionIds.ts"
import type { PollOption } from "../../domain/Poll.ts"

/**
 * Makes an option of each line. One that is there already keeps its id: it is known by its label, wherever the line is, or else,
 * where there are as many lines as options, by its place, so that a label can be mended. A new one has an id of its own, a short one
 * where votes name several.
 */
export const toOptions = (
  lines: string,
  single: boolean,
  known: ReadonlyArray<PollOption> = []
): ReturnType<typeof withIds> => {
  const labels = lines
    .split("\n")
    .map((line) => line.trim())
    .filter((label) => label !== "")
  const labelled = (label: string): PollOption | undefined => known.find((option) => option.label === label)
  const placed = (index: number): PollOption | undefined => {
    const option = labels.length === known.length ? known[index] : undefined
    return option !== undefined && labels.includes(option.label) ? undefined : option
  }
  return withIds(
    labels.map((label, index) => ({ id: (labelled(label) ?? placed(index))?.id, label })),
    single ? undefined : 12
  )
}
