import { Effect, Option, Result, Schema } from "effect"
import { Flag } from "effect/cli"
import { withIds } from "../domain/OptionIds.ts"
import { Ballot, Challenge, Identity, Log, PollDefinition, ResultsVisibility } from "../domain/Poll.ts"
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

/** What makes a poll, besides its slug. */
export const pollFlags = {
  title: Flag.String("title").pipe(Flag.withDescription("The question")),
  description: text("description", "More about it"),
  option: Flag.String("option").pipe(
    Flag.withDescription('id=Label, or "Label" with an id made from it; once for each option, in order'),
    Flag.atLeast(0)
  ),
  ...ruleFlags,
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
  challenge: Flag.Literals("challenge", Challenge.literals).pipe(
    Flag.withDescription("What each vote has to bring: nothing, or a proof of work (pow) against automatic votes"),
    Flag.withDefault("none")
  ),
  log: Flag.Literals("log", Log.literals).pipe(
    Flag.withDescription("Whether the poll has a public log, by which anyone can check its result"),
    Flag.withDefault("on")
  ),
  opensAt: text("opens-at", "A time such as 2026-11-24T20:00:00Z"),
  closesAt: text("closes-at", "A time such as 2026-11-24T22:00:00Z")
}

interface Given {
  readonly slug: string
  readonly title: string
  readonly description: Option.Option<string>
  readonly option: ReadonlyArray<string>
  readonly kind: Option.Option<string>
  readonly min: Option.Option<number>
  readonly max: Option.Option<number>
  readonly every: Option.Option<boolean>
  readonly budget: Option.Option<number>
  readonly spendAll: Option.Option<boolean>
  readonly method: Option.Option<string>
  readonly seats: Option.Option<number>
  readonly tieBreak: Option.Option<string>
  readonly abstain: Option.Option<boolean>
  readonly ballot: string
  readonly identity: string
  readonly results: string
  readonly challenge: string
  readonly log: string
  readonly opensAt: Option.Option<string>
  readonly closesAt: Option.Option<string>
}

/** Reads `id=Label`, or a label alone. */
const parseOption = (given: string): { readonly id?: string; readonly label: string } => {
  const at = given.indexOf("=")
  return at < 0 ? { label: given } : { id: given.slice(0, at), label: given.slice(at + 1) }
}

const optional = (name: string, value: Option.Option<unknown>) => (Option.isSome(value) ? { [name]: value.value } : {})

const decode = Schema.decodeUnknownResult(PollDefinition, { errors: "all" })

/** Says which flag a wrong field is from. */
const inFlags = ({ detail, pointer }: FieldError): string => {
  const [field = "", index, part] = pointer.slice(2).split("/")
  const flag = field === "slug" ? field : `--${field === "options" ? "option" : field.replace("_", "-")}`
  const which = index === undefined ? "" : ` ${Number(index) + 1}${part === undefined ? "" : ` (${part})`}`
  return `  ${flag}${which} ${detail}`
}

/** Returns the definition that the flags make; fails with what is wrong with each. */
export const definitionOf = (given: Given): Effect.Effect<PollDefinition, CommandFailed> => {
  const options = given.option.map(parseOption)
  const ids = options.flatMap(({ id }) => (id === undefined ? [] : [id]))
  const twice = ids.find((id, index) => ids.indexOf(id) !== index)
  if (twice !== undefined) return fail([`  --option: the id ${JSON.stringify(twice)} is there twice`])
  const decoded = decode({
    slug: given.slug,
    title: given.title,
    options: withIds(options),
    ...optional("kind", given.kind),
    ...optional("min", given.min),
    ...optional("max", given.max),
    ...optional("every", given.every),
    ...optional("budget", given.budget),
    ...optional("spend_all", given.spendAll),
    ...optional("method", given.method),
    ...optional("seats", given.seats),
    ...optional("tie_break", given.tieBreak),
    ...optional("abstain", given.abstain),
    ballot: given.ballot,
    identity: given.identity,
    results: given.results,
    challenge: given.challenge,
    log: given.log,
    ...optional("description", given.description),
    ...optional("opens_at", given.opensAt),
    ...optional("closes_at", given.closesAt)
  })
  return Result.isSuccess(decoded) ? Effect.succeed(decoded.success) : fail(fieldErrors(decoded.failure).map(inFlags))
}

const fail = (reasons: ReadonlyArray<string>) =>
  Effect.fail(new CommandFailed({ message: ["The poll can't be made:", ...reasons].join("\n") }))
