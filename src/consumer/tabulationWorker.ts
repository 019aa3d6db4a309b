import { setPriority } from "node:os"
import { parentPort } from "node:worker_threads"
import { RankingsBuilder } from "../domain/tabulation/RankingsBuilder.ts"
import { tabulate } from "../domain/tabulation/Tabulate.ts"
import type { TabulationRules } from "../domain/tabulation/Tabulation.ts"

/*
 * Tabulates ranked ballots in a thread of its own, one poll after another. What it is told, and what it answers, each before it
 * is told the next:
 *
 *   { options, rules }   another poll follows       "more"
 *   Uint8Array           a page of its rankings     "more"
 *   "tabulate"           that were all of them      { tabulation, ballots }
 */

/** What says how a poll's rankings are tabulated. */
export interface TabulationTask {
  /** Ids, in the poll's order. */
  readonly options: ReadonlyArray<string>
  readonly rules: TabulationRules
}

/** What a tabulation comes to: as JSON, and of how many ballots. */
export interface TabulationAnswer {
  readonly tabulation: string
  readonly ballots: number
}

const port = parentPort
if (port === null) throw new Error("tabulationWorker.ts is not run as a thread")

// The niceness of one thread, which no other system has: votes go before.
if (process.platform === "linux") setPriority(10)

let rules: TabulationRules | undefined
let rankings = new RankingsBuilder([])

/** Adds a page of lines, each a ranking, a space, and how many ballots say it. */
const addPage = (page: Uint8Array): void => {
  const lines = Buffer.from(page.buffer, page.byteOffset, page.byteLength).toString("latin1")
  for (let from = 0; from < lines.length; ) {
    const found = lines.indexOf("\n", from)
    const end = found < 0 ? lines.length : found
    const space = lines.indexOf(" ", from)
    rankings.add(lines.slice(from, space), Number(lines.slice(space + 1, end)))
    from = end + 1
  }
}

port.on("message", (message: TabulationTask | Uint8Array | "tabulate") => {
  if (message instanceof Uint8Array) addPage(message)
  else if (message !== "tabulate") {
    rules = message.rules
    rankings = new RankingsBuilder(message.options)
  } else if (rules !== undefined) {
    const made = tabulate(rules, rankings.build())
    rankings = new RankingsBuilder([])
    port.postMessage({ tabulation: JSON.stringify(made), ballots: made.ballots } satisfies TabulationAnswer)
    return
  }
  port.postMessage("more")
})
