import { type Bench, type BenchContext, figureRow, interleave, median, type Row, type Side } from "./harness.ts"
import { makeStage, type Played, type Stage } from "./support/stage.ts"

const fixedRate = 3_000

const seconds = (quick: boolean) =>
  quick ? { fixed: 0.5, probe: 0.5, highest: 0.5 } : { fixed: 60, probe: 4, highest: 20 }

/** The next rate to try is so much of the last. */
const step = 0.9

/**
 * Neither a queue for an answer nor one to be counted has grown: half of all were answered within 100 ms of when they
 * were to be sent, and no more waits than comes in half a second.
 */
const isSustained = (rate: number, { backlog, p50 }: Played): boolean => p50 < 100 && backlog < rate / 2

/** From what is accepted when each answer brings the next vote downwards, to what is taken and counted as it comes. */
const playHighest = async (stage: Stage, probe: number, lasts: number): Promise<Played> => {
  let { rate } = await stage.play(undefined, probe)
  for (;;) {
    rate *= step
    if (!isSustained(rate, await stage.play(rate, probe))) continue
    const played = await stage.play(rate, lasts)
    if (isSustained(rate, played)) return played
  }
}

const onStage = async (context: BenchContext, play: (stage: Stage) => Promise<Played>): Promise<Played> => {
  const stage = await makeStage(context)
  return play(stage).finally(() => stage.close())
}

const rowsOf = (name: string, taken: ReadonlyArray<Played>, targets: boolean): ReadonlyArray<Row> => {
  const row = (what: string, value: (played: Played) => number, atMost?: number) =>
    figureRow(`${name}: ${what}`, "ms", taken.map(value), targets && atMost !== undefined ? { target: { atMost } } : {})
  return [
    figureRow(
      name,
      "votes/s",
      taken.map(({ rate }) => rate),
      { cpu: medianCpu(taken) }
    ),
    row("answered p50", ({ p50 }) => p50),
    row("answered p99", ({ p99 }) => p99),
    row("answered p99.9", ({ p999 }) => p999),
    row("accept to counted p50", ({ counted: [p50] }) => p50),
    row("accept to counted p99", ({ counted: [, p99] }) => p99, 50),
    row("accept to counted p99.9", ({ counted: [, , p999] }) => p999),
    row("accept to SSE p50", ({ sent: [p50] }) => p50),
    row("accept to SSE p99", ({ sent: [, p99] }) => p99, 250),
    row("accept to SSE p99.9", ({ sent: [, , p999] }) => p999)
  ]
}

const medianCpu = (taken: ReadonlyArray<Played>) =>
  Object.fromEntries(
    Object.keys(taken[0]?.cpu ?? {}).map((name) => [name, median(taken.map(({ cpu }) => cpu[name] ?? Number.NaN))])
  )

export const endToEnd: Bench = {
  name: "end-to-end",
  about: "one API and one consumer: how long until a vote is counted, and until a viewer sees it",
  run: async (context) => {
    const { fixed, highest, probe } = seconds(context.quick)
    const sides: ReadonlyArray<Side<Played>> = [
      {
        name: `${fixedRate.toLocaleString("en")} votes/s`,
        run: () => onStage(context, (stage) => stage.play(fixedRate, fixed))
      },
      { name: "highest sustained", run: () => onStage(context, (stage) => playHighest(stage, probe, highest)) }
    ]
    const taken = await interleave(
      context,
      sides,
      ({ counted, p99, rate, sent }) =>
        `${Math.round(rate)} votes/s; p99: answered ${p99.toFixed(1)}, counted ${counted[1]}, sent ${sent[1]} ms`
    )
    return sides.flatMap(({ name }, index) => rowsOf(name, taken[index] ?? [], index === 0))
  }
}
