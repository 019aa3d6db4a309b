/** What a fault stops from working: votes at one API or at any, or the counting. */
export type Part = `api ${number}` | "any api" | "ledger"

export interface Recovery {
  readonly fault: string
  readonly part: Part
  readonly ms: number
  /** What else was wrong with the servers, or with the connections to them, in that time. */
  readonly meanwhile: ReadonlyArray<string>
}

/** Measures how long it takes from the end of a fault until the part that it hit works again. */
export interface Recoveries {
  /** Notes that something is wrong with a server for all, until the returned function is called. */
  outage(fault: string): () => void
  /** Notes that a fault is over. */
  begin(part: Part, fault: string): void
  /** Notes that the part works. */
  success(part: Part): void
  readonly open: () => ReadonlyArray<Pick<Recovery, "fault" | "part">>
  /** Returns the recoveries, the slowest first. */
  readonly slowest: () => ReadonlyArray<Recovery>
}

export const makeRecoveries = (): Recoveries => {
  const outages: Array<{ readonly fault: string; to: number }> = []
  const over: Array<Recovery> = []
  let open: Array<{ readonly part: Part; readonly fault: string; readonly since: number }> = []
  const meanwhile = (since: number) => outages.filter(({ to }) => to > since).map(({ fault }) => fault)
  return {
    outage: (fault) => {
      const outage = { fault, to: Number.POSITIVE_INFINITY }
      outages.push(outage)
      return () => {
        outage.to = performance.now()
      }
    },
    begin: (part, fault) => open.push({ part, fault, since: performance.now() }),
    success: (part) => {
      if (open.length === 0) return
      const meets = (wanted: Part) => wanted === part || (wanted === "any api" && part !== "ledger")
      for (const { fault, part: wanted, since } of open) {
        if (!meets(wanted)) continue
        over.push({ fault, part: wanted, ms: performance.now() - since, meanwhile: [...new Set(meanwhile(since))] })
      }
      open = open.filter(({ part: wanted }) => !meets(wanted))
    },
    open: () => open,
    slowest: () => [...over].sort((left, right) => right.ms - left.ms)
  }
}
