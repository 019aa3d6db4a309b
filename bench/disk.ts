import { consume } from "./drain.ts"
import { type Bench, figureRow, type Row } from "./harness.ts"
import { type Database, openDatabase } from "./support/database.ts"
import { kill, launch, until } from "./support/processes.ts"
import { variants } from "./support/variants.ts"
import { makeWaiting } from "./support/waiting.ts"

/** Those whose votes take different room. */
const measured = ["open", "once", "changeable", "multiple", "ranked"]

/** What a vote's rows are in, and what they are called: all with their indexes. */
const parts = [
  ["ledger", "like 'vote\\_event%'"],
  ["ballots", "= 'ballot'"],
  ["choices", "in ('choice_tally', 'displaced')"],
  ["public log", "in ('log', 'log_tile')"]
] as const

/** The bytes that a part takes. */
const sizeOf = async (database: Database, tables: string): Promise<number> => {
  const [row] = await database.query<{ bytes: string }>(
    `select sum(pg_total_relation_size(oid))::text as bytes from pg_class where relkind = 'r' and relname ${tables}`
  )
  return Number(row?.bytes)
}

const areDone = async (database: Database, votes: number): Promise<boolean> => {
  const [row] = await database.query<{ done: boolean }>(
    `select not exists (select from log_queue) and (select count(*) from vote_event) = ${votes} as done`
  )
  return row?.done === true
}

/** How many bytes of PostgreSQL's disk a vote takes, by ballot rule and kind of poll, once a consumer has counted it. */
export const disk: Bench = {
  name: "disk",
  about: "bytes of PostgreSQL's disk that a vote takes, with indexes, by ballot rule and kind of poll",
  run: async (context) => {
    const votes = context.votes ?? (context.quick ? 2_000 : 200_000)
    const rows: Array<Row> = []
    for (const unlogged of variants.filter(({ name }) => measured.includes(name))) {
      const variant = { ...unlogged, logged: true }
      const waiting = await makeWaiting(context, variant, votes)
      const site = await waiting.makeSite()
      const database = openDatabase(site.env.DATABASE_URL)
      const empty = new Map<string, number>()
      for (const [part, tables] of parts) empty.set(part, await sizeOf(database, tables))
      await waiting.copyTo(site.stream)
      const consumer = await launch(
        consume,
        { ...site.env, LOG_KEY: Buffer.alloc(32, 7).toString("base64") },
        /Counting/
      )
      try {
        await until(() => areDone(database, votes))
      } finally {
        await kill(consumer)
      }
      await waiting.check(database)
      let sum = 0
      for (const [part, tables] of parts) {
        const each = ((await sizeOf(database, tables)) - (empty.get(part) ?? 0)) / votes
        sum += each
        rows.push(figureRow(`${variant.name}: ${part}`, "bytes", [each]))
      }
      rows.push(figureRow(`${variant.name}: all`, "bytes", [sum]))
      context.progress(`${variant.name}: ${sum.toFixed(0)} bytes a vote`)
      await database.close()
      await site.close()
      await waiting.close()
    }
    return rows
  }
}
