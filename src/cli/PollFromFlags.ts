import { Effect, Option, Result, Schema } from "effect"
import { withIds } from "../domain/OptionIds.ts"
import { PollDefinition } from "../domain/PollDefinition.ts"
import { PollEdit } from "../domain/PollEdit.ts"
import type { FieldError } from "../domain/Problems.ts"
import { fieldErrors } from "../http/body/FieldErrors.ts"
import { CommandFailed } from "./CommandFailed.ts"

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
