import { Console, Effect, Option, Redacted } from "effect"
import { Command, Flag } from "effect/cli"
import { toView } from "../domain/PollView.ts"
import { toResults } from "../domain/Tally.ts"
import { searchable } from "../http/polls/PollPages.ts"
import { csvHead, csvLine, resultsCsv } from "../http/results/Csv.ts"
import { makeOwnTokens } from "../http/voting/OwnTokens.ts"
import { findVoterSecret } from "../layers/KeptSecrets.ts"
import { listedSecrets } from "../layers/SettingKinds.ts"
import { Ledger } from "../ledger/Ledger.ts"
import { CommandFailed } from "./CommandFailed.ts"
import { exportVotes } from "./ExportVotes.ts"
import { json, oneOrMore, toggle } from "./Flags.ts"
import { find, pollTime, print, slug, withPolls } from "./PollAccess.ts"
import { lifeCommands } from "./PollLifeCommands.ts"

/** How many polls are read at once. */
const page = 1_000

const list = Command.make(
  "list",
  {
    status: Flag.Literals("status", searchable).pipe(
      Flag.withDescription("Only those of a status; without it, all that are not archived"),
      Flag.optional
    ),
    json
  },
  (given) =>
    withPolls((acts, settings) =>
      Effect.gen(function* () {
        const now = yield* pollTime(settings)
        const status = Option.getOrUndefined(given.status)
        let after: string | undefined
        do {
          const found = yield* acts.search({ text: "", status, after, limit: page }, now)
          for (const poll of found) {
            const view = toView(poll, now)
            yield* Console.log(given.json ? JSON.stringify(view) : `${view.slug}\t${view.status}\t${view.title}`)
          }
          after = found.length < page ? undefined : found.at(-1)?.slug
        } while (after !== undefined)
      })
    )
).pipe(Command.withDescription("List polls, the newest first, one on a line: slug, status, title"))

const show = Command.make("show", { slug, json }, (given) =>
  withPolls((acts, settings) => Effect.flatMap(find(acts, given.slug), (poll) => print(settings, poll, given.json)))
).pipe(Command.withDescription("Show a poll"))

const exportPoll = Command.make(
  "export",
  {
    slug,
    votes: toggle("votes", "Each vote as the ledger has it, in place of the counts")
  },
  (given) =>
    withPolls((acts, settings) =>
      Effect.gen(function* () {
        const poll = yield* find(acts, given.slug)
        if (given.votes) return yield* exportVotes(poll.slug)
        const ledger = yield* Ledger
        const tally = yield* ledger.tally(poll.slug)
        if (tally !== undefined) process.stdout.write(resultsCsv(poll, toResults(tally, 0, yield* pollTime(settings))))
      })
    )
).pipe(Command.withDescription("Print a poll's counts, or with --votes its ledger rows, as CSV"))

const tokens = Command.make(
  "tokens",
  {
    slug,
    count: oneOrMore("count").pipe(Flag.withDescription("How many voters (1)"), Flag.withDefault(1))
  },
  (given) =>
    withPolls((acts, settings) =>
      Effect.gen(function* () {
        const poll = yield* find(acts, given.slug)
        if (poll.identity !== "token") {
          return yield* new CommandFailed({
            message: `The voters of ${poll.slug} need no tokens: its identity is ${poll.identity}`
          })
        }
        const secret = yield* findVoterSecret(settings)
        const now = yield* pollTime(settings)
        const secrets = secret === undefined ? [] : listedSecrets(Redacted.value(secret))
        const made = yield* makeOwnTokens(secrets, () => now).issue(poll, given.count)
        yield* acts.tellTokens(poll.slug, made.length)
        process.stdout.write(csvHead(["token"]) + made.map((token) => csvLine([token])).join(""))
      })
    )
).pipe(Command.withDescription("Make tokens for the voters of a poll, as CSV"))

export const pollsCommand = Command.make("polls").pipe(
  Command.withDescription("Make polls, change, close and export them, and make tokens for their voters"),
  Command.withSubcommands([...lifeCommands, list, show, exportPoll, tokens])
)
