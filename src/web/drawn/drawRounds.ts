import type { Round } from "../../domain/tabulation/Tabulation.ts"
import { roundVotes, rounds as words } from "../words/resultWords.ts"
import type { ShownTabulation } from "./shown.ts"
import { type Branch, branch, type Tree } from "./tree.ts"

export type LabelOf = (option: string) => string

const sum = (votes: Round["votes"]): number => votes.reduce((all, one) => all + one.votes, 0)

/** Returns an option's votes in a round; 0 where it takes no part. */
const votesIn = (round: Round | undefined, option: string): number =>
  round?.votes.find((one) => one.option === option)?.votes ?? 0

/** What draws a bar: how much a whole bar is, and where its line stands, all in votes. */
interface Scale {
  readonly whole: number
  readonly line: number
}

const drawBar = (votes: number, before: number, { line, whole }: Scale): Branch => {
  const at = (value: number): number => Math.round((value * 10_000) / whole) / 100
  const kept = Math.min(votes, before)
  return branch(
    "svg",
    { class: "bar", viewBox: "0 0 100 8", preserveAspectRatio: "none", "aria-hidden": "true" },
    branch("rect", { class: "track", width: 100, height: 8 }),
    branch("rect", { class: "kept", width: at(kept), height: 8 }),
    branch("rect", { class: "gained", x: at(kept), width: at(votes - kept), height: 8 }),
    branch("rect", { class: "line", x: Math.min(99.4, at(line)), width: 0.6, height: 8 })
  )
}

/** Says in words how a round ended. */
const tellRound = ({ elected, eliminated, transfer }: Round, labelOf: LabelOf): ReadonlyArray<string> => {
  const told = elected.length === 0 ? [] : [words.elected(elected.map(labelOf))]
  if (eliminated !== undefined) told.push(words.eliminated(labelOf(eliminated)))
  if (transfer === undefined) return told
  const { exhausted, from, lost, of, to } = transfer
  if (of === "surplus") told.push(words.surplus(labelOf(from), roundVotes(sum(to) + exhausted + lost)))
  const parts = to.map(({ option, votes }) => words.to(roundVotes(votes), labelOf(option)))
  if (exhausted > 0) parts.push(words.exhausted(roundVotes(exhausted)))
  if (lost > 0) parts.push(words.lost(roundVotes(lost)))
  if (parts.length > 0) told.push(words.moves(parts))
  return told
}

const drawRound = (round: Round, before: Round | undefined, scale: Scale, labelOf: LabelOf): Branch => {
  const rows = round.votes.map(({ option, votes }) =>
    branch(
      "li",
      { class: round.elected.includes(option) ? "leads" : option === round.eliminated ? "goes" : "" },
      branch("span", { class: "label" }, labelOf(option)),
      branch("span", { class: "votes" }, roundVotes(votes)),
      drawBar(votes, before === undefined ? votes : votesIn(before, option), scale)
    )
  )
  return branch(
    "li",
    { class: "round" },
    branch("h4", {}, words.round(round.round)),
    branch("ul", { class: "parts" }, rows),
    branch("p", { class: "told" }, tellRound(round, labelOf).join(" "))
  )
}

const drawTable = ({ rounds }: ShownTabulation, labelOf: LabelOf): Branch => {
  const row = (name: string, cells: ReadonlyArray<Tree>): Branch =>
    branch("tr", {}, branch("th", { scope: "row" }, name), ...cells.map((cell) => branch("td", {}, cell)))
  const cellOf = (round: Round, option: string): string => {
    const found = round.votes.find((one) => one.option === option)
    return found === undefined ? words.out : roundVotes(found.votes)
  }
  const options = rounds[0]?.votes ?? []
  const lost = rounds.some((round) => round.lost > 0)
  return scrolled(
    words.table,
    branch(
      "table",
      {},
      branch(
        "thead",
        {},
        branch(
          "tr",
          {},
          branch("th", { scope: "col" }, words.option),
          ...rounds.map(({ round }) => branch("th", { scope: "col" }, words.round(round)))
        )
      ),
      branch(
        "tbody",
        {},
        ...options.map(({ option }) =>
          row(
            labelOf(option),
            rounds.map((round) => cellOf(round, option))
          )
        ),
        row(
          words.exhaustedRow,
          rounds.map(({ exhausted }) => roundVotes(exhausted))
        ),
        lost
          ? row(
              words.lostRow,
              rounds.map((round) => roundVotes(round.lost))
            )
          : undefined
      )
    )
  )
}

/** Puts a wide table where it can be scrolled by itself, also by keyboard, and opened when it is wanted. */
export const scrolled = (title: string, table: Branch): Branch =>
  branch(
    "details",
    {},
    branch("summary", {}, title),
    branch("div", { class: "scroll", role: "region", "aria-label": title, tabindex: "0" }, table)
  )

/** Draws the rounds of `irv` or `stv`: a picture with words for each, and a table of all. */
export const drawRounds = (tabulation: ShownTabulation, labelOf: LabelOf): ReadonlyArray<Tree> => {
  const { method, quota, rounds } = tabulation
  const lineOf = (round: Round): number => quota ?? sum(round.votes) / 2
  const whole = Math.max(1, ...rounds.flatMap((round) => [lineOf(round), ...round.votes.map(({ votes }) => votes)]))
  const key = `${method === "stv" ? words.quota : words.half}${rounds.length > 1 ? ` ${words.gained}` : ""}`
  return [
    branch("p", { class: "soft" }, key),
    branch(
      "ol",
      { class: "rounds" },
      ...rounds.map((round, index) => drawRound(round, rounds[index - 1], { whole, line: lineOf(round) }, labelOf))
    ),
    drawTable(tabulation, labelOf)
  ]
}
