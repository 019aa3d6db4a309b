import { Flag } from "effect/cli"
import { Ballot, Challenge, Identity, Log, ResultsVisibility } from "../domain/Poll.ts"
import { kinds, methods, tieBreaks } from "../domain/Rules.ts"

const text = (name: string, description: string) =>
  Flag.String(name).pipe(Flag.withDescription(description), Flag.optional)

const number = (name: string, description: string) =>
  Flag.Int(name).pipe(Flag.withDescription(description), Flag.optional)

const yes = (name: string, description: string) =>
  Flag.Boolean(name).pipe(Flag.withDescription(description), Flag.optional)

/** What one vote says; `definitionOf` (PollFromFlags.ts) refuses what the kind does not have. */
const ruleFlags = {
  kind: Flag.Literals("kind", kinds).pipe(
    Flag.withDescription(
      "What a vote says (single). single: one option; multiple: several; score: a score for each; points: points out of a budget; ranked: the best first"
    ),
    Flag.optional
  ),
  min: number("min", "multiple: how many options at least (1); score: the lowest score (0)"),
  max: number(
    "max",
    "multiple: how many options at most (all); score: the highest score (5); ranked: how many ranks (all, up to 12)"
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
    Flag.withDescription("Which votes count (open). open: each; once: a voter's first; changeable: a voter's latest"),
    Flag.optional
  ),
  identity: Flag.Literals("identity", Identity.literals).pipe(
    Flag.withDescription(
      "Who may vote (anyone): anyone, a browser by its cookie, who has a token of ours, or an identity provider's user"
    ),
    Flag.optional
  ),
  results: Flag.Literals("results", ResultsVisibility.literals).pipe(
    Flag.withDescription("When results are shown (live)"),
    Flag.optional
  ),
  challenge: Flag.Literals("challenge", Challenge.literals).pipe(
    Flag.withDescription(
      "What each vote has to bring (none): nothing, or a proof of work against automatic votes (pow)"
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
