import { Schema } from "effect"
import {
  type FlatRules,
  farthestScore,
  type Kind,
  kinds,
  longestChoice,
  maxChoiceLength,
  methods,
  mostPoints,
  mostRanks,
  type Rules,
  rulesOf,
  tieBreaks
} from "./Rules.ts"

/*
 * A poll's rules as JSON has them: flat fields, most of them for some kinds only.
 */

export const KindName = Schema.Literals(kinds).annotate({
  description:
    "What one vote says: one option, several, a score for each, points out of a budget, or options ranked from the best on"
})

const Whole = Schema.Number.check(
  Schema.makeFilter((value) => (Number.isInteger(value) && !Object.is(value, -0)) || "must be a whole number", {
    toJsonSchema: () => ({ type: "integer" })
  })
)

/** What a definition or a view of a poll may have beside its kind. */
export const ruleFields = {
  min: Schema.optionalKey(Whole).annotate({
    description: `multiple: how many options at least, 1 unless given; score: the lowest score, from -${farthestScore}, 0 unless given`
  }),
  max: Schema.optionalKey(Whole).annotate({
    description: `multiple: how many options at most, all unless given; score: the highest score, up to ${farthestScore}, 5 unless given; ranked: how many ranks, at most ${mostRanks}`
  }),
  every: Schema.optionalKey(Schema.Boolean).annotate({ description: "score: whether all options need a score" }),
  budget: Schema.optionalKey(Whole).annotate({
    description: `points: how many a vote can give, 1 to ${mostPoints}; needed there`
  }),
  spend_all: Schema.optionalKey(Schema.Boolean).annotate({
    description: "points: whether all of them have to be given"
  }),
  method: Schema.optionalKey(Schema.Literals(methods)).annotate({
    description: "ranked: how winners are found; irv unless given"
  }),
  seats: Schema.optionalKey(Whole).annotate({ description: "ranked, by stv: how many win; 1 unless given" }),
  tie_break: Schema.optionalKey(Schema.Literals(tieBreaks)).annotate({
    description:
      "ranked: how ties are broken, by the rounds before and then by a draw (previous_rounds, unless given), or by a draw"
  }),
  abstain: Schema.optionalKey(Schema.Boolean).annotate({ description: "Whether a vote may be an abstention" })
}

/** A poll's rules, flat. */
type RuleFields = { readonly [Name in keyof typeof ruleFields]: (typeof ruleFields)[Name]["Type"] }
type Field = Exclude<keyof RuleFields, "abstain">

/** The fields that each kind has. */
const fieldsOf: Readonly<Record<Kind, ReadonlyArray<Field>>> = {
  single: [],
  multiple: ["min", "max"],
  score: ["min", "max", "every"],
  points: ["budget", "spend_all"],
  ranked: ["max", "method", "seats", "tie_break"]
}

const allFields = [...new Set(Object.values(fieldsOf).flat())]

/** Names each field of a definition's rules that its kind does not have, is out of bounds, or contradicts another. */
export const findWrongRules = (defined: FlatRules) => {
  const rules = rulesOf(defined)
  const { kind } = rules
  const wrong: Array<{ readonly path: ReadonlyArray<string>; readonly issue: string }> = []
  const refuse = (field: Field | "options", issue: string) => wrong.push({ path: [field], issue })
  const within = (field: Field, value: number, least: number, most: number) => {
    if (value < least || value > most) refuse(field, `must be from ${least} to ${most}`)
  }
  for (const field of allFields) {
    if (defined[field] !== undefined && !fieldsOf[kind].includes(field)) {
      refuse(field, `is not a field of a poll of kind ${kind}`)
    }
  }
  const { length } = defined.options
  if (kind === "multiple") {
    within("min", rules.min, 1, length)
    within("max", rules.max, 1, length)
    if (rules.min > rules.max) refuse("min", `must not be more than max, which is ${rules.max}`)
  } else if (kind === "score") {
    within("min", rules.min, -farthestScore, farthestScore)
    within("max", rules.max, -farthestScore, farthestScore)
    if (rules.min >= rules.max) {
      if (defined.max === undefined) refuse("min", `must be less than max, which is ${rules.max}`)
      else refuse("max", `must be more than min, which is ${rules.min}`)
    }
  } else if (kind === "points") {
    if (defined.budget === undefined) refuse("budget", "is missing")
    else within("budget", rules.budget, 1, mostPoints)
  } else if (kind === "ranked") {
    within("max", rules.max, 1, Math.min(mostRanks, length))
    if (rules.method === "stv") within("seats", rules.seats, 1, length - 1)
    else if (rules.seats !== 1) refuse("seats", `must be 1 where the method is ${rules.method}`)
  }
  const longest = wrong.length === 0 ? longestChoice(defined.options, rules) : 0
  if (longest > maxChoiceLength) {
    refuse(
      "options",
      `make votes of up to ${longest} bytes possible, and ${maxChoiceLength} is the most: shorten their ids`
    )
  }
  return wrong
}

/** Returns the flat fields that show a poll's rules. */
export const showRules = (rules: Rules, abstain: boolean): Partial<RuleFields> & { readonly kind: Kind } => {
  const allowed = abstain ? { abstain } : {}
  if (rules.kind === "points") {
    return { kind: rules.kind, budget: rules.budget, spend_all: rules.spendAll, ...allowed }
  }
  if (rules.kind === "ranked") {
    const { tieBreak, ...ranked } = rules
    return { ...ranked, tie_break: tieBreak, ...allowed }
  }
  return { ...rules, ...allowed }
}
