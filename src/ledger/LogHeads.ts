import { PgTypes } from "@effect/sql-pg"
import { Context, Effect, Layer } from "effect"
import { SqlClient, type Statement } from "effect/sql"
import type { Checkpoint } from "../domain/log/Checkpoint.ts"
import type { OutOfService } from "../domain/Problems.ts"
import { outOfService } from "./Bounded.ts"
import type { Begun } from "./LogQueue.ts"
import type { LogName } from "./LogStore.ts"
import { arrayOf, int8 } from "./Parameters.ts"

/** A log's head, as it was committed. */
export interface LogHead extends LogName, Checkpoint {}

/** A head that is signed, and the keys that check that. */
export interface SignedHead extends LogHead {
  readonly vkeys: ReadonlyArray<string>
}

/** What is told of a log in a list. */
export interface LogState extends LogHead {
  readonly signedSize: number | undefined
  readonly signedAt: Date | undefined
  readonly checkpoint: string | undefined
  readonly waiting: number
}

/** So many heads are signed in one go. */
const most = 1_000
const timeout = "5 seconds"
/** How long queueing all votes of a poll again may take. */
const restartTimeout = "10 minutes"

interface HeadRow extends Omit<LogHead, "size"> {
  readonly size: bigint
}

interface StateRow extends HeadRow {
  readonly signedSize: bigint | null
  readonly signedAt: Date | null
  readonly checkpoint: string | null
  readonly waiting: number
}

const toHead = <Row extends HeadRow>({ size, ...row }: Row) => ({ ...row, size: Number(size) })

/** The logs' heads, to be signed. */
export class LogHeads extends Context.Service<
  LogHeads,
  {
    /** The heads that are not signed yet, of the logs that go on. */
    readonly unsigned: Effect.Effect<ReadonlyArray<LogHead>, OutOfService>
    /** The heads that are signed, of the logs that go on, in the order of their polls: those after one, a page of them. */
    signedAfter(poll: string): Effect.Effect<ReadonlyArray<SignedHead>, OutOfService>
    /**
     * Stores a signed checkpoint with the keys that check it, unless a later one is there, or the same one with other keys than the
     * head has; returns whether it did.
     */
    sign(
      head: LogHead | SignedHead,
      checkpoint: string,
      vkeys: ReadonlyArray<string>
    ): Effect.Effect<boolean, OutOfService>
    /**
     * Gives up a log and begins the next one of its poll, as `begun` says, whose number it returns; undefined where the log is not the
     * poll's last one, as where it was given up meanwhile. `former` is the last signed checkpoint of the old one, with its number of
     * leaves, if it is known; one of more leaves that the ledger has is taken instead.
     */
    restart(
      log: LogName,
      begun: Begun,
      former?: { readonly note: string; readonly size: number }
    ): Effect.Effect<number | undefined, OutOfService>
    /** Returns the logs of a poll, or all of them. */
    list(poll: string | undefined): Effect.Effect<ReadonlyArray<LogState>, OutOfService>
  }
>()("tallykeep/ledger/LogHeads") {
  static readonly layer = Layer.effect(
    LogHeads,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient

      /** Returns heads of the logs that go on, with `more` columns, in the order of their polls: at most a page of them. */
      const read = <Row extends HeadRow>(more: Statement.Fragment, which: Statement.Fragment) =>
        sql<Row>`
          select l.poll, l.number, l.origin, l.size, l.root${more} from log l
          where ${which} and not exists (select from log n where n.poll = l.poll and n.number > l.number)
          order by l.poll limit ${PgTypes.int4(most)}`.pipe(
          outOfService(timeout),
          Effect.map((rows) => rows.map(toHead))
        )

      const unsigned = read(sql``, sql`l.signed_size is distinct from l.size and l.size > 0`)

      const signedAfter = Effect.fn("LogHeads.signedAfter")((poll: string) =>
        read<HeadRow & Pick<SignedHead, "vkeys">>(sql`, l.vkeys`, sql`l.poll > ${poll} and l.signed_size = l.size`)
      )

      const sign = Effect.fn("LogHeads.sign")(
        (head: LogHead | SignedHead, checkpoint: string, vkeys: ReadonlyArray<string>) => {
          const size = int8(head.size)
          const former = arrayOf("text", "vkeys" in head ? head.vkeys : null)
          return sql`
            update log set signed_size = ${size}, checkpoint = ${checkpoint}, vkeys = ${arrayOf("text", vkeys)}, signed_at = clock_timestamp()
            where poll = ${head.poll} and number = ${PgTypes.int4(head.number)}
              and (coalesce(signed_size, -1) < ${size} or signed_size = ${size} and vkeys = ${former})
            returning poll`.pipe(
            outOfService(timeout),
            Effect.map((rows) => rows.length === 1)
          )
        }
      )

      const restart: LogHeads["Service"]["restart"] = Effect.fn("LogHeads.restart")(
        ({ number, poll }, { origin, root, secret }, former) =>
          sql<{ next: number | null }>`
            select restart_log(${poll}, ${origin}, ${PgTypes.bytea(secret)}, ${PgTypes.bytea(root)}, ${PgTypes.text(former?.note ?? null)},
              ${int8(former?.size)}, ${PgTypes.int4(number)}) as next`.pipe(
            outOfService(restartTimeout),
            Effect.map(([row]) => row?.next ?? undefined)
          )
      )

      const list = (poll: string | undefined) =>
        sql<StateRow>`
          select poll, number, origin, size, root, signed_size as "signedSize", signed_at as "signedAt", checkpoint,
            jsonb_array_length(waiting) as waiting
          from log where ${PgTypes.text(poll ?? null)} is null or poll = ${PgTypes.text(poll ?? null)}
          order by poll, number`.pipe(
          outOfService(timeout),
          Effect.map((rows) =>
            rows.map(
              (row): LogState => ({
                ...toHead(row),
                signedSize: row.signedSize === null ? undefined : Number(row.signedSize),
                signedAt: row.signedAt ?? undefined,
                checkpoint: row.checkpoint ?? undefined
              })
            )
          )
        )

      return LogHeads.of({ unsigned, signedAfter, sign, restart, list })
    })
  )
}
