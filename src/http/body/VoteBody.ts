import { isUtf8 } from "node:buffer"
import { type Choosing, choiceField, decodeChoice, placesOf } from "../../domain/Choice.ts"
import { pointerTo } from "../../domain/JsonPointer.ts"
import { type FieldError, InvalidFields, Malformed } from "../../domain/Problems.ts"
import { inWords } from "./FieldErrors.ts"
import { findRepeatedNames } from "./RepeatedNames.ts"

/*
 * The body of a vote is parsed by hand: the one place where the Schema (`VoteRequest`) would cost more than all else on the
 * way of a vote. The tests hold the two together.
 */

/** What nearly all votes are, for one option: taken without parsing it, which would cost more. */
const plainVote = /^[ \t\r\n]*\{[ \t\r\n]*"option"[ \t\r\n]*:[ \t\r\n]*"([a-z0-9-]{1,64})"[ \t\r\n]*\}[ \t\r\n]*$/

/** Returns the choice that a body makes in a poll; or what is wrong with the body. */
export const parseVoteBody = (body: Buffer, poll: Choosing): string | Malformed | InvalidFields => {
  if (body.length === 0) {
    return new Malformed({ detail: `The body is empty; send {"${choiceField[poll.rules.kind]}": …} as JSON` })
  }
  const plain = poll.rules.kind === "single" ? plainVote.exec(body.toString("latin1"))?.[1] : undefined
  if (plain !== undefined && placesOf(poll.options).has(plain)) return plain
  if (!isUtf8(body)) return new Malformed({ detail: "The body is not UTF-8" })
  const text = body.toString("utf8")
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return new Malformed({ detail: "The body is not JSON" })
  }
  const choice = decodeChoice(poll, value)
  if (typeof choice !== "string") return invalid(choice, poll)
  if (countColons(text) !== countNames(value, poll)) return invalid(findRepeatedNames(text), poll)
  const inexact = findInexact(text, poll)
  return inexact.length === 0 ? choice : invalid(inexact, poll)
}

/**
 * A name that is there twice hides what it first stood for, and a vote is never read as only a part of what was sent. No id has a
 * colon: in a body that makes a choice, there is one for each name.
 */
const countColons = (text: string): number => {
  let colons = 0
  for (let at = text.indexOf(":"); at >= 0; at = text.indexOf(":", at + 1)) colons++
  return colons
}

const countNames = (vote: unknown, { rules: { kind } }: Choosing): number => {
  if (kind !== "score" && kind !== "points") return 1
  const numbers: unknown = Reflect.get(Object(vote), choiceField[kind])
  return 1 + Object.keys(Object(numbers)).length
}

const numbers = /"([^"]*)"\s*:\s*(-?\d[^,}\s]*)/g

/**
 * Finds the numbers that are read as whole ones, and are others as they were sent: 4.99999999999999999 has more digits than
 * JavaScript keeps. Zeros may follow the point.
 */
const findInexact = (text: string, { rules: { kind } }: Choosing): ReadonlyArray<FieldError> =>
  [...text.matchAll(numbers)].flatMap(([, name = "", number = ""]) =>
    /^-?\d+(?:\.0+)?$/.test(number)
      ? []
      : [
          {
            pointer: pointerTo([choiceField[kind], JSON.parse(`"${name}"`)]),
            detail: "must be written as a whole number"
          }
        ]
  )

const invalid = (errors: ReadonlyArray<FieldError>, poll: Choosing) =>
  new InvalidFields({ detail: describeBody(poll), errors })

/** Says what a vote in a poll looks like. */
const describeBody = ({ abstain, options, rules }: Choosing): string => {
  const ids = inWords(options.map(({ id }) => id))
  const says = () => {
    switch (rules.kind) {
      case "single":
        return ids
      case "multiple":
        return `a list of ${fromTo(rules.min, rules.max)} of ${ids}`
      case "score":
        return `an object with a whole number from ${rules.min} to ${rules.max} for ${rules.every ? "each" : "any"} of ${ids}`
      case "points":
        return `an object with whole numbers, ${rules.spendAll ? "exactly" : "up to"} ${rules.budget} together, for any of ${ids}`
      case "ranked":
        return `a list of ${fromTo(1, rules.max)} of ${ids}, the best first`
    }
  }
  const otherwise = abstain ? '; or {"abstain":true}' : ""
  return `A vote is an object with one field, ${choiceField[rules.kind]}: ${says()}${otherwise}`
}

const fromTo = (least: number, most: number): string => (least === most ? `${least}` : `${least} to ${most}`)
