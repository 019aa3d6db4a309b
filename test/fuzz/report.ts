import { listed } from "../chaos/report.ts"
import type { Books } from "./books.ts"
import type { Tally } from "./run.ts"
import type { LoopReport } from "./watch.ts"

export interface Findings {
  readonly seed: number
  readonly seconds: number
  readonly tally: Tally
  readonly books: Books
  readonly loop: LoopReport
  /** The peaks, in MiB. */
  readonly memory: Readonly<Record<"api" | "consumer", number>>
  readonly memoryLimit: number
  /** The API's open descriptors. */
  readonly before: number
  readonly after: number
  readonly metrics: ReadonlyMap<string, number>
  readonly problems: ReadonlyArray<string>
}

const row = (name: string, value: string | number) => `  ${name.padEnd(34)}${String(value).padStart(10)}`

const table = ({ statuses }: Tally): ReadonlyArray<string> => {
  const columns = [...new Set([...statuses.values()].flatMap((counts) => [...counts.keys()]))].sort()
  const line = (name: string, cells: ReadonlyArray<string | number>) =>
    `  ${name.padEnd(14)}${cells.map((cell) => String(cell).padStart(7)).join("")}`
  return [
    line("answers", columns),
    ...[...statuses].sort().map(([kind, counts]) =>
      line(
        kind,
        columns.map((column) => counts.get(column) ?? "")
      )
    )
  ]
}

/** How often each bound was met. */
const refusals = (metrics: Findings["metrics"]): ReadonlyArray<string> =>
  [...metrics].flatMap(([name, count]) => {
    const reason = /^tallykeep_refusals_total\{.*reason="(\w+)"/.exec(name)?.[1]
    return reason === undefined || count === 0 ? [] : [row(`refused: ${reason}`, count)]
  })

export const describe = (findings: Findings): string => {
  const { after, before, books, loop, memory, memoryLimit, metrics, problems, seconds, seed, tally } = findings
  const mebibytes = (number: number) => `${Math.round(number)} MiB`
  const ms = (number: number) => `${number.toFixed(1)} ms`
  return [
    `Fuzz run, ${tally.requests} requests in ${seconds.toFixed(0)} s, --seed ${seed}`,
    ...table(tally),
    ...refusals(metrics),
    row("votes accepted", tally.votes.size),
    row("of these in the ledger", books.inLedger),
    row("audit", books.audit),
    row("longest stop of the event loop", ms(loop.max)),
    row("of 1,000 looks all but one below", ms(loop.p999)),
    row("its most memory", `${mebibytes(memory.api)} of ${memoryLimit}`),
    row("the consumer's", `${mebibytes(memory.consumer)} of ${memoryLimit}`),
    row("descriptors before and after", `${before}, ${after}`),
    listed(
      "Stops of the event loop",
      [...loop.stops]
        .sort((left, right) => right.ms - left.ms)
        .map(
          ({ late, ms: stop, ran, starved }) =>
            `${ms(stop)} (it ran ${ms(ran)}, its timer was ${ms(late)} late${starved ? ": it had had no CPU" : ""})`
        )
    ),
    listed("PROBLEMS", problems, 20),
    problems.length === 0 ? "Nothing is wrong." : `FAILED. The same requests again: --seed ${seed}, one alone: --only N`
  ]
    .filter((line) => line !== "")
    .join("\n")
}
