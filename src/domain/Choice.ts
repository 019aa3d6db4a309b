import type { FieldError } from "./FieldError.ts"
import { maxFieldErrors, pointerTo } from "./JsonPointer.ts"
import type { Kind, Rules } from "./Rules.ts"

/*
 * The choice: what a vote says, as one string of one form. What is canonical is decided here alone; the ledger's own check
 * (choice_parts.sql) is held to this by a property test.
 *
 *   single    cats         one id
 *   multiple  a+c          ids in the poll's order
 *   score     a:5,b:0      scores in the poll's order
 *   points    a:3,b:7      points in the poll's order, zeros left out
 *   ranked    b>a          ids, the best first
 *   any       -            an abstention, where the poll allows it
 */

/** What decides how a vote is read: a poll, or as much of it. */
export interface Choosing {
  readonly options: ReadonlyArray<{ readonly id: string }>
  readonly rules: Rules
  readonly abstain: boolean
}

export const abstention = "-"

/** What every choice is made of; of no other text can one be. */
export const choicePattern = /^[a-z0-9+:,>-]{1,1024}$/

/** The field of a vote's body that says what is chosen, by kind. */
export const choiceField: Readonly<Record<Kind, string>> = {
  single: "option",
  multiple: "options",
  score: "scores",
  points: "points",
  ranked: "ranking"
}

const known = new WeakMap<Choosing["options"], ReadonlyMap<string, number>>()

/** Returns the place of each option in the poll's order; made once for each reading of the poll. */
export const placesOf = (options: Choosing["options"]): ReadonlyMap<string, number> => {
  const made = known.get(options)
  if (made !== undefined) return made
  const places = new Map(options.map(({ id }, index) => [id, index]))
  known.set(options, places)
  return places
}

/** Collects what is wrong with a body. */
class Wrong {
  readonly errors: Array<FieldError> = []

  /** Adds a field that is wrong, as far as there is room for one more. */
  add(path: ReadonlyArray<string | number>, detail: string): void {
    if (this.errors.length < maxFieldErrors) this.errors.push({ pointer: pointerTo(path), detail })
  }
}

/** The field to read, and within what bounds: how many options it names, or how large their numbers are. */
interface Wanted {
  readonly field: string
  readonly places: ReadonlyMap<string, number>
  readonly min: number
  readonly max: number
}

const counted = (count: number, one: string): string => `${count} ${one}${count === 1 ? "" : "s"}`

/** Reads a list of different options; of the wrong ones it names each. */
const readList = (value: unknown, { field, max, min, places }: Wanted, wrong: Wrong): ReadonlyArray<string> => {
  if (!Array.isArray(value)) wrong.add([field], "must be a list of options")
  else if (value.length < min) wrong.add([field], `must name at least ${counted(min, "option")}`)
  else if (value.length > max) wrong.add([field], `must name at most ${counted(max, "option")}`)
  else {
    const named = new Set<string>()
    for (const [index, id] of (value as ReadonlyArray<unknown>).entries()) {
      if (typeof id !== "string") wrong.add([field, index], "must be a string")
      else if (!places.has(id)) wrong.add([field, index], "is not an option of this poll")
      else if (named.has(id)) wrong.add([field, index], "is named twice")
      else named.add(id)
    }
    return [...named]
  }
  return []
}

type Numbers = ReadonlyArray<readonly [id: string, number: number]>

/** Reads whole numbers by option, in the poll's order; of the wrong ones it names each. */
const readNumbers = (value: unknown, { field, max, min, places }: Wanted, wrong: Wrong): Numbers => {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    wrong.add([field], "must be an object with a number for each option")
    return []
  }
  const numbers: Array<readonly [string, number]> = []
  for (const [id, number] of Object.entries(value as Readonly<Record<string, unknown>>)) {
    if (!places.has(id)) wrong.add([field, id], "is not an option of this poll")
    else if (typeof number !== "number" || !Number.isInteger(number) || Object.is(number, -0)) {
      wrong.add([field, id], "must be a whole number")
    } else if (number < min || number > max) wrong.add([field, id], `must be from ${min} to ${max}`)
    else numbers.push([id, number])
  }
  return numbers.sort(([a], [b]) => (places.get(a) ?? 0) - (places.get(b) ?? 0))
}

const written = (numbers: Numbers): string => numbers.map(([id, number]) => `${id}:${number}`).join(",")

/** Reads what the field of the poll's kind says, as a choice; it is one where nothing was wrong. */
const readField = ({ options, rules }: Choosing, value: unknown, wrong: Wrong): string => {
  const places = placesOf(options)
  const field = choiceField[rules.kind]
  switch (rules.kind) {
    case "single":
      if (typeof value !== "string") wrong.add([field], "must be a string")
      else if (!places.has(value)) wrong.add([field], "is not an option of this poll")
      return String(value)
    case "multiple": {
      const chosen = readList(value, { ...rules, field, places }, wrong)
      return [...chosen].sort((a, b) => (places.get(a) ?? 0) - (places.get(b) ?? 0)).join("+")
    }
    case "ranked":
      return readList(value, { field, places, min: 1, max: rules.max }, wrong).join(">")
    case "score": {
      const scores = readNumbers(value, { ...rules, field, places }, wrong)
      if (wrong.errors.length > 0) return ""
      const rated = new Set(scores.map(([id]) => id))
      if (rules.every) for (const { id } of options) if (!rated.has(id)) wrong.add([field, id], "is missing")
      if (!rules.every && rated.size === 0) wrong.add([field], "must rate at least 1 option")
      return written(scores)
    }
    case "points": {
      const { budget, spendAll } = rules
      const given = readNumbers(value, { field, places, min: 0, max: budget }, wrong)
      if (wrong.errors.length > 0) return ""
      const sum = given.reduce((spent, [, points]) => spent + points, 0)
      if (sum > budget) wrong.add([field], `must be at most ${counted(budget, "point")} together, and is ${sum}`)
      else if (sum === 0) wrong.add([field], "must give at least 1 point")
      else if (spendAll && sum < budget) {
        wrong.add([field], `must be exactly ${counted(budget, "point")} together, and is ${sum}`)
      }
      return written(given.filter(([, points]) => points !== 0))
    }
  }
}

/** Returns the choice that a vote's body says, or what is wrong with it field by field: nothing is mended. */
export const decodeChoice = (poll: Choosing, body: unknown): string | ReadonlyArray<FieldError> => {
  const wrong = new Wrong()
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    wrong.add([], "must be an object")
    return wrong.errors
  }
  const fields = new Map(Object.entries(body as Readonly<Record<string, unknown>>))
  const field = choiceField[poll.rules.kind]
  const abstains = fields.has("abstain")
  let choice = abstention
  if (abstains) {
    if (!poll.abstain) wrong.add(["abstain"], "is not possible in this poll")
    else if (fields.get("abstain") !== true) wrong.add(["abstain"], "must be true")
    if (fields.has(field)) wrong.add([field], "can't be there in an abstention")
  } else if (fields.has(field)) choice = readField(poll, fields.get(field), wrong)
  else wrong.add([field], "is missing")
  for (const name of fields.keys()) {
    if (name !== field && name !== "abstain") wrong.add([name], "is not a field of a vote in this poll")
  }
  return wrong.errors.length === 0 ? choice : wrong.errors
}
