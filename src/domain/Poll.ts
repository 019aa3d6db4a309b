import { Schema } from "effect"
import { slugPattern } from "./OptionIds.ts"
import { type Rules, single } from "./Rules.ts"

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
  /** Raised with each act of an organiser, from `firstVersion` on; there once the poll is kept. */
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

/** The version of a poll that nothing was done with since it was made. */
export const firstVersion = 1

/** Returns a poll's version as it is known here. */
export const versionOf = ({ version }: Pick<Poll, "version">): number => version ?? firstVersion

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
