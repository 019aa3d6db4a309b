import { Result, Schema, Struct } from "effect"
import { isLessOpen } from "./Openness.ts"
import { Ballot, Challenge, Identity, type Poll, ResultsVisibility } from "./Poll.ts"
import { fromDefinition, PollDefinition, Timestamp } from "./PollDefinition.ts"
import { KindName, ruleFields, showRules } from "./PollRules.ts"

/*
 * What an organiser may change of a poll. Before its first vote that is everything but its name; from then on what voters
 * read, its closing time, and that its results are shown more openly.
 */

const { description, options, title } = PollDefinition.fields

/** The body of `PATCH /api/polls/<slug>`: the fields that change; null takes away what a poll need not have. */
export const PollEdit = Schema.Struct({
  title: Schema.optionalKey(title),
  description: Schema.optionalKey(Schema.NullOr(description.schema)),
  options: Schema.optionalKey(options),
  kind: Schema.optionalKey(KindName),
  ...ruleFields,
  ballot: Schema.optionalKey(Ballot),
  identity: Schema.optionalKey(Identity),
  results: Schema.optionalKey(ResultsVisibility),
  challenge: Schema.optionalKey(Challenge),
  opens_at: Schema.optionalKey(Schema.NullOr(Timestamp)),
  closes_at: Schema.optionalKey(Schema.NullOr(Timestamp)),
  listed: Schema.optionalKey(Schema.Boolean),
  draft: Schema.optionalKey(Schema.Literal(false)).annotate({ description: "`false` publishes a draft" }),
  archived: Schema.optionalKey(Schema.Boolean)
})
export type PollEdit = typeof PollEdit.Type

/** Returns the definition that would make the same poll. */
export const toDefinition = (poll: Poll): PollDefinition & { readonly archived?: true } => ({
  slug: poll.slug,
  title: poll.title,
  ...(poll.description === undefined ? {} : { description: poll.description }),
  options: poll.options,
  ...showRules(poll.rules, poll.abstain),
  ballot: poll.ballot,
  identity: poll.identity,
  results: poll.results,
  ...(poll.challenge === undefined ? {} : { challenge: poll.challenge }),
  ...(poll.log === undefined ? {} : { log: poll.log }),
  ...(poll.opensMs === undefined ? {} : { opens_at: new Date(poll.opensMs).toISOString() }),
  ...(poll.closesMs === undefined ? {} : { closes_at: new Date(poll.closesMs).toISOString() }),
  ...(poll.listed ? { listed: poll.listed } : {}),
  ...(poll.draft ? { draft: poll.draft } : {}),
  ...(poll.archived ? { archived: poll.archived } : {})
})

const decode = Schema.decodeUnknownResult(PollDefinition, { errors: "all" })

/** Returns a poll with an edit's changes, or what is wrong with what they would make of it. */
export const applyEdit = (poll: Poll, edit: PollEdit): Result.Result<Poll, Schema.SchemaError> => {
  const { archived, ...defined } = toDefinition(poll)
  // A poll that was closed before it opened keeps such times; only an edit of its times has to make them good.
  const timed = edit.opens_at !== undefined || edit.closes_at !== undefined
  const before = timed ? defined : Struct.omit(defined, ["opens_at", "closes_at"])
  const { archived: archive = archived, ...changes } = edit
  // Another kind has rules of its own.
  const rules = Object.keys(ruleFields).filter((name) => name !== "abstain")
  const kept = Object.entries(before).filter(
    ([name]) => edit.kind === undefined || edit.kind === before.kind || !rules.includes(name)
  )
  const given = Object.entries({ ...Object.fromEntries(kept), ...changes }).filter(([, value]) => value !== null)
  return Result.map(decode(Object.fromEntries(given)), (definition) => {
    const { closesMs, editedMs, finalMs, opensMs, shut, tieSeed, tieSeedHash, version } = poll
    return {
      ...fromDefinition(definition),
      ...(timed || opensMs === undefined ? {} : { opensMs }),
      ...(timed || closesMs === undefined ? {} : { closesMs }),
      ...(archive ? { archived: true as const } : {}),
      ...(editedMs === undefined ? {} : { editedMs }),
      ...(finalMs === undefined ? {} : { finalMs }),
      ...(shut === undefined ? {} : { shut }),
      ...(tieSeed === undefined ? {} : { tieSeed }),
      ...(tieSeedHash === undefined ? {} : { tieSeedHash }),
      ...(version === undefined ? {} : { version })
    }
  })
}

/** What an edit changes of a poll, by what is asked of the poll for it. */
export interface Changes {
  /** What decides over votes, which its first vote makes unchangeable: the names of these fields. */
  readonly fixed: ReadonlyArray<string>
  /** What voters read. */
  readonly text: boolean
  readonly closing: boolean
}

export const changesOf = (before: Poll, after: Poll): Changes => {
  const differs = (pick: (poll: Poll) => unknown) => JSON.stringify(pick(before)) !== JSON.stringify(pick(after))
  const fixed = [
    ["options", differs(({ options }) => options.map(({ id }) => id))],
    ["kind", differs(({ rules }) => rules)],
    ["abstain", differs(({ abstain }) => abstain)],
    ["ballot", differs(({ ballot }) => ballot)],
    ["identity", differs(({ identity }) => identity)],
    ["challenge", differs(({ challenge }) => challenge)],
    ["opens_at", differs(({ opensMs }) => opensMs)],
    ["results", isLessOpen(after.results, before.results)]
  ] as const
  return {
    fixed: fixed.flatMap(([name, changed]) => (changed ? [name] : [])),
    text: differs(({ description, options, title }) => [title, description, options]),
    closing: differs(({ closesMs }) => closesMs)
  }
}

/** Returns whether two polls are the same for organisers and voters: by their definitions, and the times in which they are closed. */
export const isSamePoll = (one: Poll, other: Poll): boolean =>
  JSON.stringify([toDefinition(one), one.shut]) === JSON.stringify([toDefinition(other), other.shut])
