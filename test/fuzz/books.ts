import { setTimeout as sleep } from "node:timers/promises"
import { PgClient, PgTypes } from "@effect/sql-pg"
import { Effect, Redacted, Result } from "effect"
import { SqlClient } from "effect/sql"
import { launchProgram } from "../support/processes.ts"
import type { Site } from "./site.ts"

/** What the ledger says of the votes that clients have receipts for. */
export interface Books {
  readonly inLedger: number
  readonly dead: number
  readonly audit: string
  readonly problems: ReadonlyArray<string>
}

const patience = 60_000

/** Waits until all is counted, and compares the receipts with the ledger: each vote is in it, once, and none is dead. */
export const readBooks = Effect.fnUntraced(function* ({ env }: Site, votes: ReadonlySet<string>) {
  const audit = Effect.gen(function* () {
    const program = yield* launchProgram(["audit", "--all"], { env })
    const { code } = yield* program.ended
    return { code, text: program.stdout() + program.stderr() }
  }).pipe(Effect.scoped)
  const isDone = ({ code, text }: Effect.Success<typeof audit>) => code === 0 && /pending +0$/m.test(text)

  let books = yield* audit
  for (const deadline = performance.now() + patience; !isDone(books) && performance.now() < deadline; ) {
    yield* Effect.promise(() => sleep(200))
    books = yield* audit
  }
  const ids = Result.getOrThrow(PgTypes.array([...votes], PgTypes.OID.text))
  const [row] = yield* SqlClient.SqlClient.pipe(
    Effect.flatMap(
      (sql) => sql<{ found: string; dead: string; deleted: string }>`select
        (select count(*) from unnest(${ids}) as r (id) join vote_event v on v.vote_id = r.id::uuid)::text as found,
        (select count(*) from vote_event v join poll p on p.slug = v.poll where v.status = 'dead')::text as dead,
        (select coalesce(sum(votes), 0) from ledger_archive where status = 'deleted')::text as deleted`
    ),
    Effect.provide(PgClient.layer({ url: Redacted.make(env.DATABASE_URL), maxConnections: 1 }))
  )
  const inLedger = Number(row?.found)
  const dead = Number(row?.dead)
  // With polls that the fuzz has deleted; what came for one later is a dead letter of no poll.
  const deleted = Number(row?.deleted)
  const accounted = isDone(books) && books.text.includes("All is accounted for.")
  return {
    inLedger,
    dead,
    audit: accounted ? "all is accounted for" : books.text,
    problems: [
      ...(accounted ? [] : [`the audit ended with ${books.code}: ${books.text}`]),
      ...(inLedger <= votes.size && votes.size <= inLedger + deleted
        ? []
        : [`${votes.size} votes were accepted, ${inLedger} of them are in the ledger, and ${deleted} were deleted`]),
      ...(dead === 0 ? [] : [`${dead} votes are dead letters`])
    ]
  } satisfies Books
})
