import { Console, Effect } from "effect"
import { Argument } from "effect/cli"
import type { Poll } from "../domain/Poll.ts"
import { type PollView, toView } from "../domain/PollView.ts"
import { isProblem } from "../domain/Problems.ts"
import { makePollLife } from "../http/polls/PollLife.ts"
import { PollActs } from "../ledger/PollActs.ts"
import { announceTo } from "../stream/Announcements.ts"
import { makeCountedUpTo } from "../stream/CountedUpTo.ts"
import { findClosingTime, readStates } from "../stream/Nodes.ts"
import { Redis } from "../stream/Redis.ts"
import { everyShard } from "../stream/Shards.ts"
import { shutPoll, unshutPoll } from "../stream/ShutPolls.ts"
import { nextEntryMs } from "../stream/StreamState.ts"
import { CommandFailed } from "./CommandFailed.ts"
import { withProgress } from "./Progress.ts"
import { Terminal } from "./Terminal.ts"
import { type CommandSettings, withLedger } from "./WithServers.ts"

// What the commands about polls have in common.

export const slug = Argument.String("slug").pipe(Argument.withDescription("The poll's name in URLs"))

/** Runs a command on the polls of the running servers. */
export const withPolls = <A, E, R>(
  body: (acts: PollActs["Service"], settings: CommandSettings) => Effect.Effect<A, E, R>
) =>
  withLedger((settings) =>
    Effect.flatMap(PollActs, (acts) => body(acts, settings)).pipe(Effect.provide(PollActs.layer))
  )

export const find = (acts: PollActs["Service"], wanted: string) =>
  Effect.flatMap(acts.find(wanted), (poll) =>
    poll === undefined
      ? Effect.fail(new CommandFailed({ message: `There is no poll ${wanted}; see: polls list` }))
      : Effect.succeed(poll)
  )

/** Reads the time that polls open and close by, in ms since 1970. */
export const pollTime = (settings: CommandSettings) =>
  Effect.flatMap(Redis, (redis) => {
    const { blockMs, consumerGroup: group, streamName } = settings
    return Effect.map(readStates(everyShard(redis, streamName), { group, blockMs }), nextEntryMs)
  })

/** Does something in the life of polls, and tells what came of it; what is refused is told in a sentence. */
export const withLife = <A, E, R, E2, R2>(
  act: (life: ReturnType<typeof makePollLife>) => Effect.Effect<A, E, R>,
  tell: (done: A, settings: CommandSettings) => Effect.Effect<void, E2, R2>
) =>
  withPolls((acts, settings) =>
    Effect.gen(function* () {
      const redis = yield* Redis
      const shards = () => everyShard(redis, settings.streamName)
      // It asks for the time whenever it needs it.
      const reached = () => undefined
      const countedUpTo = makeCountedUpTo({ appendReplicas: 0, group: settings.consumerGroup })
      const life = makePollLife({
        acts,
        now: Effect.provideService(pollTime(settings), Redis, redis),
        closingTime: Effect.suspend(() => findClosingTime(shards(), reached)),
        shutPoll: (poll, version, from, ms) => shutPoll(shards(), reached, poll, version, from, ms),
        unshutPoll: (poll, version, at) => unshutPoll(shards(), poll, version, at),
        countedUpTo: (latest) => countedUpTo(shards(), latest),
        // The API processes keep the polls in memory, and have viewers.
        changed: (changed) =>
          Effect.forEach(
            ["poll", "tally"] as const,
            (topic) => announceTo(redis, settings.streamName, topic, changed),
            { discard: true }
          )
      })
      const done = yield* withProgress(({ during }) => during("Waiting for the votes under way", act(life)))
      yield* tell(done, settings)
    }).pipe(
      Effect.mapError((error) => {
        if (!isProblem(error)) return error
        const wrong = (error.errors ?? []).map(({ detail, pointer }) => `\n  ${pointer.slice(2)} ${detail}`)
        return new CommandFailed({ message: `${error.detail ?? error.title}${wrong.join("")}` })
      })
    )
  )

const describe = (view: PollView) => {
  const times = [
    view.opens_at && `opens ${view.opens_at}`,
    view.closes_at && `closes ${view.closes_at}`,
    view.final_at && `final since ${view.final_at}`,
    view.edited_at && `edited ${view.edited_at}`,
    view.listed && "listed",
    view.archived && "archived"
  ].filter(Boolean)
  const { abstain, budget, every, kind, max, method, min, seats, spend_all, tie_break } = view
  const rules = { min, max, every, budget, spend_all, method, seats, tie_break, abstain }
  const told = Object.entries(rules).flatMap(([name, value]) => (value === undefined ? [] : `, ${name} ${value}`))
  return (
    `${view.slug}: ${view.title} (${view.status}${times.map((time) => `, ${time}`).join("")})\n` +
    `  kind ${kind}${told.join("")}\n` +
    `  ballot ${view.ballot}, identity ${view.identity}, results ${view.results}${view.challenge === undefined ? "" : `, challenge ${view.challenge}`}\n` +
    (view.closed ?? []).map(({ from, to }) => `  was closed from ${from} to ${to}\n`).join("") +
    view.options.map(({ id, label }) => `  ${id}: ${label}`).join("\n")
  )
}

export const print = (settings: CommandSettings, poll: Poll, asJson: boolean) =>
  Effect.flatMap(pollTime(settings), (now) => {
    const view = toView(poll, now)
    return Console.log(asJson ? JSON.stringify(view) : describe(view))
  })

/** Prints a poll that was just made, and where it is. */
export const printMade = (settings: CommandSettings, poll: Poll, asJson: boolean) =>
  Effect.andThen(print(settings, poll, asJson), asJson ? Effect.void : printAddress(settings, poll.slug))

/** Prints the address of a poll's page, for a person at a terminal also as a QR code. */
export const printAddress = Effect.fnUntraced(function* (settings: Pick<CommandSettings, "logOrigin">, slug: string) {
  const { stdout } = yield* Terminal
  const address = addressOf(settings, slug)
  yield* Console.log(`  at ${address}`)
  if (stdout.isTTY !== true) return
  const { renderUnicodeCompact } = yield* Effect.promise(() => import("uqr"))
  yield* Console.log(`\n${renderUnicodeCompact(address, { border: 2 })}`)
})

/** At the host that the service is known by in its public logs, which is this machine unless it is set. */
const addressOf = ({ logOrigin }: Pick<CommandSettings, "logOrigin">, slug: string): string =>
  `${/^localhost(:|$)/.test(logOrigin) ? "http" : "https"}://${logOrigin}/polls/${slug}`
