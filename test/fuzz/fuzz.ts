import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { Effect } from "effect"
import { scrape } from "../support/metrics.ts"
import { readBooks } from "./books.ts"
import { describe, type Findings } from "./report.ts"
import { type FuzzOptions, runFuzz } from "./run.ts"
import { memoryLimit, openSite, type Site } from "./site.ts"
import { descriptors, type LoopReport, peakMemory, prefer, readLoop, watchHealth } from "./watch.ts"
import { makeWorld } from "./world.ts"

/** In ms: nothing that a client sends may make all others wait for longer. */
const loopLimit = 200

/** What pools may open besides what was open before: connections to PostgreSQL, mostly. */
const slack = 12
/** In ms. */
const patience = 30_000
const pollInterval = 100

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "tallykeep-fuzz-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true }))
)

/** Returns what a program has logged that it should not have. */
const logged = (name: string, { stderr, stdout }: Site["consumer"]): ReadonlyArray<string> =>
  `${stdout()}\n${stderr()}`
    .split("\n")
    .filter((line) => line !== "" && !/"level":"(INFO|WARN)"/.test(line))
    .map((line) => `the ${name} logged ${line.slice(0, 1_500)}`)

const settled = async (pid: number, before: number): Promise<number> => {
  for (const deadline = performance.now() + patience; performance.now() < deadline; await sleep(pollInterval)) {
    if (descriptors(pid) <= before + slack) break
  }
  return descriptors(pid)
}

/** Returns what loop.cjs has measured since it was asked before. */
const askLoop = ({ signal }: Site["api"], file: string): Effect.Effect<LoopReport> =>
  Effect.promise(async () => {
    signal("SIGUSR2")
    for (const deadline = performance.now() + patience; performance.now() < deadline; await sleep(pollInterval)) {
      try {
        const report = readLoop(file)
        rmSync(file)
        return report
      } catch {
        // It is not written yet, or not all of it.
      }
    }
    throw new Error(`the API did not tell about its event loop in ${patience / 1000} s`)
  })

interface Servers {
  readonly redisUrl: string
  readonly databaseUrl: string
  readonly stream: string
}

/**
 * Fuzzes an API in production and prints what came of it; returns what was found. Times are judged only where nothing else is
 * meant to run: `timed`.
 */
export const fuzz = Effect.fnUntraced(function* (servers: Servers, options: FuzzOptions & { readonly timed: boolean }) {
  const loopFile = join(yield* folder, "loop.json")
  const site = yield* openSite({ ...servers, loopFile })
  const world = yield* makeWorld(site)
  const { api, consumer, watched } = site
  const [{ management }] = watched
  const portOf = (url: string) => Number(new URL(url).port)
  const before = descriptors(api.pid)
  if (options.timed) prefer(api.pid)
  yield* askLoop(api, loopFile)
  const watch = watchHealth(watched)
  const began = performance.now()
  const tally = yield* Effect.promise(() =>
    runFuzz({ api: portOf(api.url), management: portOf(management) }, world, options)
  )
  const seconds = (performance.now() - began) / 1000
  const loop = yield* askLoop(api, loopFile)
  const books = yield* readBooks(site, tally.votes)
  const after = yield* Effect.promise(() => settled(api.pid, before))
  const metrics = yield* Effect.orDie(scrape(management))
  yield* Effect.promise(() => watch.stop())
  const memory = { api: peakMemory(api.pid), consumer: peakMemory(consumer.pid) }
  api.signal("SIGTERM")
  consumer.signal("SIGTERM")
  const ends = yield* Effect.all([api.ended, consumer.ended])

  const problems = [
    ...tally.problems,
    ...books.problems,
    ...watch.problems,
    ...logged("API", api),
    ...logged("consumer", consumer),
    ...Object.entries(memory).flatMap(([name, most]) =>
      most < memoryLimit ? [] : [`the ${name} had ${Math.round(most)} MiB, and the chart lets it have ${memoryLimit}`]
    ),
    ...(after <= before + slack ? [] : [`${after} descriptors were open at the end, ${before} at the start`]),
    ...ends.flatMap(({ code, signal }) => (code === 0 ? [] : [`a process ended with ${code ?? signal}`])),
    ...(options.timed ? loop.stops : [])
      .filter(({ ms, starved }) => ms > loopLimit && !starved)
      .map(({ ms, until }) =>
        [`the event loop stopped for ${Math.round(ms)} ms; under way:`, ...tally.under(until - ms - 20, until)].join(
          "\n    "
        )
      )
  ]
  const findings: Findings = {
    ...options,
    seconds,
    tally,
    books,
    loop,
    memory,
    memoryLimit,
    before,
    after,
    metrics,
    problems
  }
  console.log(describe(findings))
  return findings
})
