import { withIds } from "../../domain/OptionIds.ts"
import type { PollOption } from "../../domain/Poll.ts"

/**
 * Makes an option of each line. One that is there already keeps its id: known by its label or, where there are as many lines as
 * options, by its place, so that a label can be mended. A new one has an id of its own, a short one where votes name several.
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
  const same = labels.length === known.length
  const idOf = (label: string, index: number): string | undefined =>
    (same ? known[index] : known.find((option) => option.label === label))?.id
  return withIds(
    labels.map((label, index) => ({ id: idOf(label, index), label })),
    single ? undefined : 12
  )
}
