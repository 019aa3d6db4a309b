/** One line of the table. */
export interface Row {
  readonly what: string
  /** The median over the rounds. */
  readonly value: number
  readonly unit: string
  /** Against the peer of the same run. */
  readonly ratio: number
  readonly against: string
}

export interface BenchContext {
  /** The environment for the processes: where Redis and PostgreSQL are. */
  readonly env: NodeJS.ProcessEnv
  /** How often each side is measured, in turn. */
  readonly rounds: number
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
