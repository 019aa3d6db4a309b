import { Console, Effect, Option, Result } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { type DeadLetter, type DeadLetterFilter, DeadLetters, type Fate } from "../ledger/DeadLetters.ts"
import { decodeVote } from "../stream/VoteEntry.ts"
import { CommandFailed } from "./CommandFailed.ts"
import { confirm, yes } from "./Confirm.ts"
import { jsonLines, oneOrMore, toggle } from "./Flags.ts"
import { withProgress } from "./Progress.ts"
import { withServers } from "./WithServers.ts"

const flags = {
  poll: Flag.String("poll").pipe(Flag.withDescription("Only votes of this poll"), Flag.optional),
  reason: Flag.String("reason").pipe(Flag.withDescription("Only reasons that contain this text"), Flag.optional),
  limit: oneOrMore("limit").pipe(
    Flag.withDescription("At most this many (100), the oldest first"),
    Flag.withDefault(100)
  ),
  json: jsonLines,
  all: toggle("all", "All that match the filters")
}

const voteId = Argument.String("vote_id").pipe(Argument.withDescription("The dead vote's id"))

const withLetters = <A, E, R>(body: (letters: DeadLetters["Service"]) => Effect.Effect<A, E, R>) =>
  withServers(() => Effect.flatMap(DeadLetters, body).pipe(Effect.provide(DeadLetters.layer)))

/** Shows a field to people and in JSON: as text where it is text, else as base64. */
const showField = (field: Uint8Array): string => {
  const bytes = Buffer.from(field)
  const text = bytes.toString("utf8")
  return Buffer.from(text).equals(bytes) ? text : `base64:${bytes.toString("base64")}`
}

const toJson = ({ fields, ...letter }: DeadLetter) => JSON.stringify({ ...letter, fields: fields.map(showField) })

const oneLine = (letter: DeadLetter) =>
  `${letter.voteId}  ${letter.recordedAt.toISOString()}  ${letter.poll ?? "-"}/${letter.option ?? "-"}  ${letter.reason}`

const describe = (letter: DeadLetter) =>
  [
    `vote_id     ${letter.voteId}`,
    `entry       ${letter.entryId} of ${letter.stream}`,
    `reason      ${letter.reason}`,
    `deliveries  ${letter.deliveries}`,
    `recorded    ${letter.recordedAt.toISOString()}`,
    ...letter.fields.flatMap((field, index) =>
      index % 2 === 0
        ? [
            `field       ${JSON.stringify(showField(field))} = ${JSON.stringify(showField(letter.fields[index + 1] ?? field))}`
          ]
        : []
    )
  ].join("\n")

const list = Command.make(
  "list",
  { poll: flags.poll, reason: flags.reason, limit: flags.limit, json: flags.json },
  (given) =>
    withLetters((letters) =>
      Effect.gen(function* () {
        const found = yield* letters.list(filterOf(given))
        for (const letter of found) yield* Console.log(given.json ? toJson(letter) : oneLine(letter))
        const more = found.length === given.limit ? ", and perhaps more: see --limit" : ""
        if (!given.json)
          yield* Console.error(found.length === 0 ? "No dead letters." : `${found.length} dead letters${more}.`)
      })
    )
).pipe(Command.withDescription("List dead letters, the oldest first"))

const show = Command.make("show", { voteId, json: flags.json }, (given) =>
  withLetters((letters) =>
    Effect.flatMap(findOne(letters, given.voteId), (letter) =>
      Console.log(given.json ? toJson(letter) : describe(letter))
    )
  )
).pipe(Command.withDescription("Show one dead letter with its fields"))

const selection = {
  voteId: voteId.pipe(Argument.optional),
  all: flags.all,
  poll: flags.poll,
  reason: flags.reason,
  yes
}

/** Brings the vote of a dead letter into the ledger after all; returns what it is then, undefined where it is not there any more. */
export const replayLetter = (letters: DeadLetters["Service"], letter: DeadLetter) => {
  const fields = letter.fields.map((field) => Buffer.from(field).toString("utf8"))
  const vote = decodeVote(letter.stream, letter.entryId, fields)
  const dead = (reason: string): Fate => ({ status: "dead", reason })
  if (Result.isFailure(vote)) return Effect.succeed(dead(vote.failure))
  return letters
    .replay(letter, vote.success)
    .pipe(Effect.catchTag("StillDead", (error) => Effect.succeed(dead(error.reason))))
}

/** Says what a vote is after a replay. */
export const told = (fate: Fate | undefined): string => {
  if (fate === undefined) return "is not in the ledger any more."
  const { reason, status } = fate
  return `is ${status === "dead" ? "still dead" : status}${reason === null ? "." : `: ${reason}`}`
}

const replay = Command.make("replay", selection, (given) =>
  withLetters((letters) =>
    Effect.gen(function* () {
      const chosen = yield* choose(letters, given)
      yield* confirm(given.yes, `Count ${chosen.length} dead votes after all?`)
      let counted = 0
      for (const letter of chosen) {
        const fate = yield* replayLetter(letters, letter)
        if (fate?.status === "counted") counted++
        yield* Console.log(`${letter.voteId} ${told(fate)}`)
      }
      yield* Console.error(`${counted} of ${chosen.length} are counted now; what became of the others is said above.`)
    })
  )
).pipe(Command.withDescription("Count dead votes after all, each with its vote_id and the time it was accepted at"))

const discard = Command.make("discard", selection, (given) =>
  withLetters((letters) =>
    Effect.gen(function* () {
      const chosen = yield* choose(letters, given)
      yield* confirm(given.yes, `Discard ${chosen.length} dead letters for good? The votes stay dead in the ledger.`)
      const discarded = yield* withProgress(({ tell }) =>
        Effect.forEach(chosen, (letter, index) =>
          Effect.andThen(tell(`Discarding: ${index} of ${chosen.length} dead letters`), letters.discard(letter))
        )
      )
      const count = discarded.filter(Boolean).length
      yield* Console.log(`${count} dead letters are discarded; their votes stay in the ledger as dead.`)
      if (count < chosen.length) {
        yield* Console.error(`${chosen.length - count} were replayed, discarded or deleted meanwhile.`)
      }
    })
  )
).pipe(Command.withDescription("Drop dead letters; the ledger keeps that the votes are dead, and why"))

export const deadLettersCommand = Command.make("dead-letters").pipe(
  Command.withDescription("Look at the votes that could not be counted, count them after all, or discard them"),
  Command.withSubcommands([list, show, replay, discard])
)

interface Filters {
  readonly poll: Option.Option<string>
  readonly reason: Option.Option<string>
  readonly limit?: number
}

const filterOf = ({ limit, poll, reason }: Filters): DeadLetterFilter => ({
  poll: Option.getOrUndefined(poll),
  reason: Option.getOrUndefined(reason),
  limit
})

const isUuid = (text: string) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)

const findOne = (letters: DeadLetters["Service"], id: string) =>
  Effect.gen(function* () {
    const [letter] = isUuid(id) ? yield* letters.list({ voteId: id }) : []
    return (
      letter ??
      (yield* new CommandFailed({ message: `There is no dead letter of the vote ${id}; see: dead-letters list` }))
    )
  })

/** Returns the dead letter that is named or, with --all, those that match. */
const choose = (
  letters: DeadLetters["Service"],
  given: Filters & { readonly all: boolean; readonly voteId: Option.Option<string> }
) =>
  Effect.gen(function* () {
    if (Option.isSome(given.voteId)) return [yield* findOne(letters, given.voteId.value)]
    if (!given.all)
      return yield* new CommandFailed({ message: "Name a vote_id, or give --all with or without filters" })
    return yield* letters.list(filterOf(given))
  })
