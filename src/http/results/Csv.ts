import type { Poll } from "../../domain/Poll.ts"
import type { Results } from "../../domain/Tally.ts"
import { type Cell, resultsColumns } from "./ResultsColumns.ts"

/** With it before the text, Excel reads UTF-8; other programs take no notice of it, or take it off. */
const byteOrderMark = "\ufeff"

/** How a formula begins, for one spreadsheet or another. */
const formula = String.raw`[\s"]*[=+\-@\uff1d\uff0b\uff0d\uff20]`

const atStart = new RegExp(`^(?=${formula}|[\t\r\n])`)

/**
 * Where a cell begins for a spreadsheet that takes another separator than the comma, as Excel does in most of Europe: it sees
 * nothing of our quotes, which for it stand inside a cell.
 */
const afterSeparator = new RegExp(`[;|\t\r\n](?=${formula})`, "g")

/**
 * Returns one cell: in quotes where it has to be, and with a `'` before what a spreadsheet would take for a formula. An
 * organiser's label must not become one on someone else's machine. Numbers stay numbers.
 */
const csvCell = (value: Cell): string => {
  if (typeof value === "number") return String(value)
  if (typeof value !== "string") return value.number
  const text = value.replace(afterSeparator, "$&'").replace(atStart, "'")
  return /[",;|\t\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

export const csvLine = (cells: ReadonlyArray<Cell>): string => `${cells.map(csvCell).join(",")}\r\n`

/** Returns how a CSV begins, which people open with a spreadsheet: the mark of UTF-8, and the names of its columns. */
export const csvHead = (columns: ReadonlyArray<string>): string => byteOrderMark + csvLine(columns)

/** Returns a poll's results as RFC 4180 lines, one for each option, the best first (docs/polls.md says which columns). */
export const resultsCsv = (poll: Poll, results: Results): string => {
  const columns = resultsColumns(poll, results)
  const lines = results.results.map((result) => csvLine(columns.map(({ cell }) => cell(result))))
  return csvHead(columns.map(({ name }) => name)) + lines.join("")
}
