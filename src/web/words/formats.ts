import { percentages } from "../../domain/Percentages.ts"

/*
 * How numbers, names and times are written, in the server and in the browser.
 */

/** Makes a value when it is first wanted: these formats' tables take longer to load than all else at the server's start. */
const lazily = <A>(make: () => A): (() => A) => {
  let made: A | undefined
  return () => (made ??= make())
}

const number = lazily(() => new Intl.NumberFormat("en"))
const share = lazily(() => new Intl.NumberFormat("en", { minimumFractionDigits: 1, maximumFractionDigits: 1 }))
const minute = lazily(() => new Intl.RelativeTimeFormat("en", { numeric: "always" }))
const timeOfDay = lazily(() => new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" }))

export const count = (votes: number): string => number().format(votes)
export const votes = (count: number): string => `${number().format(count)} ${count === 1 ? "vote" : "votes"}`

/** Formats a percentage, such as "66.7%". */
export const percent = (percentage: number): string => `${share().format(percentage)}%`

/** Formats counts as their shares of all, such as "66.7%", which add up to 100.0%. */
export const shares = (counts: ReadonlyArray<number>): ReadonlyArray<string> => percentages(counts, 1).map(percent)

/** What is written from right to left, as Hebrew and Arabic are, or turns the direction around. */
const rightToLeft =
  /[\u0590-\u08ff\u200f\u202a-\u202e\u2066-\u2069\ufb1d-\ufdff\ufe70-\ufefe\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u

/**
 * Returns a name as a part of a sentence of ours: one that is written from right to left is set apart, so that ranks, numbers
 * and signs beside it stay with the name that they are of.
 */
export const named = (name: string): string => (rightToLeft.test(name) ? `\u2068${name}\u2069` : name)

/** Lists names, such as "a, b and c". */
export const listed = (names: ReadonlyArray<string>): string => {
  const all = names.map(named)
  return all.length < 2 ? all.join("") : `${all.slice(0, -1).join(", ")} and ${all[all.length - 1]}`
}

/** Returns the name of the reader's own time zone, such as "Europe/Berlin". */
export const ownZone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone

/** Formats a time in ms with its zone, such as "24 Nov 2026, 18:00 Europe/Berlin"; without a zone, in the reader's own. */
export const moment = (ms: number, zone = ownZone()): string =>
  `${new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short", timeZone: zone }).format(ms)} ${zone}`

/** Formats a time in ms, such as "18:00:30". */
export const clock = (ms: number): string => timeOfDay().format(ms)

/** Says how far away a time is, in ms, such as "in 5 minutes". */
export const until = (ms: number): string => {
  const seconds = Math.max(0, Math.ceil(ms / 1000))
  if (seconds < 90) return minute().format(seconds, "second")
  if (seconds < 90 * 60) return minute().format(Math.round(seconds / 60), "minute")
  if (seconds < 36 * 3600) return minute().format(Math.round(seconds / 3600), "hour")
  return minute().format(Math.round(seconds / 86_400), "day")
}
