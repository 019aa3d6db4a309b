import { Effect, Option, Result, Schema } from "effect"
import { Flag } from "effect/cli"
import { withIds } from "../domain/OptionIds.ts"
import { Ballot, Challenge, Identity, Log, ResultsVisibility } from "../domain/Poll.ts"
import { PollDefinition } from "../domain/PollDefinition.ts"
import { PollEdit } from "../domain/PollEdit.ts"
import type { FieldError } from "../domain/Problems.ts"
import { kinds, methods, tieBreaks } from "../domain/Rules.ts"
import { fieldErrors } from "../http/body/FieldErrors.ts"
import { CommandFailed } from "./CommandFailed.ts"

const text = (name: string, description: string) =>
  Flag.String(name).pipe(Flag.withDescription(description), Flag.optional)

const number = (name: string, description: string) =>
  Flag.Int(name).pipe(Flag.withDescription(description), Flag.optional)

const yes = (name: string, description: string) =>
  Flag.Boolean(name).pipe(Flag.withDescription(description), Flag.optional)

/** What one vote says; `definitionOf` refuses what the kind does not have. */
const ruleFlags = {
  kind: Flag.Literals("kind", kinds).pipe(
    Flag.withDescription(
      "What a vote says. single: one option; multiple: several; score: a score for each; points: points out of a budget; ranked: the best first"
    ),
    Flag.optional
  ),
  min: number("min", "multiple: how many options at least (1); score: the lowest score (0)"),
  max: number(
    "max",
    "multiple: how many options at most (all); score: the highest score (5); ranked: how many ranks (12)"
  ),
  every: yes("every", "score: every option needs a score"),
  budget: number("budget", "points: how many a vote can give"),
  spendAll: yes("spend-all", "points: all of them have to be given"),
  method: Flag.Literals("method", methods).pipe(
    Flag.withDescription("ranked: how winners are found (irv); stv is for several seats"),
    Flag.optional
  ),
  seats: number("seats", "ranked, by stv: how many win (1)"),
  tieBreak: Flag.Literals("tie-break", tieBreaks).pipe(
    Flag.withDescription("ranked: ties go by the rounds before and then by a draw (previous_rounds), or by a draw"),
    Flag.optional
  ),
  abstain: yes("abstain", "A vote may be an abstention")
}

const title = Flag.String("title").pipe(Flag.withDescription("The question"))

/** What a poll has besides; `definitionOf` says what it is unless given. */
const commonFlags = {
  option: Flag.String("option").pipe(
    Flag.withDescription('id=Label, or "Label" with an id made from it; once for each option, in order'),
    Flag.atLeast(0)
  ),
  ...ruleFlags,
  ballot: Flag.Literals("ballot", Ballot.literals).pipe(
    Flag.withDescription("open: each vote counts (unless given); once: a voter's first; changeable: a voter's latest"),
    Flag.optional
  ),
  identity: Flag.Literals("identity", Identity.literals).pipe(
    Flag.withDescription(
      "Who may vote: anyone (unless given), a browser by its cookie, who has a token of ours, or an identity provider's user"
    ),
    Flag.optional
  ),
  results: Flag.Literals("results", ResultsVisibility.literals).pipe(
    Flag.withDescription("When results are shown (live)"),
    Flag.optional
  ),
  challenge: Flag.Literals("challenge", Challenge.literals).pipe(
    Flag.withDescription(
      "What each vote has to bring: nothing (none, unless given), or a proof of work (pow) against automatic votes"
    ),
    Flag.optional
  ),
  listed: yes("listed", "Anyone finds it in the list of polls")
}

/** What makes a poll, besides its slug. */
export const pollFlags = {
  title,
  description: text("description", "More about it"),
  ...commonFlags,
  opensAt: text("opens-at", "A time such as 2026-11-24T20:00:00Z"),
  closesAt: text("closes-at", "A time such as 2026-11-24T22:00:00Z"),
  log: Flag.Literals("log", Log.literals).pipe(
    Flag.withDescription("Whether the poll has a public log, by which anyone can check its result (on)"),
    Flag.optional
  ),
  draft: yes("draft", "Only shown here and at the desk, until it is published (polls edit --publish)")
}

/** What can change of a poll. */
export const editFlags = {
  title: Flag.optional(title),
  description: text("description", "More about it; none takes it away"),
  ...commonFlags,
  opensAt: text("opens-at", "A time such as 2026-11-24T20:00:00Z; none: at once"),
  closesAt: text("closes-at", "A time such as 2026-11-24T22:00:00Z; none: only by hand"),
  publish: yes("publish", "A draft becomes a poll"),
  archived: yes("archived", "Whether it is out of the lists")
}

/** What the flags of a command were given; those that it has not, and those that were not given, are absent or none. */
interface Given {
  readonly title?: Option.Option<string>
  readonly description?: Option.Option<string>
  readonly option?: ReadonlyArray<string>
  readonly kind?: Option.Option<string>
  readonly min?: Option.Option<number>
  readonly max?: Option.Option<number>
  readonly every?: Option.Option<boolean>
  readonly budget?: Option.Option<number>
  readonly spendAll?: Option.Option<boolean>
  readonly method?: Option.Option<string>
  readonly seats?: Option.Option<number>
  readonly tieBreak?: Option.Option<string>
  readonly abstain?: Option.Option<boolean>
  readonly ballot?: Option.Option<string>
  readonly identity?: Option.Option<string>
  readonly results?: Option.Option<string>
  readonly challenge?: Option.Option<string>
  readonly opensAt?: Option.Option<string>
  readonly closesAt?: Option.Option<string>
  readonly listed?: Option.Option<boolean>
  readonly log?: Option.Option<string>
  readonly draft?: Option.Option<boolean>
}

/** Reads `id=Label`, or a label alone. */
const parseOption = (given: string): { readonly id?: string; readonly label: string } => {
  const at = given.indexOf("=")
  return at < 0 ? { label: given } : { id: given.slice(0, at), label: given.slice(at + 1) }
}

/** Returns the fields that the flags give, as JSON has them. */
const fieldsOf = (given: Given) => {
  const { closesAt, opensAt, option = [], spendAll, tieBreak, ...same } = given
  const fields: ReadonlyArray<readonly [string, Option.Option<unknown> | undefined]> = Object.entries({
    ...same,
    spend_all: spendAll,
    tie_break: tieBreak,
    opens_at: opensAt,
    closes_at: closesAt
  })
  return {
    ...Object.fromEntries(
      fields.flatMap(([name, value]) => (value !== undefined && Option.isSome(value) ? [[name, value.value]] : []))
    ),
    ...(option.length === 0 ? {} : { options: withIds(option.map(parseOption)) })
  }
}

/** Says which flag a wrong field is from. */
const inFlags = ({ detail, pointer }: FieldError): string => {
  const [field = "", index, part] = pointer.slice(2).split("/")
  const flag = field === "slug" ? field : `--${field === "options" ? "option" : field.replace("_", "-")}`
  const which = index === undefined ? "" : ` ${Number(index) + 1}${part === undefined ? "" : ` (${part})`}`
  return `  ${flag}${which} ${detail}`
}

/** Fails where an option's id is given twice: one that is made from a label would be numbered. */
const checkIds = ({ option = [] }: Given) => {
  const ids = option.map(parseOption).flatMap(({ id }) => (id === undefined ? [] : [id]))
  const twice = ids.find((id, index) => ids.indexOf(id) !== index)
  return twice === undefined ? Effect.void : fail([`  --option: the id ${JSON.stringify(twice)} is there twice`])
}

const decodeDefinition = Schema.decodeUnknownResult(PollDefinition, { errors: "all" })
const decodeEdit = Schema.decodeUnknownResult(PollEdit, { errors: "all" })

/** What a poll is where the flags don't say. */
const usual = { ballot: "open", identity: "anyone", results: "live", options: [] }

/** Returns the definition that the flags make; fails with what is wrong with each. */
export const definitionOf = ({
  json: _,
  slug,
  title,
  ...given
}: Omit<Given, "title"> & { readonly slug: string; readonly title: string; readonly json?: boolean }): Effect.Effect<
  PollDefinition,
  CommandFailed
> =>
  Effect.andThen(
    checkIds(given),
    Effect.suspend(() => decoded(decodeDefinition({ ...usual, ...fieldsOf(given), slug, title })))
  )

/** Returns the edit that the flags make; fails in the same way. */
export const editOf = ({
  archived,
  json: _,
  publish,
  slug: __,
  ...given
}: Given & {
  readonly slug?: string
  readonly json?: boolean
  readonly publish?: Option.Option<boolean>
  readonly archived?: Option.Option<boolean>
}): Effect.Effect<PollEdit, CommandFailed> => {
  const fields = Object.entries<unknown>(fieldsOf(given)).map(([name, value]) => [
    name,
    value === "none" && takenAway.has(name) ? null : value
  ])
  const more = {
    ...(archived !== undefined && Option.isSome(archived) ? { archived: archived.value } : {}),
    ...(publish !== undefined && Option.isSome(publish) && publish.value ? { draft: false } : {})
  }
  return Effect.andThen(
    checkIds(given),
    Effect.suspend(() => decoded(decodeEdit({ ...Object.fromEntries(fields), ...more }), "changed"))
  )
}

/** The fields that `none` takes away. */
const takenAway: ReadonlySet<string> = new Set(["description", "opens_at", "closes_at"])

const decoded = <A>(result: Result.Result<A, Schema.SchemaError>, done?: string): Effect.Effect<A, CommandFailed> =>
  Result.isSuccess(result) ? Effect.succeed(result.success) : fail(fieldErrors(result.failure).map(inFlags), done)

const fail = (reasons: ReadonlyArray<string>, done = "made") =>
  Effect.fail(new CommandFailed({ message: [`The poll can't be ${done}:`, ...reasons].join("\n") }))
