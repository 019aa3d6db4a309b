import { isUtf8 } from "node:buffer"
import { pointerToken } from "../../domain/JsonPointer.ts"
import { type FieldError, InvalidFields, Malformed } from "../../domain/Problems.ts"

/*
 * The body of a vote is parsed by hand: the one place where the Schema (`VoteRequest`) would cost more than all else on the
 * way of a vote. The tests hold the two together.
 */

/** An answer names at most so many unknown fields. */
const maxNamed = 10

/** Returns the option that a body votes for, one of `options`; or what is wrong with the body. */
export const parseVoteBody = (body: Buffer, options: ReadonlySet<string>): string | Malformed | InvalidFields => {
  if (body.length === 0) return new Malformed({ detail: 'The body is empty; send {"option": …} as JSON' })
  if (!isUtf8(body)) return new Malformed({ detail: "The body is not UTF-8" })
  let value: unknown
  try {
    value = JSON.parse(body.toString("utf8"))
  } catch {
    return new Malformed({ detail: "The body is not JSON" })
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return invalid([{ pointer: "#", detail: "must be an object" }], options)
  }
  const keys = Object.keys(value)
  const option: unknown = Object.hasOwn(value, "option") ? Reflect.get(value, "option") : undefined
  if (keys.length === 1 && typeof option === "string" && options.has(option)) return option

  const errors: Array<FieldError> = []
  if (option === undefined) errors.push({ pointer: "#/option", detail: "is missing" })
  else if (typeof option !== "string") errors.push({ pointer: "#/option", detail: "must be a string" })
  else if (!options.has(option)) errors.push({ pointer: "#/option", detail: "is not an option of this poll" })
  for (const key of keys.filter((name) => name !== "option").slice(0, maxNamed)) {
    errors.push({ pointer: `#/${pointerToken(key)}`, detail: "is not a field of a vote" })
  }
  return invalid(errors, options)
}

const invalid = (errors: ReadonlyArray<FieldError>, options: ReadonlySet<string>) =>
  new InvalidFields({ detail: `A vote is an object with one field, option: ${[...options].join(" or ")}`, errors })
