import { Console, Effect, Layer, Redacted } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { fromDefinition, type Poll, type PollView, toView } from "../domain/Poll.ts"
import { toResults } from "../domain/Tally.ts"
import { csvHead, csvLine, resultsCsv } from "../http/results/Csv.ts"
import { makeOwnTokens } from "../http/voting/OwnTokens.ts"
import { findVoterSecret } from "../layers/KeptSecrets.ts"
import { listedSecrets } from "../layers/SettingKinds.ts"
import { Ledger } from "../ledger/Ledger.ts"
import { PollStore } from "../ledger/PollStore.ts"
import { channelOf } from "../stream/Announcements.ts"
import { findClosingTime, readStates } from "../stream/Nodes.ts"
import { command, Redis } from "../stream/Redis.ts"
import { everyShard } from "../stream/Shards.ts"
import { nextEntryMs } from "../stream/StreamState.ts"
import { CommandFailed } from "./CommandFailed.ts"
import { exportVotes } from "./ExportVotes.ts"
import { definitionOf, pollFlags } from "./PollFlags.ts"
import { type CommandSettings, withServers } from "./WithServers.ts"

const slug = Argument.String("slug").pipe(Argument.withDescription("The poll's name in URLs"))
const json = Flag.Boolean("json").pipe(Flag.withDescription("Print JSON"), Flag.withDefault(false))

const withStore = <A, E, R>(body: (store: PollStore["Service"], settings: CommandSettings) => Effect.Effect<A, E, R>) =>
  withServers((settings) =>
    Effect.gen(function* () {
      const ledger = yield* Ledger
      yield* ledger.migrated
      return yield* body(yield* PollStore, settings)
    }).pipe(Effect.provide(Layer.mergeAll(PollStore.layer, Ledger.layer)))
  )

const find = (store: PollStore["Service"], wanted: string) =>
  Effect.gen(function* () {
    const poll = (yield* store.list).find((one) => one.slug === wanted)
    return poll ?? (yield* new CommandFailed({ message: `There is no poll ${wanted}; see: polls list` }))
  })

/** Tells the API processes, which keep the polls in memory. */
const announce = (settings: CommandSettings, changed: string) =>
  Effect.flatMap(Redis, ({ client }) => command(() => client.publish(channelOf(settings.streamName, "poll"), changed)))

/** Reads the time that polls open and close by, in ms since 1970. */
const pollTime = (settings: CommandSettings) =>
  Effect.flatMap(Redis, (redis) => {
    const { blockMs, consumerGroup: group, streamName } = settings
    return Effect.map(readStates(everyShard(redis, streamName), { group, blockMs }), nextEntryMs)
  })

const describe = (view: PollView) => {
  const times = [
    view.opens_at && `opens ${view.opens_at}`,
    view.closes_at && `closes ${view.closes_at}`,
    view.final_at && `final since ${view.final_at}`
  ].filter(Boolean)
  const { abstain, budget, every, kind, max, method, min, seats, spend_all, tie_break } = view
  const rules = { min, max, every, budget, spend_all, method, seats, tie_break, abstain }
  const told = Object.entries(rules).flatMap(([name, value]) => (value === undefined ? [] : `, ${name} ${value}`))
  return (
    `${view.slug}: ${view.title} (${view.status}${times.map((time) => `, ${time}`).join("")})\n` +
    `  kind ${kind}${told.join("")}\n` +
    `  ballot ${view.ballot}, identity ${view.identity}, results ${view.results}${view.challenge === undefined ? "" : `, challenge ${view.challenge}`}\n` +
    view.options.map(({ id, label }) => `  ${id}: ${label}`).join("\n")
  )
}

const print = (settings: CommandSettings, polls: ReadonlyArray<Poll>, asJson: boolean) =>
  Effect.flatMap(pollTime(settings), (now) =>
    Effect.forEach(
      polls.map((poll) => toView(poll, now)),
      (view) => Console.log(asJson ? JSON.stringify(view) : describe(view)),
      { discard: true }
    )
  )

const create = Command.make("create", { slug, ...pollFlags, json }, (given) =>
  Effect.flatMap(definitionOf(given), (definition) =>
    withStore((store, settings) =>
      Effect.gen(function* () {
        const poll = yield* store.create(fromDefinition(definition))
        yield* announce(settings, poll.slug)
        yield* print(settings, [poll], given.json)
      })
    )
  )
).pipe(Command.withDescription("Create a poll"))

const list = Command.make("list", { json }, (given) =>
  withStore((store, settings) => Effect.flatMap(store.list, (polls) => print(settings, polls, given.json)))
).pipe(Command.withDescription("List all polls, the newest first"))

const show = Command.make("show", { slug, json }, (given) =>
  withStore((store, settings) => Effect.flatMap(find(store, given.slug), (poll) => print(settings, [poll], given.json)))
).pipe(Command.withDescription("Show a poll"))

const close = Command.make("close", { slug, json }, (given) =>
  withStore((store, settings) =>
    Effect.gen(function* () {
      const redis = yield* Redis
      yield* find(store, given.slug)
      const time = yield* findClosingTime(everyShard(redis, settings.streamName), () => undefined)
      yield* store.close(given.slug, time)
      yield* announce(settings, given.slug)
      yield* print(settings, [yield* find(store, given.slug)], given.json)
    })
  )
).pipe(Command.withDescription("Close a poll now; votes accepted before count, none after"))

const exportPoll = Command.make(
  "export",
  {
    slug,
    votes: Flag.Boolean("votes").pipe(
      Flag.withDescription("Each vote as the ledger has it, in place of the counts"),
      Flag.withDefault(false)
    )
  },
  (given) =>
    withStore((store, settings) =>
      Effect.gen(function* () {
        const poll = yield* find(store, given.slug)
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
    count: Flag.Int("count").pipe(
      Flag.withDescription("How many voters"),
      Flag.filter(
        (count) => count > 0,
        () => "1 or more"
      ),
      Flag.withDefault(1)
    )
  },
  (given) =>
    withStore((store, settings) =>
      Effect.gen(function* () {
        const poll = yield* find(store, given.slug)
        if (poll.identity !== "token") {
          return yield* new CommandFailed({
            message: `The voters of ${poll.slug} need no tokens: its identity is ${poll.identity}`
          })
        }
        const secret = yield* findVoterSecret(settings)
        const now = yield* pollTime(settings)
        const secrets = secret === undefined ? [] : listedSecrets(Redacted.value(secret))
        const made = yield* makeOwnTokens(secrets, () => now).issue(poll, given.count)
        yield* store.tellTokens(poll.slug, made.length)
        process.stdout.write(csvHead(["token"]) + made.map((token) => csvLine([token])).join(""))
      })
    )
).pipe(Command.withDescription("Make tokens for the voters of a poll, as CSV"))

export const pollsCommand = Command.make("polls").pipe(
  Command.withDescription("Create, list, show, close and export polls, and make tokens for their voters"),
  Command.withSubcommands([create, list, show, close, exportPoll, tokens])
)
