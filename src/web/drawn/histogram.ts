import { results as words } from "../words/resultWords.ts"
import type { ShownOption } from "./shown.ts"
import { type Branch, branch } from "./tree.ts"

/** More columns than this are too narrow on a phone: then each stands for several scores. */
const mostColumns = 21
const height = 24

interface Column {
  readonly from: number
  readonly to: number
  readonly count: number
}

/** Returns the ballots by score, from the lowest score to the highest. */
const columnsOf = (histogram: NonNullable<ShownOption["histogram"]>, min: number, max: number): Array<Column> => {
  const width = Math.ceil((max - min + 1) / mostColumns)
  return Array.from({ length: Math.ceil((max - min + 1) / width) }, (_, index) => {
    const from = min + index * width
    const to = Math.min(max, from + width - 1)
    const within = histogram.filter(({ score }) => score >= from && score <= to)
    return { from, to, count: within.reduce((sum, { count }) => sum + count, 0) }
  })
}

/** Draws how many ballots gave an option each score. */
export const drawHistogram = (
  label: string,
  histogram: NonNullable<ShownOption["histogram"]>,
  { max, min }: { readonly min: number; readonly max: number }
): Branch => {
  const columns = columnsOf(histogram, min, max)
  const most = Math.max(1, ...columns.map(({ count }) => count))
  const inWords = columns.map(({ count, from, to }) =>
    words.score1(from === to ? `${from}` : `${from} to ${to}`, count)
  )
  const bars = columns.map(({ count }, index) => {
    // A score that nobody gave has a foot: its place stays in view.
    const tall = count === 0 ? 1 : Math.max(2, (height * count) / most)
    const place = { x: index * 10 + 1, y: height - tall, width: 8, height: tall }
    return branch("rect", { class: count === 0 ? "foot" : "column", ...place })
  })
  return branch(
    "div",
    { class: "histogram" },
    branch(
      "svg",
      {
        role: "img",
        "aria-label": words.histogram(label, inWords.join(", ")),
        viewBox: `0 0 ${columns.length * 10} ${height}`,
        preserveAspectRatio: "none"
      },
      bars
    ),
    branch("span", { class: "ends", "aria-hidden": "true" }, branch("span", {}, `${min}`), branch("span", {}, `${max}`))
  )
}
