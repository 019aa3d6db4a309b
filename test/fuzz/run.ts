import { setTimeout as sleep } from "node:timers/promises"
import { type Client, makeClient, type Outcome } from "./client.ts"
import { draw } from "./draw.ts"
import type { Exchange } from "./exchange.ts"
import { acceptedVote, complaint } from "./judge.ts"
import type { World } from "./world.ts"

export interface FuzzOptions {
  readonly seed: number
  /** How many exchanges there are, each of a request or more. */
  readonly requests: number
  /** Sends the exchange of this number and no other. */
  readonly only?: number | undefined
}

/** What was sent, and what came of it. */
export interface Tally {
  readonly requests: number
  readonly votes: ReadonlySet<string>
  /** How often each status came, by kind of exchange; `none` stands for no answer. */
  readonly statuses: ReadonlyMap<string, ReadonlyMap<string, number>>
  readonly problems: ReadonlyArray<string>
  /** Returns what was under way at a time of day, in ms. */
  under(from: number, until: number): ReadonlyArray<string>
}

/** How many exchanges are under way at once, besides `lingering` ones that take long in any case. */
const atOnce = 56
const lingering = 100
/** A run that goes wrong this often has said enough. */
const maxProblems = 20
/** How many exchanges are remembered, to say what was under way. */
const remembered = 20_000
/** In ms. */
const progressInterval = 10_000

const quoted = (pieces: Exchange["pieces"]): string =>
  JSON.stringify(
    pieces.map((piece) => (typeof piece === "number" ? `… ${piece} ms …` : piece.toString("latin1", 0, 1_500))).join("")
  ).slice(0, 2_500)

/** Sends the requests of a seed, and judges each answer. */
export const runFuzz = async (
  ports: Readonly<Record<Exchange["to"], number>>,
  world: World,
  { only, requests, seed }: FuzzOptions
): Promise<Tally> => {
  const client: Client = makeClient(ports)
  const statuses = new Map<string, Map<string, number>>()
  const votes = new Set<string>()
  const problems: Array<string> = []
  const recent: Array<{ readonly from: number; readonly until: number; readonly what: string }> = []
  const slow = new Set<Promise<void>>()
  const last = only === undefined ? requests : only + 1
  let next = only ?? 0
  let sent = 0

  const count = (kind: string, status: string) => {
    const row = statuses.get(kind) ?? new Map<string, number>()
    statuses.set(kind, row)
    row.set(status, (row.get(status) ?? 0) + 1)
  }
  const judge = (number: number, { kind, methods, pieces }: Exchange, { answers, problem }: Outcome): void => {
    const wrong = answers.flatMap((answer, index) => complaint(answer, methods[index] ?? "GET") ?? [])
    for (const answer of answers) {
      count(kind, `${answer.status}`)
      const vote = acceptedVote(answer)
      if (vote !== undefined) votes.add(vote)
    }
    if (answers.length < methods.length) count(kind, "none")
    for (const what of [...(problem === undefined ? [] : [problem]), ...wrong]) {
      const said = answers.map(({ body, status }) => `${status} ${body.toString("latin1", 0, 300)}`).slice(0, 3)
      problems.push(`--only ${number} (${kind}): ${what}\n    for ${quoted(pieces)}\n    answered ${said.join(" | ")}`)
      // At once: a run takes a while, and may be given up.
      console.log(problems.at(-1))
    }
  }
  const perform = async (number: number, exchange: Exchange) => {
    const from = Date.now()
    const copies = Array.from({ length: exchange.copies ?? 1 }, () => client.perform(exchange))
    for (const outcome of await Promise.all(copies)) judge(number, exchange, outcome)
    const what = `--only ${number} (${exchange.kind}) ${quoted(exchange.pieces.slice(0, 1)).slice(0, 160)}`
    recent[number % remembered] = { from, until: Date.now(), what }
  }
  const work = async () => {
    while (next < last && problems.length < maxProblems) {
      const number = next++
      const exchange = draw(seed, number, world)
      sent += exchange.methods.length * (exchange.copies ?? 1)
      if (!exchange.long) await perform(number, exchange)
      else {
        while (slow.size >= lingering) await Promise.race(slow)
        const performed = perform(number, exchange).finally(() => slow.delete(performed))
        slow.add(performed)
      }
    }
  }
  const began = performance.now()
  const progress = setInterval(() => {
    const seconds = Math.round((performance.now() - began) / 1000)
    console.log(`${seconds} s: ${sent} requests, ${votes.size} votes accepted, ${problems.length} problems`)
  }, progressInterval)
  try {
    await Promise.all(Array.from({ length: atOnce }, work))
    await Promise.all(slow)
    await sleep(0)
  } finally {
    clearInterval(progress)
    client.close()
  }
  return {
    requests: sent,
    votes,
    statuses,
    problems,
    under: (from, until) =>
      recent.filter((one) => one !== undefined && one.from <= until && one.until >= from).map(({ what }) => what)
  }
}
