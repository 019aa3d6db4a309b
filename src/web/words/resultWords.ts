import { percentageOf } from "../../domain/Percentages.ts"
import { count, listed, named, percent, votes } from "./formats.ts"

/*
 * The words of the results of each kind.
 */

const fine = new Map<number, Intl.NumberFormat>()
const formatted = (value: number, least: number, most: number): string => {
  const format =
    fine.get(most) ?? new Intl.NumberFormat("en", { minimumFractionDigits: least, maximumFractionDigits: most })
  fine.set(most, format)
  return format.format(value)
}

export const ballots = (number: number): string => `${count(number)} ${number === 1 ? "ballot" : "ballots"}`
export const points = (number: number): string => `${count(number)} ${number === 1 ? "point" : "points"}`

/** Formats a mean, such as "3.50". */
export const mean = (value: number): string => formatted(value, 2, 2)

/** Formats the votes of a round, of which a method may leave fractions. */
export const roundVotes = (value: number): string => formatted(value, 0, 4)

/** Formats a part of a whole as percentage, such as "66.7%". */
export const partOf = (part: number, whole: number): string => percent(percentageOf(part, whole, 1))

export const results = {
  heading: "Results",
  noMean: "–",
  of: {
    single: "",
    multiple: (said: number) =>
      `Percentages are of ${ballots(said)}. One ballot may choose several options, so they may add up to more than 100%.`,
    score: (min: number, max: number) =>
      `What counts is the mean of an option's scores, from ${min} to ${max}. The columns show how many ballots gave each score.`,
    points: (given: number) => `Percentages are of the ${points(given)} given.`,
    ranked: (said: number) => `First places: percentages are of ${ballots(said)}.`
  },
  multiple: (chosen: number, said: number) => `${count(chosen)} of ${ballots(said)}`,
  score: (rated: number) => (rated === 0 ? "Not rated" : `mean of ${ballots(rated)}`),
  points: (sum: number, from: number) => `${points(sum)} from ${ballots(from)}`,
  ranked: (first: number) => `first on ${ballots(first)}`,
  bar: {
    single: (label: string) => `${label}: share of the votes`,
    multiple: (label: string) => `${label}: share of the ballots`,
    score: (label: string) => `${label}: mean score`,
    points: (label: string) => `${label}: share of the points`,
    ranked: (label: string) => `${label}: share of the first places`
  },
  histogram: (label: string, scores: string) => `${label}, ballots by score: ${scores}`,
  score1: (scores: string, number: number) => `${scores}: ${count(number)}`
}

/** Says who is ahead, or has won. */
export const outcome = {
  leads: (labels: ReadonlyArray<string>) => `In the lead: ${listed(labels)}.`,
  ahead: (labels: ReadonlyArray<string>) => `Elected as it stands: ${listed(labels)}.`,
  tiedNow: (labels: ReadonlyArray<string>) => `Tied for the lead: ${listed(labels)}.`,
  wins: (labels: ReadonlyArray<string>) => `Winner: ${listed(labels)}.`,
  elected: (labels: ReadonlyArray<string>) => `Elected: ${listed(labels)}.`,
  tied: (labels: ReadonlyArray<string>) => `A tie between ${listed(labels)}.`,
  drawn: (labels: ReadonlyArray<string>) => `Elected by the draw: ${listed(labels)}.`,
  drawnNow: (labels: ReadonlyArray<string>) =>
    `Drawn for now: ${listed(labels)}; the draw that counts comes with the end.`,
  /** Where nobody is tied in the end, but a draw decided who was on the way there. */
  drawnBetween: (labels: ReadonlyArray<string>) => `A draw decided between ${listed(labels)}.`,
  drawnBetweenNow: (labels: ReadonlyArray<string>) => `For now a draw decides between ${listed(labels)}.`,
  drawnOnTheWay: (ties: number) =>
    ties === 1 ? "A tie on the way was broken by a draw." : "Ties on the way were broken by draws.",
  drawnLater: "The draw that counts comes with the end.",
  emptySeats: (seats: number) => `${count(seats)} ${seats === 1 ? "seat stays" : "seats stay"} empty.`,
  none: "No option has a vote."
}

/** How a ranked poll is counted. */
export const rounds = {
  heading: "Round by round",
  methods: {
    irv: "Instant run-off: who has the fewest votes goes out, and each of their ballots counts for its next choice, until one has more than half.",
    stv: (seats: number, quota: number) =>
      `Single transferable vote for ${count(seats)} ${seats === 1 ? "seat" : "seats"}: ${votes(quota)} ${quota === 1 ? "elects" : "elect"}. What the elected have more than that goes on to the next choices, and so do the ballots of who goes out.`,
    condorcet:
      "Condorcet by Schulze's method: each two options are compared by how many ballots rank one above the other."
  },
  older: "The rounds are counted anew now and then: the latest votes are not in them yet.",
  none: "The rounds are not counted yet.",
  round: (number: number) => `Round ${number}`,
  half: "The line marks half of the votes of the round.",
  quota: "The line marks the votes that elect.",
  gained: "The amber end of a bar is what came with the round before.",
  elected: (labels: ReadonlyArray<string>) => `Elected: ${listed(labels)}.`,
  eliminated: (label: string) => `Out, with the fewest votes: ${named(label)}.`,
  surplus: (label: string, votes: string) => `More than it takes, by ${votes}: ${named(label)}.`,
  moves: (parts: ReadonlyArray<string>) => `Votes that move: ${listed(parts)}.`,
  to: (votes: string, label: string) => `${votes} to ${named(label)}`,
  exhausted: (votes: string) => `${votes} without a further choice`,
  lost: (votes: string) => `${votes} lost by rounding`,
  table: "The rounds as a table",
  option: "Option",
  exhaustedRow: "No further choice",
  lostRow: "Lost by rounding",
  out: "out"
}

export const ties = {
  heading: "Ties",
  of: (labels: ReadonlyArray<string>, round: number | undefined) =>
    `${round === undefined ? "" : `Round ${round}: `}${listed(labels)} had equally many votes.`,
  byRound: (round: number) => `The votes of round ${round} decided:`,
  byDraw: "The poll's draw decided:",
  byDrawNow: "A draw for now decided, the poll's own comes with its end:",
  chosen: {
    elimination: (label: string) => `${named(label)} goes out.`,
    surplus: (label: string) => `${named(label)}'s votes go on first.`,
    winner: (label: string) => `${named(label)} is elected.`
  }
}

export const pairs = {
  heading: "Pair by pair",
  beats: (one: string, votes: string, other: string, back: string) => `${named(one)} ${votes}, ${named(other)} ${back}`,
  table: "All pairs as a table",
  caption: "How many ballots rank the row's option above the column's",
  above: "above"
}
