import { Effect, Option, Result, Schema } from "effect"
import { Flag } from "effect/cli"
import { withIds } from "../domain/OptionIds.ts"
import { Ballot, Challenge, Identity, PollDefinition, ResultsVisibility } from "../domain/Poll.ts"
import type { FieldError } from "../domain/Problems.ts"
import { fieldErrors } from "../http/body/FieldErrors.ts"
import { CommandFailed } from "./CommandFailed.ts"

const text = (name: string, description: string) =>
  Flag.String(name).pipe(Flag.withDescription(description), Flag.optional)

/** What makes a poll, besides its slug. */
export const pollFlags = {
  title: Flag.String("title").pipe(Flag.withDescription("The question")),
  description: text("description", "More about it"),
  option: Flag.String("option").pipe(
    Flag.withDescription('id=Label, or "Label" with an id made from it; once for each option, in order'),
    Flag.atLeast(0)
  ),
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
  opensAt: text("opens-at", "A time such as 2026-11-24T20:00:00Z"),
  closesAt: text("closes-at", "A time such as 2026-11-24T22:00:00Z")
}

interface Given {
  readonly slug: string
  readonly title: string
  readonly description: Option.Option<string>
  readonly option: ReadonlyArray<string>
  readonly ballot: string
  readonly identity: string
  readonly results: string
  readonly challenge: string
  readonly opensAt: Option.Option<string>
  readonly closesAt: Option.Option<string>
}

/** Reads `id=Label`, or a label alone. */
const parseOption = (given: string): { readonly id?: string; readonly label: string } => {
  const at = given.indexOf("=")
  return at < 0 ? { label: given } : { id: given.slice(0, at), label: given.slice(at + 1) }
}

const optional = (name: string, value: Option.Option<string>) => (Option.isSome(value) ? { [name]: value.value } : {})

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
    ballot: given.ballot,
    identity: given.identity,
    results: given.results,
    challenge: given.challenge,
    ...optional("description", given.description),
    ...optional("opens_at", given.opensAt),
    ...optional("closes_at", given.closesAt)
  })
  return Result.isSuccess(decoded) ? Effect.succeed(decoded.success) : fail(fieldErrors(decoded.failure).map(inFlags))
}

const fail = (reasons: ReadonlyArray<string>) =>
  Effect.fail(new CommandFailed({ message: ["The poll can't be made:", ...reasons].join("\n") }))
