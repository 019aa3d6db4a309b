import { Console, Effect, Layer, Option } from "effect"
import { Argument, Command } from "effect/cli"
import { SqlClient } from "effect/sql"
import { LogHeads, type LogState } from "../ledger/LogHeads.ts"
import { LogStore } from "../ledger/LogStore.ts"
import { inSnapshot } from "../ledger/Transaction.ts"
import { checkLog } from "../log/CheckLog.ts"
import { beginLog } from "../log/Sequencer.ts"
import { makeLogGuard } from "../log/Signing.ts"
import { CommandFailed } from "./CommandFailed.ts"
import { confirm, yes } from "./Confirm.ts"
import { jsonLines } from "./Flags.ts"
import { withProgress } from "./Progress.ts"
import { type CommandSettings, withLedger } from "./WithServers.ts"

const layerLogs = Layer.mergeAll(LogHeads.layer, LogStore.layer)

/** Runs a command on the public logs. */
const withLogs = <A, E, R>(body: (settings: CommandSettings) => Effect.Effect<A, E, R>) =>
  withLedger((settings) => Effect.provide(body(settings), layerLogs))

const slug = Argument.String("poll").pipe(Argument.withDescription("The poll's name in URLs"))

/** Returns the log of a poll that goes on. */
const present = Effect.fnUntraced(function* (poll: string) {
  const log = (yield* (yield* LogHeads).list(poll)).at(-1)
  return log ?? (yield* new CommandFailed({ message: `The poll ${poll} has no public log` }))
})

const toJson = ({ checkpoint, root, ...log }: LogState) =>
  JSON.stringify({ ...log, root: Buffer.from(root).toString("base64"), checkpoint })

const describe = ({ origin, signedAt, signedSize, size, waiting }: LogState) => {
  const signed = signedAt === undefined ? "never signed" : `${signedSize} of them signed at ${signedAt.toISOString()}`
  return `${origin}: ${size} leaves, ${signed}${waiting === 0 ? "" : `; ${waiting} wait for others`}`
}

const show = Command.make("show", { slug: Argument.optional(slug), json: jsonLines }, (given) =>
  withLogs(() =>
    Effect.gen(function* () {
      const logs = yield* (yield* LogHeads).list(Option.getOrUndefined(given.slug))
      for (const log of logs) yield* Console.log(given.json ? toJson(log) : describe(log))
      if (!given.json && logs.length === 0) yield* Console.error("No public logs.")
    })
  )
).pipe(Command.withDescription("Show how long the public logs are, and up to where they are signed"))

const verify = Command.make("verify", { slug }, (given) =>
  withLogs(() =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const { counted, log, logged, wrong } = yield* withProgress(({ tell }) =>
        inSnapshot(sql)(
          Effect.gen(function* () {
            const head = yield* present(given.slug)
            const checked = yield* checkLog(head, (leaves) => tell(`Checking: ${leaves} of ${head.size} leaves`))
            return { ...checked, log: head }
          })
        )
      )
      yield* Console.log(`${log.origin}: ${log.size} leaves; ${logged} votes count by them, ${counted} by the ledger.`)
      if (wrong.length > 0) return yield* new CommandFailed({ message: wrong.join("\n") })
      yield* Console.log("The log is as it must be.")
    })
  )
).pipe(Command.withDescription("Recount a poll's public log as it is stored, and hold it to the ledger"))

const restart = Command.make("restart", { slug, yes }, (given) =>
  withLogs((settings) =>
    Effect.gen(function* () {
      const log = yield* present(given.slug)
      yield* confirm(
        given.yes,
        `Give up ${log.origin} and begin another log, with all votes of the poll that the ledger has?`
      )
      const guard = yield* makeLogGuard(settings.streamName)
      const [kept] = yield* guard.read([log])
      const { checkpoint, note } = kept ?? {}
      const former = note === undefined || checkpoint === undefined ? undefined : { note, size: checkpoint.size }
      const [host = ""] = log.origin.split("/")
      const begun = beginLog(host, given.slug, log.number + 1)
      const heads = yield* LogHeads
      const number = yield* withProgress(({ during }) => during("Beginning the log", heads.restart(log, begun, former)))
      if (number === undefined) {
        const message = `Nothing is done: ${log.origin} was given up meanwhile; see: log show ${given.slug}`
        return yield* new CommandFailed({ message })
      }
      yield* Console.log(`The log ${number} of ${given.slug} begins. Tell those who watch it, and why.`)
    })
  )
).pipe(
  Command.withDescription(
    "Begin a poll's public log anew, where the database was restored and does not lead on from what was signed before"
  )
)

export const logCommand = Command.make("log").pipe(
  Command.withDescription("The public logs, which anyone can check results by"),
  Command.withSubcommands([show, verify, restart])
)
