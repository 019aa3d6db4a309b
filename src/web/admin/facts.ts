import type { PollView } from "../../domain/PollView.ts"
import { rulesOf } from "../../domain/Rules.ts"
import { explainRules } from "../words/ballotWords.ts"
import { deskTimes } from "../words/deskWords.ts"
import { moment } from "../words/formats.ts"
import { form as words } from "../words/formWords.ts"
import { life } from "../words/lifeWords.ts"

/** Says by what rules a poll is voted in: what can't be changed once it has votes. */
export const rulesTold = (poll: PollView): ReadonlyArray<string> => [
  `${words.kind}: ${words.kinds[poll.kind]}`,
  ...(poll.kind === "single" ? [] : [explainRules(rulesOf(poll), poll.options.length)]),
  ...(poll.method === undefined ? [] : [`${words.method}: ${words.methods[poll.method]}`]),
  ...(poll.seats === undefined ? [] : [`${words.seats}: ${poll.seats}`]),
  ...(poll.tie_break === undefined ? [] : [`${words.tieBreak}: ${words.tieBreaks[poll.tie_break]}`]),
  ...(poll.abstain === true ? [words.abstain] : []),
  `${words.ballot}: ${words.ballots[poll.ballot]}`,
  `${words.identity}: ${words.identities[poll.identity]}`,
  ...(poll.challenge === undefined ? [] : [`${words.challenge}: ${words.challenges[poll.challenge]}`])
]

/** Says what is peculiar to a poll at a time in ms: when it opens and closes, what has become of it, and its rules. */
export const factsOf = (poll: PollView, now: number): ReadonlyArray<string> =>
  [
    deskTimes(poll, now),
    ...(poll.final_at === undefined ? [] : [life.final(moment(Date.parse(poll.final_at)))]),
    ...(poll.archived === true ? [life.archived] : []),
    ...(poll.edited_at === undefined ? [] : [life.edited(moment(Date.parse(poll.edited_at)))]),
    ...(poll.closed ?? [])
      .filter(({ to }) => Date.parse(to) <= now)
      .map(({ from, to }) => life.closedBetween(moment(Date.parse(from)), moment(Date.parse(to)))),
    ...rulesTold(poll),
    `${words.results}: ${words.visibilities[poll.results]}`,
    ...(poll.log === "off" ? [`${words.log}: ${words.logs.off}`] : []),
    ...(poll.listed === true ? [words.listed] : [])
  ].filter((text) => text !== "")
