import type { Poll } from "../../domain/Poll.ts"
import type { Results } from "../../domain/Tally.ts"

/**
 * Returns one cell: quoted where it has to be, and with a quote in front where a spreadsheet would take it for a formula. An
 * organiser's label must not become one on someone else's machine.
 */
export const csvCell = (value: string | number): string => {
  const text =
    typeof value === "string" && /^[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/.test(value) ? `'${value}` : String(value)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

export const csvLine = (cells: ReadonlyArray<string | number>): string => `${cells.map(csvCell).join(",")}\r\n`

/** Returns a poll's results as RFC 4180 lines: option, label, count, percentage; most votes first. */
export const resultsCsv = (poll: Poll, { results }: Results): string => {
  const labels = new Map(poll.options.map(({ id, label }) => [id, label]))
  const lines = results.map(({ count, option, percentage }) =>
    csvLine([option, labels.get(option) ?? option, count, percentage.toFixed(2)])
  )
  return csvLine(["option", "label", "count", "percentage"]) + lines.join("")
}
