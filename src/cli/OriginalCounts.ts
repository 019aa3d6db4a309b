import { Effect, Redacted, Result } from "effect"
import { SqlClient } from "effect/sql"
import { reasonOf } from "../domain/ReasonOf.ts"
import { parseDatabaseUrl } from "../layers/DatabaseUrl.ts"
import { layerPostgres } from "../layers/PostgresClient.ts"
import type { OriginalCount } from "../ledger/Original.ts"
import { sqlState } from "../ledger/SqlFailure.ts"
import { CommandFailed } from "./CommandFailed.ts"

/** Reads what the original has counted, from its table; and names the database and the table, without the password. */
export const readOriginalCounts = Effect.fnUntraced(function* (from: Redacted.Redacted, table: string) {
  const source = `${yield* databaseOf(from)}, table ${table}`
  const counts = yield* Effect.flatMap(
    SqlClient.SqlClient,
    (sql) => sql<{ option: string | null; votes: bigint }>`
      select option::text as option, sum(count)::bigint as votes
      from ${sql(table)} group by 1 having sum(count) <> 0 order by 1`
  ).pipe(
    Effect.provide(layerPostgres(from, 1)),
    Effect.mapError((error) => new CommandFailed({ message: describe(sqlState(error), source, reasonOf(error)) }))
  )
  const named = counts.map(({ option, votes }): OriginalCount => ({ option: option ?? "(null)", votes }))
  const negative = named.filter(({ votes }) => votes < 0n)
  if (negative.length > 0) {
    return yield* new CommandFailed({ message: `${source} has fewer than no votes for ${namesOf(negative)}` })
  }
  return { source, counts: named }
})

/** Returns the options' names for a sentence. */
export const namesOf = (counts: ReadonlyArray<OriginalCount>): string =>
  counts.map(({ option }) => JSON.stringify(option)).join(", ")

const databaseOf = (from: Redacted.Redacted) => {
  const parsed = parseDatabaseUrl(Redacted.value(from))
  if (parsed === undefined) {
    const message = "--from must be a URL of PostgreSQL, such as postgres://user:password@host:5432/database"
    return Effect.fail(new CommandFailed({ message }))
  }
  return Result.match(parsed, {
    onSuccess: ({ database, hosts, user = "" }) =>
      Effect.succeed(`${hosts.map(({ name, port }) => `${name}:${port}`).join(",")}/${database ?? user}`),
    onFailure: (wrong) => Effect.fail(new CommandFailed({ message: `--from ${wrong}` }))
  })
}

const describe = (state: string | undefined, source: string, reason: string): string =>
  state === "42P01"
    ? `There is no such table: ${source}; --table names another one`
    : state === "42703" || state === "42883"
      ? `The table has no columns option and count, or they hold no numbers: ${source} (${reason})`
      : `The original's counts can't be read from ${source}: ${reason}`
