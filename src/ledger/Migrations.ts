import { Effect, Schema } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import { type LedgerSchema, ledgerSchema } from "./LedgerSchema.ts"
import { inTransaction } from "./Transaction.ts"

/** The database can never hold the ledger; the message says what to do. */
export class UnsuitableDatabase extends Schema.TaggedError<UnsuitableDatabase>()("UnsuitableDatabase", {
  message: Schema.String
}) {}

const another = "Set DATABASE_URL to a new database or, where tallykeep runs its own, DATA_DIR to a new folder."

/** The key of the advisory lock: any number, the same in every process. */
export const lockKey = 7_461_109

interface State {
  /** The version that is there, with all its tables and functions. */
  readonly version: number
  /** The last step that has run: of a later version, where that is being put in place. */
  readonly step: number
}

const readState = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const [state] = yield* sql<State>`
    select coalesce(max(version), 0) as version, coalesce(max(step), 0) as step from tallykeep_schema`
  return state ?? { version: 0, step: 0 }
})

interface Found {
  readonly known: boolean
  /** Made before schemas had a version; there is no way from there to here. */
  readonly former: boolean
  readonly encoding: string
  /** As `server_version_num` has it: 140000 for the first of version 14. */
  readonly server: number
  /** What transactions are that don't say it, such as `read committed`: a role and a database may have one of their own. */
  readonly isolation: string
  /** What a commit waits for, as `synchronous_commit` has it; of a role and a database, too. */
  readonly commit: string
}

/** Returns why a database can't hold the ledger; undefined where it can. */
export const unsuitable = ({
  commit,
  encoding,
  former,
  isolation,
  server
}: Omit<Found, "known">): string | undefined => {
  if (former) {
    return `The database was made by a tallykeep from before its first release, and this one can't take it over. ${another}`
  }
  if (server < 140_000) {
    return `The database's server is PostgreSQL ${Math.trunc(server / 10_000)}, and tallykeep needs 14 or newer.`
  }
  if (encoding !== "UTF8") {
    return (
      `The database's encoding is ${encoding}, and tallykeep needs UTF8. Make another one, with ` +
      "`create database … encoding 'UTF8' template template0`, and set DATABASE_URL to it."
    )
  }
  if (isolation !== "read committed") {
    return (
      `The role's transactions are ${isolation} by default, in which votes that are counted at once fail by each other, and ` +
      "tallykeep needs read committed. Let them be so, with `alter role … set default_transaction_isolation = " +
      "'read committed'`, and start tallykeep again."
    )
  }
  if (commit === "off") {
    return (
      "The role's transactions are committed before they are on the disk (synchronous_commit is off): a crash of the server " +
      "would lose votes that were counted and are no longer in Redis. Let them wait for the disk, with `alter role … set " +
      "synchronous_commit = on`, and start tallykeep again."
    )
  }
  return undefined
}

/** The state of a database that may be empty. */
const findState = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const [found] = yield* sql<Found>`
    select to_regclass('tallykeep_schema') is not null as known, to_regclass('tallykeep_migration') is not null as former,
      current_setting('server_encoding') as encoding, current_setting('server_version_num')::int as server,
      current_setting('default_transaction_isolation') as isolation, current_setting('synchronous_commit') as commit`
  const problem = found && unsuitable(found)
  if (problem !== undefined) return yield* new UnsuitableDatabase({ message: problem })
  return found?.known === true ? yield* readState : { version: 0, step: 0 }
})

/** Runs a file of statements. The protocol takes one at a time; `execute` makes one of them. */
const runStep = Effect.fnUntraced(function* (text: string) {
  const sql = yield* SqlClient.SqlClient
  yield* sql.unsafe(`do $run$ begin execute $step$${text}$step$; end $run$`).unprepared
})

/**
 * Lets a transaction take as long as it takes, whatever the role's own limits are: a step that they end would be tried again for ever.
 * Older servers don't know all of them.
 */
const takeAnyTime = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`select set_config(name, '0', true) from pg_settings where name in ('statement_timeout', 'transaction_timeout')`
})

/**
 * Runs the steps that are missing up to one, or all of them and then puts the functions in place, in one transaction.
 * Returns whether there was anything to do.
 */
const advance = Effect.fnUntraced(function* (schema: LedgerSchema, upTo: number | "all") {
  const sql = yield* SqlClient.SqlClient
  return yield* inTransaction(sql)(
    Effect.gen(function* () {
      yield* takeAnyTime
      yield* sql`select pg_advisory_xact_lock(${lockKey})`
      // Asking to_regclass first would not do: it may not see what another process made while this one waited.
      yield* sql`create table if not exists tallykeep_schema (
        version int not null, step int not null, since timestamptz not null default now()
      )`
      const { step, version } = yield* readState
      if (version >= schema.version) return false
      const whole = upTo === "all"
      const missing = schema.steps.filter(({ number }) => number > step && (whole || number <= upTo))
      if (!whole && missing.length === 0) return false
      for (const { text } of missing) yield* runStep(text)
      if (whole) for (const text of schema.functions) yield* sql.unsafe(text).unprepared
      const reached = missing.at(-1)?.number ?? step
      yield* sql`insert into tallykeep_schema (version, step) values (${whole ? schema.version : version}, ${reached})`
      return true
    })
  )
})

/**
 * Brings the database up to a version; any number of processes may do so at once, of several versions too. A database that
 * has that version or a later one is left as it is: a process of the version before that is started again during an update
 * must not bring its functions back. Each step is a transaction of its own, since votes are counted meanwhile and none may
 * wait long; an empty database gets all in one. Returns the version that was there before, 0 for none; undefined where
 * there was nothing to do.
 */
export const migrate = Effect.fn("Migrations.migrate")(function* (
  schema: LedgerSchema = ledgerSchema
): Effect.fn.Return<number | undefined, UnsuitableDatabase | SqlError.SqlError, SqlClient.SqlClient> {
  const { step, version } = yield* findState
  if (version >= schema.version) return undefined
  if (step > 0) for (const { number } of schema.steps) if (number > step) yield* advance(schema, number)
  return (yield* advance(schema, "all")) ? version : undefined
})
