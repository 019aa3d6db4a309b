import type { Part } from "../../domain/ChoiceParts.ts"
import type { FieldError } from "../../domain/FieldError.ts"
import type { Rules } from "../../domain/Rules.ts"
import { count, named } from "./formats.ts"
import { points } from "./resultWords.ts"

/*
 * The words of a ballot that is filled in, by what the poll's votes say.
 */

const range = (min: number, max: number): string => (min === max ? `${min}` : `${min} to ${max}`)

/** Says what a ballot may say, in a poll with so many options. */
export const explainRules = (rules: Rules, options: number): string => {
  switch (rules.kind) {
    case "single":
      return ""
    case "multiple":
      return rules.min === 1 && rules.max === options
        ? "Choose as many as you like."
        : `Choose ${range(rules.min, rules.max)}.`
    case "score":
      return `Give ${rules.every ? "each option" : "options"} a score from ${rules.min} to ${rules.max}, the best the highest.`
    case "points":
      return `Give out ${rules.spendAll ? "all" : "up to"} ${points(rules.budget)}.`
    case "ranked":
      return rules.max === options
        ? "Rank the options, the best first. You may leave some out."
        : `Rank up to ${rules.max}, the best first.`
  }
}

/** Says how far a ballot is filled in. */
export const tellDraft = (rules: Rules, options: number, parts: ReadonlyArray<Part>): string => {
  const { length } = parts
  switch (rules.kind) {
    case "single":
      return ""
    case "multiple": {
      const [missing, room] = [rules.min - length, rules.max - length]
      if (missing > 0) return `${count(length)} chosen, ${count(missing)} more needed.`
      if (room < 0) return `${count(length)} chosen, ${count(-room)} too many.`
      return room === 0 ? `${count(length)} chosen.` : `${count(length)} chosen, ${count(room)} more possible.`
    }
    case "score":
      return `${count(length)} of ${count(options)} have a score.`
    case "points": {
      const left = rules.budget - parts.reduce((sum, { value }) => sum + value, 0)
      return left < 0 ? `${points(-left)} too many.` : `${points(left)} left of ${count(rules.budget)}.`
    }
    case "ranked": {
      const room = rules.max - length
      return room === 0 ? `${count(length)} ranked.` : `${count(length)} ranked, ${count(room)} more possible.`
    }
  }
}

export const ballot = {
  yours: "Your ballot",
  send: "Send the ballot",
  change: "Send the changed ballot",
  undo: "Undo",
  undone: "Undone.",
  abstain: "Abstain",
  unsaid: "No score",
  slider: (label: string) => `${label}, slider`,
  saysPoints: (label: string, value: number) => `${named(label)} has ${points(value)}.`,
  more: (label: string) => `One point more for ${label}`,
  less: (label: string) => `One point less for ${label}`,
  rank: "Rank",
  unranked: "Not ranked",
  noRank: "–",
  rankHint: "Tap in your order. Tap again to take one out. Drag the handle, or press an arrow key on it, to move one.",
  ranked: (rank: number) => ` rank ${rank}`,
  notRanked: " not ranked",
  move: (label: string) => `Move ${label}`,
  saysRank: (label: string, rank: number) => `${named(label)} is ranked ${rank}.`,
  saysOut: (label: string) => `${named(label)} is not ranked.`,
  full: (max: number) => `No more than ${max} can be ranked.`
}

/** Asks before a vote that can't be changed is sent. */
export const confirm = {
  asks: (vote: string) => `Send your ${vote}? It is final.`,
  yes: "Send, it is final",
  no: "Not yet"
}

/** What is wrong with a ballot: as a whole, and by option. */
export interface BallotErrors {
  readonly whole: string
  readonly options: ReadonlyMap<string, string>
}

const wrongWhole = (rules: Rules): string => {
  switch (rules.kind) {
    case "single":
      return "This is not an option of this poll."
    case "multiple":
      return `Please choose ${range(rules.min, rules.max)}.`
    case "score":
      return rules.every ? "Please give each option a score." : "Please give at least one option a score."
    case "points":
      return rules.spendAll
        ? `Please give out exactly ${points(rules.budget)}.`
        : `Please give out ${range(1, rules.budget)} points.`
    case "ranked":
      return `Please rank ${range(1, rules.max)}: each rank once, from 1 on, without a gap.`
  }
}

const wrongOption = (rules: Rules): string => {
  if (rules.kind === "score") return `Needs a whole number from ${rules.min} to ${rules.max}.`
  return rules.kind === "points" ? `Needs a whole number from 0 to ${rules.budget}.` : wrongWhole(rules)
}

/** Says in words what is wrong with a ballot; `errors` are as the service has them, with a pointer each. */
export const explainErrors = (rules: Rules, errors: ReadonlyArray<FieldError>): BallotErrors => {
  const options = new Map<string, string>()
  let whole = ""
  for (const { detail, pointer } of errors) {
    const [, , option] = pointer.split("/")
    if (option !== undefined && (rules.kind === "score" || rules.kind === "points")) {
      options.set(option, wrongOption(rules))
    } else
      whole = detail.includes("abstention")
        ? "An abstention names no option: please clear the others."
        : wrongWhole(rules)
  }
  if (options.size > 0 && whole === "" && rules.kind === "score" && rules.every) whole = wrongWhole(rules)
  return { whole, options }
}

/** Names a vote, such as "vote for Cats", as the reader has filled it in. */
export const nameVote = (rules: Rules, parts: ReadonlyArray<Part>, labelOf: (option: string) => string): string => {
  if (parts.length === 0) return "abstention"
  const labels = parts.map(({ option }) => named(labelOf(option)))
  switch (rules.kind) {
    case "single":
      return `vote for ${labels.join("")}`
    case "multiple":
      return `vote for ${labels.join(" + ")}`
    case "ranked":
      return `vote (${labels.map((label, index) => `${index + 1}. ${label}`).join(", ")})`
    default:
      return `vote (${parts.map(({ value }, index) => `${labels[index]}: ${count(value)}`).join(", ")})`
  }
}
