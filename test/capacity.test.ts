import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"

const read = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), "utf8")

const bench = read("bench/README.md")
const [, capacity = ""] = /^## Capacity\n(.*?)^### /ms.exec(read("docs/operations.md")) ?? []
/** The page as one line, where sentences are not broken. */
const sentences = capacity.replace(/\s+/g, " ")

/** A row of the last table of a benchmark: its median as it is written, and the CPU time of each part. */
interface Figures {
  readonly name: string
  readonly median: string
  readonly cpu: Readonly<Record<string, string>>
}

const figuresOf = (name: string): ReadonlyArray<Figures> => {
  const [, table = ""] = new RegExp(`^${name}: [^\\n]+\\n[^\\n]+\\n(.*?)^\`\`\``, "ms").exec(bench) ?? []
  return table.split("\n").map((line) => {
    const [row = "", median = "", , , cpu = ""] = line.trim().split(/ {2,}/)
    // The program's own stands first, without a name.
    const parts = [...cpu.matchAll(/(?:([A-Za-z]+) )?([\d.,]*\d)/g)].map(([, part = "own", each = ""]) => [part, each])
    return { name: row, median, cpu: Object.fromEntries(parts) }
  })
}

const rowOf = (name: string, ...rows: ReadonlyArray<string>): Figures => {
  const found = figuresOf(name).find((row) => rows.includes(row.name))
  return found ?? assert.fail(`${name} has no row ${rows}`)
}

const numberOf = (text: string | undefined): number => Number(text?.replaceAll(",", ""))

const row = (...cells: ReadonlyArray<string>): string => `| ${cells.join(" | ")} |`

/** Cores that a vote's parts take at so many votes a second. */
const coresOf = (rate: number, ...each: ReadonlyArray<string | undefined>): string =>
  ((each.reduce((sum, cpu) => sum + numberOf(cpu), 0) * rate) / 1e6).toFixed(2)

/** What votes take that come in evenly: all rates that were measured so. */
const rates = [
  ...figuresOf("steady").flatMap(({ cpu, name }) => {
    const [, rate] = /^([\d,]+) votes\/s: tallykeep$/.exec(name) ?? []
    if (rate === undefined) return []
    const delays = `${rate} votes/s`
    // Fewer were taken than were to be sent, where the machine was too slow.
    const taken = figuresOf("steady").find((row) => row.name === `${delays}: taken, tallykeep`)
    return [{ bench: "steady", cpu, rate: taken?.median ?? rate, delays }]
  }),
  ...figuresOf("end-to-end")
    .filter(({ name }) => !name.includes(":"))
    .flatMap(({ cpu, median, name }) =>
      median === "" ? [] : [{ bench: "end-to-end", cpu, rate: median, delays: name }]
    )
]

describe("the page about capacity", () => {
  it("says what a vote takes of each part that has nothing else to do, as the tables do", () => {
    const taken = rowOf("ingest", "tallykeep").cpu
    const counted = rowOf("drain", "tallykeep", "open: tallykeep").cpu
    for (const [part, each] of [
      ["`api`, taking it", taken.own],
      ["Redis, with `appendfsync always`", taken.Redis],
      ["Redis, handing it out", counted.Redis],
      ["`consumer`, with a backlog to count", counted.own],
      ["PostgreSQL, with a backlog to count", counted.PostgreSQL]
    ]) {
      assert.include(capacity, row(`${part}`, `${each} µs`))
    }
  })

  it("says what it takes at each rate that was measured end to end", () => {
    assert.isAtLeast(rates.length, 2)
    for (const { bench, cpu, delays, rate } of rates) {
      const { api, consumer, PostgreSQL, Redis } = cpu
      const each = [api, consumer, Redis, PostgreSQL]
      const p99 = rowOf(bench, `${delays}: accept to counted p99`).median
      const cores = `${coresOf(numberOf(rate), ...each)} cores`
      assert.include(capacity, row(rate, ...each.map((of) => `${of} µs`), cores, `${p99} ms`, `\`${bench}\``))
    }
  })

  it("says what a million votes a minute take, at what a vote takes at the highest of these rates", () => {
    const highest = rates.toSorted((a, b) => numberOf(b.rate) - numberOf(a.rate))[0]
    const of = (part: string) => coresOf(1e6 / 60, highest?.cpu[part])
    assert.include(
      sentences,
      `At what a vote takes at ${highest?.rate} a second, that is ${of("api")} cores of \`api\`, ` +
        `${of("consumer")} of \`consumer\`, ${of("Redis")} of Redis and ${of("PostgreSQL")} of PostgreSQL.`
    )
  })

  it("says what a vote takes of the disk, and a year of a million votes a day", () => {
    const parts = ["ledger", "ballots", "choices", "public log"]
    for (const poll of ["open", "once", "changeable", "multiple", "ranked"]) {
      const each = parts.map((part) => rowOf("disk", `${poll}: ${part}`).median)
      const year = (numberOf(rowOf("disk", `${poll}: all`).median) * 365e6) / 1e9
      assert.include(capacity, row(`\`${poll}\``, ...each.map((bytes) => `${bytes} bytes`), `${year.toFixed(0)} GB`))
    }
  })
})
