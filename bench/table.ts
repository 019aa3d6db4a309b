import type { Bench, Row } from "./harness.ts"
import type { Cpu } from "./support/cpu.ts"

/** As many digits as a figure of its size deserves. */
const number = (value: number): string =>
  value.toLocaleString("en", { maximumFractionDigits: value >= 100 ? 0 : value >= 10 ? 1 : 2 })

const cpuText = (cpu: Cpu): string =>
  Object.entries(cpu)
    .map(([name, microseconds]) => (name === "own" ? number(microseconds) : `${name} ${number(microseconds)}`))
    .join(", ")

const reached = ({ target, value }: Row): boolean | undefined => {
  if (target === undefined || value === undefined) return undefined
  return "atLeast" in target ? value >= target.atLeast : value <= target.atMost
}

const targetText = (row: Row, quick: boolean): string => {
  const { target } = row
  if (target === undefined) return ""
  const wanted = "atLeast" in target ? `at least ${number(target.atLeast)}` : `at most ${number(target.atMost)}`
  const met = reached(row)
  return quick || met === undefined ? wanted : `${wanted}: ${met ? "reached" : "MISSED"}`
}

const headings = ["", "median", "", "range", "CPU each, µs", "target"]

const cells = (row: Row, quick: boolean): ReadonlyArray<string> => [
  row.what,
  row.value === undefined ? "-" : number(row.value),
  row.unit,
  row.range === undefined ? "" : row.range.map(number).join(" … "),
  row.cpu === undefined ? "" : cpuText(row.cpu),
  row.note ?? targetText(row, quick)
]

/** A benchmark's rows, aligned; of a quick look, without saying which targets they reach. */
export const table = ({ about, name }: Bench, rows: ReadonlyArray<Row>, quick: boolean): string => {
  const lines = [headings, ...rows.map((row) => cells(row, quick))]
  const widths = headings.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)))
  const aligned = lines.map((line) =>
    line
      .map((cell, column) => (column === 1 ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0)))
      .join("  ")
      .trimEnd()
  )
  return [`${name}: ${about}`, ...aligned.map((line) => `  ${line}`)].join("\n")
}
