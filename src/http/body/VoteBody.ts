import { isUtf8 } from "node:buffer"
import { type FieldError, InvalidFields, Malformed, UnsupportedMediaType } from "../../domain/Problems.ts"

/*
 * The body of a vote, by hand: the one place where the Schema (`VoteRequest`) would cost more than all else on the way
 * of a vote. The tests hold the two together.
 */

/** How many unknown fields an answer names. */
const maxNamed = 10

/** Why a request's media type can't be a vote's, if it can't: JSON in UTF-8, as it is. */
export const refuseMediaType = (
  contentType: string | undefined,
  contentEncoding: string | undefined
): UnsupportedMediaType | undefined => {
  if (contentEncoding !== undefined && contentEncoding.toLowerCase() !== "identity") {
    return new UnsupportedMediaType({ detail: "A compressed body is not understood: send it without Content-Encoding" })
  }
  if (contentType === "application/json") return undefined
  const [type = "", ...parameters] = (contentType ?? "").toLowerCase().split(";")
  if (type.trim() !== "application/json") {
    return new UnsupportedMediaType({ detail: "Send the vote as JSON, with Content-Type: application/json" })
  }
  const charset = parameters.map((parameter) => parameter.trim()).find((parameter) => parameter.startsWith("charset="))
  return charset === undefined || /^charset="?utf-?8"?$/.test(charset)
    ? undefined
    : new UnsupportedMediaType({ detail: "JSON is in UTF-8; another charset is not understood" })
}

/** The option that a body votes for, one of `options`; or what is wrong with the body. */
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

/** A field's name, which the client chose, as a token of a JSON pointer in a URI fragment. */
export const pointerToken = (key: string): string =>
  encodeURIComponent(key.slice(0, 64).toWellFormed().replaceAll("~", "~0").replaceAll("/", "~1"))
