import {
  type Bench,
  type BenchContext,
  figureRow,
  interleave,
  median,
  medians,
  type Row,
  ratioRow,
  type Side
} from "./harness.ts"
import type { Cpu } from "./support/cpu.ts"
import { installedPeer } from "./support/peers.ts"
import { inBench } from "./support/processes.ts"
import { type Cast, makeStage, type Played } from "./support/stage.ts"

/** Votes a second; what one may take of the CPU, all parts together, in µs. */
const allLoads: ReadonlyArray<{ readonly rate: number; readonly atMost?: number }> = [
  { rate: 10 },
  { rate: 100, atMost: 1_200 },
  { rate: 1_000, atMost: 200 },
  { rate: 3_000, atMost: 120 },
  { rate: 10_000 }
]

/** How long the bare loop waits between two reads, in ms: as long as tallykeep does where many votes come in. */
const pause = 50

interface Figures {
  readonly idle: Cpu
  readonly played: ReadonlyArray<Played>
}

const sum = (cpu: Cpu): number => Object.values(cpu).reduce((total, value) => total + value, 0)

const loadsOf = ({ quick }: BenchContext) => (quick ? allLoads.slice(-1) : allLoads)

const onStage = async (context: BenchContext, seconds: number, cast?: Cast): Promise<Figures> => {
  const stage = await makeStage(context, cast)
  try {
    const played: Array<Played> = []
    for (const { rate } of loadsOf(context)) played.push(await stage.play(rate, seconds))
    return { played, idle: await stage.idle(seconds) }
  } finally {
    await stage.close()
  }
}

export const steady: Bench = {
  name: "steady",
  about: "one API and one consumer on an ordinary day: what a vote takes of the CPU, and how long until it is counted",
  run: async (context) => {
    const seconds = context.seconds ?? (context.quick ? 1 : 20)
    const consumer = installedPeer(context, "drain-batches.mjs", "5000", "open", String(pause))
    const bare = (): Side<Figures>["run"] =>
      "skipped" in consumer
        ? consumer
        : () =>
            onStage(context, seconds, {
              api: [inBench("peers/ingest-node.mjs")],
              consumer: consumer.slice(1),
              counting: /Counting/,
              viewed: false
            })
    const sides: ReadonlyArray<Side<Figures>> = [
      { name: "tallykeep", run: () => onStage(context, seconds) },
      { name: "bare API and batch loop", run: bare() }
    ]
    const [ours = [], theirs = []] = await interleave(context, sides, ({ idle, played }) =>
      [
        ...played.map(
          ({ counted, cpu, rate }) => `${Math.round(rate)} votes/s: ${Math.round(sum(cpu))} µs, p99 ${counted[1]} ms`
        ),
        `idle ${(sum(idle) * 100).toFixed(2)} %`
      ].join("; ")
    )
    const rows = loadsOf(context).flatMap(({ atMost, rate }, index): ReadonlyArray<Row> => {
      const at = (figures: ReadonlyArray<Figures>) => figures.flatMap(({ played }) => played[index] ?? [])
      const name = `${rate.toLocaleString("en")} votes/s`
      const cpuRow = (whose: string, taken: ReadonlyArray<Played>, target: Pick<Row, "target" | "note">) =>
        figureRow(
          `${name}: ${whose}`,
          "µs",
          taken.map(({ cpu }) => sum(cpu)),
          { ...(taken.length === 0 ? {} : { cpu: medians(taken.map(({ cpu }) => cpu)) }), ...target }
        )
      /** How many were taken where that is fewer than were to be sent: the machine had no more for programs and load. */
      const takenRow = (whose: string, taken: ReadonlyArray<Played>): ReadonlyArray<Row> => {
        const rates = taken.map((played) => played.rate)
        return rates.length === 0 || median(rates) >= 0.98 * rate
          ? []
          : [figureRow(`${name}: taken, ${whose}`, "votes/s", rates)]
      }
      const delay = (what: string, value: (played: Played) => number, most?: number) =>
        figureRow(`${name}: ${what}`, "ms", at(ours).map(value), most === undefined ? {} : { target: { atMost: most } })
      return [
        ...takenRow("tallykeep", at(ours)),
        ...takenRow("bare", at(theirs)),
        cpuRow("tallykeep", at(ours), atMost === undefined ? {} : { target: { atMost } }),
        ...("skipped" in consumer
          ? [cpuRow("bare API and batch loop", [], { note: `skipped: ${consumer.skipped}` })]
          : [
              cpuRow("bare API and batch loop", at(theirs), {}),
              ratioRow(
                `${name}: tallykeep / bare`,
                at(ours).map(({ cpu }) => sum(cpu)),
                at(theirs).map(({ cpu }) => sum(cpu)),
                { atMost: 1.3 }
              )
            ]),
        delay("accept to counted p50", ({ counted: [p50] }) => p50),
        delay("accept to counted p99", ({ counted: [, p99] }) => p99, 100),
        delay("accept to SSE p99", ({ sent: [, p99] }) => p99, 250)
      ]
    })
    const idle = ours.map((figures) => figures.idle)
    return [
      ...rows,
      figureRow(
        "idle: tallykeep, of a core",
        "%",
        idle.map((cpu) => sum(cpu) * 100),
        { target: { atMost: 1 } }
      )
    ]
  }
}
