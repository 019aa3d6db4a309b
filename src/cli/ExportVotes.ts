import { once } from "node:events"
import { Console, Effect, Stream } from "effect"
import { SqlClient } from "effect/sql"
import { csvHead, csvLine } from "../http/results/Csv.ts"
import { Replica } from "../ledger/Tallies.ts"
import { withProgress } from "./Progress.ts"

interface Row {
  readonly voteId: string
  readonly option: string | null
  readonly status: string
  readonly reason: string | null
  readonly acceptedMs: bigint
  readonly acceptedSeq: bigint
  readonly voter: string | null
}

/**
 * Prints a poll's ledger rows as CSV, in the order of their acceptance, as they come: there may be millions. `voter` is
 * the keyed hash that the ledger keeps.
 */
export const exportVotes = (poll: string) =>
  Effect.gen(function* () {
    const sql = yield* reader
    const [gone] = yield* sql<{ dropped: bigint; imported: bigint }>`
      select coalesce(sum(votes) filter (where status <> 'imported'), 0)::bigint as dropped,
        coalesce(sum(votes) filter (where status = 'imported'), 0)::bigint as imported
      from ledger_archive where poll = ${poll}`
    const { dropped, imported } = gone ?? { dropped: 0n, imported: 0n }
    if (dropped > 0n) yield* Console.error(`${dropped} votes are not in it: they were dropped after LEDGER_RETENTION`)
    if (imported > 0n) yield* Console.error(`${imported} votes are not in it: they were counted by the original`)
    yield* write(csvHead(["vote_id", "option", "status", "reason", "accepted_at", "stream_id", "voter"]))
    let printed = 0
    const votes = sql<Row>`
      select vote_id as "voteId", choice as option, status, reason, accepted_ms as "acceptedMs", accepted_seq as "acceptedSeq",
        encode(voter, 'hex') as voter
      from vote where poll = ${poll} order by accepted_ms, accepted_seq`.stream
    yield* withProgress(({ tell }) =>
      votes.pipe(
        Stream.grouped(500),
        Stream.runForEach((rows) => {
          printed += rows.length
          return Effect.andThen(write(rows.map(toLine).join("")), tell(`Exporting: ${printed} votes`))
        })
      )
    )
  })

/** Returns the replica where one answers, and so spares the primary; what it has not replayed yet is missing then. */
const reader = Effect.gen(function* () {
  const replica = yield* Replica
  const primary = yield* SqlClient.SqlClient
  if (replica === undefined) return primary
  return yield* replica`select 1`.pipe(
    Effect.as(replica),
    Effect.orElseSucceed(() => primary)
  )
})

const toLine = ({ acceptedMs, acceptedSeq, option, reason, status, voter, voteId }: Row): string =>
  csvLine([
    voteId,
    option ?? "",
    status,
    reason ?? "",
    new Date(Number(acceptedMs)).toISOString(),
    `${acceptedMs}-${acceptedSeq}`,
    voter ?? ""
  ])

const write = (text: string): Effect.Effect<void> =>
  Effect.promise(async () => {
    if (!process.stdout.write(text)) await once(process.stdout, "drain")
  })
