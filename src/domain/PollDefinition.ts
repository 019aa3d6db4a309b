import { Schema } from "effect"
import {
  Ballot,
  Challenge,
  Identity,
  Log,
  OptionId,
  type Poll,
  type PollOption,
  PollSlug,
  ResultsVisibility
} from "./Poll.ts"
import { findWrongRules, KindName, ruleFields } from "./PollRules.ts"
import { rulesOf } from "./Rules.ts"
import { line, lookOf, paragraphs, tidy } from "./Text.ts"

/** Whether the month has that day: `Date.parse` takes February 30 for March 2. */
const isDay = (date: string): boolean => new Date(date).toISOString().startsWith(date)

/** A time as in RFC 3339, with a zone. */
export const Timestamp = Schema.String.check(
  Schema.isPattern(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})$/, {
    message: "must be a time such as 2026-11-24T20:15:00Z"
  }).abort(),
  Schema.makeFilter(
    (text: string) => (!Number.isNaN(Date.parse(text)) && isDay(text.slice(0, 10))) || "must be a time that exists"
  )
)

/** Names each option that voters or programs could not tell from one before it. */
const findTwins = (options: ReadonlyArray<PollOption>) => {
  const firstOf = { id: new Map<string, number>(), label: new Map<string, number>() }
  const firstWith = (field: "id" | "label", value: string, number: number) => {
    const first = firstOf[field].get(value)
    if (first === undefined) firstOf[field].set(value, number)
    return first
  }
  return options.flatMap(({ id, label }, index) => {
    const [sameId, sameLook] = [firstWith("id", id, index + 1), firstWith("label", lookOf(label), index + 1)]
    return [
      ...(sameId === undefined ? [] : [{ path: [index, "id"], issue: `is the id of option ${sameId}` }]),
      ...(sameLook === undefined ? [] : [{ path: [index, "label"], issue: `looks the same as option ${sameLook}` }])
    ]
  })
}

/** The body of `POST /api/polls`. */
export const PollDefinition = Schema.Struct({
  slug: PollSlug,
  title: line(200),
  description: Schema.optionalKey(paragraphs(2_000)),
  options: Schema.Array(Schema.Struct({ id: OptionId, label: line(200) })).check(
    Schema.isMinLength(2, { message: "must have at least 2 options" }),
    Schema.isMaxLength(50, { message: "must have at most 50 options" }),
    Schema.makeFilter(findTwins)
  ),
  kind: Schema.optionalKey(KindName),
  ...ruleFields,
  ballot: Ballot,
  identity: Identity,
  results: ResultsVisibility,
  challenge: Schema.optionalKey(Challenge),
  log: Schema.optionalKey(Log),
  opens_at: Schema.optionalKey(Timestamp),
  closes_at: Schema.optionalKey(Timestamp),
  listed: Schema.optionalKey(Schema.Boolean).annotate({
    description: "Whether anyone finds it in the list of polls; false unless given"
  }),
  draft: Schema.optionalKey(Schema.Boolean).annotate({
    description: "Whether only its organiser sees it, until it is published; false unless given"
  })
}).check(
  Schema.makeFilter(findWrongRules),
  Schema.makeFilter(
    ({ ballot, identity }) =>
      ballot === "open" ||
      identity !== "anyone" || { path: ["identity"], issue: `can't be anyone where the ballot is ${ballot}` }
  ),
  Schema.makeFilter(
    ({ identity, results }) =>
      results !== "after_vote" ||
      identity !== "anyone" || { path: ["identity"], issue: "can't be anyone where results are after_vote" }
  ),
  Schema.makeFilter(
    (poll) =>
      poll.opens_at === undefined ||
      poll.closes_at === undefined ||
      Date.parse(poll.opens_at) < Date.parse(poll.closes_at) || { path: ["closes_at"], issue: "must be after opens_at" }
  )
)
export type PollDefinition = typeof PollDefinition.Type

export const fromDefinition = (definition: PollDefinition): Poll => {
  const {
    ballot,
    challenge,
    closes_at,
    description,
    draft,
    identity,
    listed,
    log,
    opens_at,
    options,
    results,
    slug,
    title
  } = definition
  return {
    slug,
    title: tidy(title),
    ...(description === undefined ? {} : { description: tidy(description) }),
    options: options.map(({ id, label }) => ({ id, label: tidy(label) })),
    rules: rulesOf(definition),
    abstain: definition.abstain ?? false,
    ballot,
    identity,
    results,
    ...(challenge === "pow" ? { challenge } : {}),
    ...(log === "off" ? { log } : {}),
    ...(opens_at === undefined ? {} : { opensMs: Date.parse(opens_at) }),
    ...(closes_at === undefined ? {} : { closesMs: Date.parse(closes_at) }),
    ...(listed ? { listed } : {}),
    ...(draft ? { draft } : {})
  }
}
