import { Schema } from "effect"
import { slugPattern } from "./OptionIds.ts"
import { findWrongRules, KindName, ruleFields, showRules } from "./PollRules.ts"
import { type Rules, rulesOf, single } from "./Rules.ts"
import { line, lookOf, paragraphs, tidy } from "./Text.ts"

/** How many of a voter's votes count: each one, the first, or the latest; by acceptance. */
export const Ballot = Schema.Literals(["open", "once", "changeable"])

/** Who may vote: anyone, a browser that we know again by a cookie, who holds a token of ours, or a provider's user. */
export const Identity = Schema.Literals(["anyone", "browser", "token", "provider"])

/** When results are shown: at any time, to who has voted, or once they are final; all see them from then on. */
export const ResultsVisibility = Schema.Literals(["live", "after_vote", "after_close"])

/** What each vote has to bring besides: nothing, or a proof of work (src/domain/Challenge.ts). */
export const Challenge = Schema.Literals(["none", "pow"])

/** Whether a poll has a public log, which anyone can check its result by. */
export const Log = Schema.Literals(["on", "off"])

/** A poll's name in URLs: 1 to 64 of `a-z`, `0-9` and `-`, not at either end. */
export const PollSlug = Schema.String.check(
  Schema.isPattern(slugPattern, { message: "must be 1 to 64 of a-z, 0-9 and -, with no - at an end" })
)

/** An option's name within its poll, of the same form as a poll's. */
export const OptionId = PollSlug

/** An option as the API shows it. */
export const PollOption = Schema.Struct({ id: OptionId, label: Schema.String })
export type PollOption = typeof PollOption.Type

/** A question with options and a ballot rule. */
export interface Poll {
  readonly slug: string
  readonly title: string
  readonly description?: string
  readonly options: ReadonlyArray<PollOption>
  /** What one vote says. */
  readonly rules: Rules
  /** Whether a vote may say nothing. */
  readonly abstain: boolean
  /** The SHA-256, in hex, of the seed that a ranked poll's draws come from; there once the poll is kept. */
  readonly tieSeedHash?: string
  /** That seed, in hex, once the poll is final. */
  readonly tieSeed?: string
  readonly ballot: typeof Ballot.Type
  readonly identity: typeof Identity.Type
  readonly results: typeof ResultsVisibility.Type
  /** What each vote has to solve, if anything. */
  readonly challenge?: "pow"
  /** There where the poll has no public log. */
  readonly log?: "off"
  /** Votes accepted from this time on count, in ms since 1970 by the stream's clock. */
  readonly opensMs?: number
  /** Votes accepted from this time on don't. */
  readonly closesMs?: number
  /** Times in between in which it was closed, or closed for a moment so that it could be changed: votes accepted then don't. */
  readonly shut?: ReadonlyArray<readonly [fromMs: number, toMs: number]>
  /** When the result became final, in ms since 1970. */
  readonly finalMs?: number
  /** Raised with each act of an organiser; there once the poll is kept. */
  readonly version?: number
  /** Only its organiser sees it. */
  readonly draft?: true
  /** Anyone finds it in the list of polls. */
  readonly listed?: true
  /** It is gone from the lists. */
  readonly archived?: true
  /** When what voters read was last changed after the first vote, in ms since 1970. */
  readonly editedMs?: number
}

/** The poll of `POST /api/vote`; src/ledger/tables/0001_ledger.sql makes the same. */
export const defaultPoll: Poll = {
  slug: "cats-or-dogs",
  title: "Cats or dogs?",
  options: [
    { id: "cats", label: "Cats" },
    { id: "dogs", label: "Dogs" }
  ],
  rules: single,
  abstain: false,
  ballot: "open",
  identity: "anyone",
  results: "live",
  listed: true
}

/** The times that decide a poll's status. */
export type PollTimes = Pick<Poll, "opensMs" | "closesMs" | "shut" | "finalMs" | "draft">

/** `counting`: the poll has closed, and votes that were accepted in time may still wait. `final`: none does any more. */
export const PollStatus = Schema.Literals(["draft", "upcoming", "open", "counting", "final"]).annotate({
  description:
    "`draft`: only its organiser sees it. `counting`: the poll has closed, and votes that were accepted in time may still wait to be counted. `final`: all of them are counted"
})
export type PollStatus = typeof PollStatus.Type

/** Returns whether a vote accepted at a time is in the poll's time; the same however long that is ago. */
export const pollPhase = (
  { closesMs, opensMs, shut }: Pick<Poll, "opensMs" | "closesMs" | "shut">,
  ms: number
): "before" | "open" | "after" => {
  if (closesMs !== undefined && ms >= closesMs) return "after"
  if (opensMs !== undefined && ms < opensMs) return "before"
  return shut?.some(([from, to]) => ms >= from && ms < to) ? "before" : "open"
}

const statuses = { before: "upcoming", open: "open", after: "counting" } as const

/** Returns a poll's status at a time, which is that of the stream, since it decides what votes are accepted in time. */
export const pollStatus = (times: PollTimes, now: number): PollStatus =>
  times.draft ? "draft" : times.finalMs === undefined ? statuses[pollPhase(times, now)] : "final"

const order: Readonly<Record<PollStatus, number>> = { draft: -1, upcoming: 0, open: 1, counting: 2, final: 3 }

/** Returns whether a poll comes to a status after another one. */
export const isLaterStatus = (status: PollStatus, other: PollStatus): boolean => order[status] > order[other]

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

/** A poll as the API shows it. */
export const PollView = Schema.Struct({
  slug: PollSlug,
  title: Schema.String,
  description: Schema.optionalKey(Schema.String),
  options: Schema.Array(PollOption),
  kind: KindName,
  ...ruleFields,
  tie_seed_hash: Schema.optionalKey(Schema.String).annotate({
    description: "ranked: the SHA-256, in hex, of the seed that draws come from"
  }),
  tie_seed: Schema.optionalKey(Schema.String).annotate({
    description: "ranked: that seed, in hex; shown once the poll is final"
  }),
  ballot: Ballot,
  identity: Identity,
  results: ResultsVisibility,
  challenge: Schema.optionalKey(Schema.Literal("pow")),
  log: Schema.optionalKey(Schema.Literal("off")),
  opens_at: Schema.optionalKey(Schema.String),
  closes_at: Schema.optionalKey(Schema.String),
  status: PollStatus,
  final_at: Schema.optionalKey(Schema.String),
  closed: Schema.optionalKey(Schema.Array(Schema.Struct({ from: Schema.String, to: Schema.String }))).annotate({
    description: "Times before its closing in which it was closed: votes accepted then stay rejected"
  }),
  version: Schema.optionalKey(Schema.Number).annotate({
    description: "Raised with each change that an organiser makes"
  }),
  listed: Schema.optionalKey(Schema.Boolean),
  archived: Schema.optionalKey(Schema.Boolean),
  edited_at: Schema.optionalKey(Schema.String).annotate({
    description: "When its title, description or labels were last changed after the first vote"
  })
})
export type PollView = typeof PollView.Type

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

const textOf = (ms: number): string => new Date(ms).toISOString()

export const toView = (poll: Poll, now: number): PollView => {
  const { abstain, closesMs, draft: _, editedMs, finalMs, opensMs, rules, shut, tieSeed, tieSeedHash, ...shown } = poll
  return {
    ...shown,
    ...showRules(rules, abstain),
    ...(tieSeedHash === undefined ? {} : { tie_seed_hash: tieSeedHash }),
    ...(tieSeed === undefined || finalMs === undefined ? {} : { tie_seed: tieSeed }),
    ...(opensMs === undefined ? {} : { opens_at: textOf(opensMs) }),
    ...(closesMs === undefined ? {} : { closes_at: textOf(closesMs) }),
    status: pollStatus(poll, now),
    ...(finalMs === undefined ? {} : { final_at: textOf(finalMs) }),
    ...(shut === undefined ? {} : { closed: shut.map(([from, to]) => ({ from: textOf(from), to: textOf(to) })) }),
    ...(editedMs === undefined ? {} : { edited_at: textOf(editedMs) })
  }
}
