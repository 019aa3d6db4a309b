import { type Choosing, choiceField, decodeChoice } from "../../domain/Choice.ts"
import { maxFieldErrors, pointerTo } from "../../domain/JsonPointer.ts"
import type { FieldError } from "../../domain/Problems.ts"

/*
 * What the voting page's form says, without JavaScript: `option`; `options`, once for each; `score-<id>` and `points-<id>` with a
 * number; `rank-<id>` with a rank from 1; `abstain` as `true`; and beside the choice a key, and perhaps a token. A field that is
 * empty is not given.
 */

/** The fields of a vote's body that have a number for each option, by what the form's fields for these begin with. */
const numbered = { "score-": choiceField.score, "points-": choiceField.points, "rank-": choiceField.ranked } as const

const isWhole = (text: string): boolean => /^-?\d{1,9}$/.test(text)

const wrongRanks: FieldError = {
  pointer: `#/${choiceField.ranked}`,
  detail: "must be ranked from 1 on, each rank once"
}

/** Returns the options in the order of their ranks; undefined where a rank is left out, there twice or none. */
const rankingOf = (ranks: ReadonlyMap<string, number | string>): ReadonlyArray<string> | undefined => {
  const byRank = new Map([...ranks].map(([id, rank]) => [rank, id]))
  const ranking = Array.from(ranks, (_, index) => byRank.get(index + 1))
  return ranking.every((id) => id !== undefined) ? ranking : undefined
}

/** What a form has beside the choice. */
const beside = ["key", "token"]

/** Returns the choice that a form makes in a poll, or what is wrong with it, by the fields of a vote as JSON. */
export const formChoice = (fields: URLSearchParams, poll: Choosing): string | ReadonlyArray<FieldError> => {
  const body: Record<string, unknown> = {}
  const unknown: Array<FieldError> = []
  const numbers = new Map<string, Map<string, number | string>>()
  for (const [name, value] of fields) {
    if (value === "") continue
    const prefix = Object.entries(numbered).find(([begin]) => name.startsWith(begin))
    if (prefix !== undefined) {
      const [begin, field] = prefix
      const given = numbers.get(field) ?? new Map<string, number | string>()
      const id = name.slice(begin.length)
      // A field that is there twice says nothing.
      given.set(id, isWhole(value) && !given.has(id) ? Number(value) : value)
      numbers.set(field, given)
    } else if (name === "abstain") body.abstain = value === "true" && body.abstain === undefined ? true : [value]
    else if (name === choiceField.single) body.option = body.option === undefined ? value : [body.option, value]
    else if (name === choiceField.multiple) body.options = fields.getAll(name).filter((id) => id !== "")
    else if (!beside.includes(name)) unknown.push({ pointer: pointerTo([name]), detail: "is not a field of this form" })
  }
  if (unknown.length > 0) return unknown.slice(0, maxFieldErrors)
  for (const [field, given] of numbers) {
    const ranking = field === choiceField.ranked ? rankingOf(given) : Object.fromEntries(given)
    if (ranking === undefined) return [wrongRanks]
    body[field] = ranking
  }
  return decodeChoice(poll, body)
}
