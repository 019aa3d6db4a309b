import type { Cpu } from "./support/cpu.ts"

/** What a figure is to be: at least, or at most. */
export type Target = { readonly atLeast: number } | { readonly atMost: number }

/** One line of the table: a figure measured, or with the unit `x` what one is against another of the same run. */
export interface Row {
  readonly what: string
  /** The median over the rounds; undefined where it could not be measured, and `note` says why. */
  readonly value?: number
  readonly unit: string
  /** The lowest and the highest of the rounds. */
  readonly range?: readonly [number, number]
  /** CPU time that one unit of the work takes, in µs: the program's own, then that of others by name. */
  readonly cpu?: Cpu
  readonly target?: Target
  readonly note?: string
}

export interface Env extends NodeJS.ProcessEnv {
  readonly REDIS_URL: string
  readonly DATABASE_URL: string
}

export interface BenchContext {
  /** The environment for the processes: where Redis and PostgreSQL are. */
  readonly env: Env
  /** How often each side is measured, in turn. */
  readonly rounds: number
  /** To see that it runs: the figures then mean nothing. */
  readonly quick: boolean
  /** The variants of `drain` to measure; without any, all of them. */
  readonly only: ReadonlyArray<string>
  /** How many votes wait in `drain`, `many` and `consumers`, where that was said. */
  readonly votes?: number
  /** How long each load of `steady` lasts, where that was said. */
  readonly seconds?: number
  progress(text: string): void
}

export interface Bench {
  readonly name: string
  readonly about: string
  run(context: BenchContext): Promise<ReadonlyArray<Row>>
}

export const median = (values: ReadonlyArray<number>): number => {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? Number.NaN)
    : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2
}

/** The figure below which `share` of the values are. */
export const percentile = (sorted: ReadonlyArray<number>, share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN

/** One of those that are measured beside each other. */
export interface Side<Figures> {
  readonly name: string
  /** Measures it once; or why that can't be done here. */
  readonly run: (() => Promise<Figures>) | { readonly skipped: string }
}

/** Measures all sides in turn (A B C A B C …), since a machine's speed changes from minute to minute; gives each side's. */
export const interleave = async <Figures>(
  { progress, rounds }: BenchContext,
  sides: ReadonlyArray<Side<Figures>>,
  show: (figures: Figures) => string
): Promise<ReadonlyArray<ReadonlyArray<Figures>>> => {
  const taken = sides.map((): Array<Figures> => [])
  for (let round = 1; round <= rounds; round++) {
    for (const [index, { name, run }] of sides.entries()) {
      if (typeof run !== "function") continue
      const figures = await run()
      taken[index]?.push(figures)
      progress(`round ${round} of ${rounds}: ${name}: ${show(figures)}`)
    }
  }
  return taken
}

const rangeOf = (values: ReadonlyArray<number>): readonly [number, number] => [Math.min(...values), Math.max(...values)]

/** The row of a figure: its median and range over the rounds. */
export const figureRow = (
  what: string,
  unit: string,
  values: ReadonlyArray<number>,
  more: Pick<Row, "cpu" | "target" | "note"> = {}
): Row =>
  values.length === 0 ? { what, unit, ...more } : { what, unit, value: median(values), range: rangeOf(values), ...more }

/** The rows of one figure of all sides. */
export const sideRows = <Figures>(
  sides: ReadonlyArray<Side<Figures>>,
  taken: ReadonlyArray<ReadonlyArray<Figures>>,
  unit: string,
  value: (figures: Figures) => number,
  cpu?: (figures: Figures) => Cpu
): ReadonlyArray<Row> =>
  sides.map(({ name, run }, index) => {
    const figures = taken[index] ?? []
    return figureRow(name, unit, figures.map(value), {
      ...(cpu !== undefined && figures.length > 0 && { cpu: medians(figures.map(cpu)) }),
      ...("skipped" in run && { note: `skipped: ${run.skipped}` })
    })
  })

/** The rows of the votes a second of all sides, and of what a vote took of the CPU. */
export const voteRows = (
  sides: ReadonlyArray<Side<{ readonly rate: number; readonly cpu: Cpu }>>,
  taken: ReadonlyArray<ReadonlyArray<{ readonly rate: number; readonly cpu: Cpu }>>
): ReadonlyArray<Row> =>
  sideRows(
    sides,
    taken,
    "votes/s",
    ({ rate }) => rate,
    ({ cpu }) => cpu
  )

/** Returns the medians of what several rounds took of the CPU, process by process. */
export const medians = (all: ReadonlyArray<Cpu>): Cpu =>
  Object.fromEntries(Object.keys(all[0] ?? {}).map((name) => [name, median(all.map((cpu) => cpu[name] ?? Number.NaN))]))

/** The row of a ratio: the median of those of each round, in which both sides met the same machine. */
export const ratioRow = (
  what: string,
  ours: ReadonlyArray<number>,
  theirs: ReadonlyArray<number>,
  target?: Target
): Row =>
  figureRow(
    what,
    "x",
    theirs.map((value, round) => (ours[round] ?? Number.NaN) / value),
    target === undefined ? {} : { target }
  )
