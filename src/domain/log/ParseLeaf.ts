import { kinds, methods, tieBreaks } from "../Rules.ts"
import type { Fate, Leaf } from "./Leaf.ts"

const fates: ReadonlyArray<unknown> = ["counted", "superseded", "rejected", "dead"] satisfies ReadonlyArray<Fate>

const isText = (value: unknown): boolean => typeof value === "string"
const isNumber = (value: unknown): boolean => typeof value === "number"
const isOf = (known: ReadonlyArray<unknown>) => (value: unknown) => known.includes(value)
const isIf = (there: (value: unknown) => boolean, value: unknown): boolean => value === undefined || there(value)
const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)
const areOptions = (value: unknown): value is ReadonlyArray<Readonly<Record<string, unknown>>> =>
  Array.isArray(value) && value.every((option) => isObject(option) && isText(option.id))

/** What fields are, wherever they are: whoever writes a log may write anything, and who counts it must be able to. */
const fields: Readonly<Record<string, (value: unknown) => boolean>> = {
  kind: isOf(kinds),
  method: isOf(methods),
  tie_break: isOf(tieBreaks),
  min: isNumber,
  max: isNumber,
  budget: isNumber,
  seats: isNumber,
  seed: isText,
  tie_seed: isText,
  tie_seed_hash: isText
}

const isLeaf = (found: unknown): found is Leaf => {
  if (!isObject(found) || found.v !== 1) return false
  const { abstained, at, ballots, c, id, made, n, o, options, s, t } = found
  if (!Object.entries(fields).every(([name, is]) => isIf(is, found[name]))) return false
  switch (t) {
    case undefined: {
      const one = o === undefined || c === undefined
      return isText(id) && fates.includes(s) && [c, n, o].every((field) => isIf(isText, field)) && one
    }
    case "poll":
      return areOptions(options)
    case "result":
      return areOptions(options) && [ballots, abstained].every(isNumber)
    case "tokens":
      return isNumber(made)
    case "close":
      return isText(at)
    default:
      return t === "open"
  }
}

/** Returns what a leaf says; undefined where it is none that we know, or not written as ours are. */
export const parseLeaf = (text: string): Leaf | undefined => {
  try {
    const found: unknown = JSON.parse(text)
    return isLeaf(found) && JSON.stringify(found) === text ? found : undefined
  } catch {
    return undefined
  }
}
