import { Schema } from "effect"
import { Ballot, Identity, type Poll, PollOption, PollSlug, ResultsVisibility } from "./Poll.ts"
import { KindName, ruleFields, showRules } from "./PollRules.ts"
import { PollStatus, pollStatus } from "./PollStatus.ts"

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
