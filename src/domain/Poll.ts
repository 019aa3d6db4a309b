import { Schema } from "effect"

/** How many of a voter's votes count: each one, the first, or the latest. */
export const Ballot = Schema.Literals(["open", "once", "changeable"])
export type Ballot = typeof Ballot.Type

/** A poll's name in URLs: 1 to 64 of `a-z`, `0-9` and `-`, not at either end. */
export const PollSlug = Schema.String.check(
  Schema.isPattern(/^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$/, { expected: "1 to 64 of a-z, 0-9 and -" })
)

/** An option's name within its poll, of the same form as a poll's. */
export const OptionId = PollSlug

export const PollOption = Schema.Struct({ id: OptionId, label: Schema.String })
export type PollOption = typeof PollOption.Type

/** A question with options and a ballot rule. */
export interface Poll {
  readonly slug: string
  readonly title: string
  readonly ballot: Ballot
  readonly options: ReadonlyArray<PollOption>
}

/** The poll of `POST /api/vote`; the ledger's first migration creates the same. */
export const defaultPoll: Poll = {
  slug: "cats-or-dogs",
  title: "Cats or dogs?",
  ballot: "open",
  options: [
    { id: "cats", label: "Cats" },
    { id: "dogs", label: "Dogs" }
  ]
}
