import { Console, Effect, Layer, Option, Redacted, Result, Schema } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import {
  Ballot,
  fromDefinition,
  Identity,
  type Poll,
  PollDefinition,
  type PollView,
  ResultsVisibility,
  toView
} from "../domain/Poll.ts"
import { toResults } from "../domain/Tally.ts"
import { resultsCsv } from "../http/results/Csv.ts"
import { makeTokens } from "../http/voting/VoterTokens.ts"
import { listedSecrets } from "../layers/SettingKinds.ts"
import { findVoterSecret } from "../layers/VoterSecret.ts"
import { Ledger } from "../ledger/Ledger.ts"
import { PollStore } from "../ledger/PollStore.ts"
import { channelOf } from "../stream/Announcements.ts"
import { findClosingTime, readStates } from "../stream/Nodes.ts"
import { command, Redis } from "../stream/Redis.ts"
import { everyShard } from "../stream/Shards.ts"
import { nextEntryMs } from "../stream/StreamState.ts"
import { CommandFailed } from "./CommandFailed.ts"
import { exportVotes } from "./ExportVotes.ts"
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
  const times = [view.opens_at && `opens ${view.opens_at}`, view.closes_at && `closes ${view.closes_at}`].filter(
    Boolean
  )
  return (
    `${view.slug}: ${view.title} (${view.status}${times.map((time) => `, ${time}`).join("")})\n` +
    `  ballot ${view.ballot}, identity ${view.identity}, results ${view.results}\n` +
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

const text = (name: string, description: string) =>
  Flag.String(name).pipe(Flag.withDescription(description), Flag.optional)

const create = Command.make(
  "create",
  {
    slug,
    title: Flag.String("title").pipe(Flag.withDescription("The question")),
    description: text("description", "More about it"),
    option: Flag.KeyValuePair("option").pipe(Flag.withDescription("id=Label; once for each option, in order")),
    ballot: Flag.Literals("ballot", Ballot.literals).pipe(
      Flag.withDescription("open: each vote counts; once: a voter's first; changeable: a voter's latest"),
      Flag.withDefault("open")
    ),
    identity: Flag.Literals("identity", Identity.literals).pipe(
      Flag.withDescription(
        "Who may vote: anyone, a browser by its cookie, who has a token of ours, or an identity provider's user"
      ),
      Flag.withDefault("anyone")
    ),
    results: Flag.Literals("results", ResultsVisibility.literals).pipe(
      Flag.withDescription("When results are shown"),
      Flag.withDefault("live")
    ),
    opensAt: text("opens-at", "A time such as 2026-11-24T20:00:00Z"),
    closesAt: text("closes-at", "A time such as 2026-11-24T22:00:00Z"),
    json
  },
  (given) =>
    withStore((store, settings) =>
      Effect.gen(function* () {
        const definition = decodeDefinition({
          slug: given.slug,
          title: given.title,
          options: Object.entries(given.option).map(([id, label]) => ({ id, label })),
          ballot: given.ballot,
          identity: given.identity,
          results: given.results,
          ...optional("description", given.description),
          ...optional("opens_at", given.opensAt),
          ...optional("closes_at", given.closesAt)
        })
        if (Result.isFailure(definition)) {
          return yield* new CommandFailed({ message: `The poll can't be made: ${definition.failure.message}` })
        }
        const poll = fromDefinition(definition.success)
        yield* store.create(poll)
        yield* announce(settings, poll.slug)
        yield* print(settings, [poll], given.json)
      })
    )
).pipe(Command.withDescription("Create a poll"))

const decodeDefinition = Schema.decodeUnknownResult(PollDefinition, { errors: "all" })

const optional = (name: string, value: Option.Option<string>) => (Option.isSome(value) ? { [name]: value.value } : {})

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
  { slug, count: Flag.Int("count").pipe(Flag.withDescription("How many voters"), Flag.withDefault(1)) },
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
        const options = {
          voterSecrets: secret === undefined ? [] : listedSecrets(Redacted.value(secret)),
          jwksUrl: undefined,
          jwtIssuer: undefined,
          jwtAudience: undefined
        }
        const made = yield* makeTokens(options, () => now).issue(poll, given.count)
        process.stdout.write(`token\r\n${made.map((token) => `${token}\r\n`).join("")}`)
      })
    )
).pipe(Command.withDescription("Make tokens for the voters of a poll, as CSV"))

export const pollsCommand = Command.make("polls").pipe(
  Command.withDescription("Create, list, show, close and export polls, and make tokens for their voters"),
  Command.withSubcommands([create, list, show, close, exportPoll, tokens])
)
