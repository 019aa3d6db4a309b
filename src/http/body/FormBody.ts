import { Effect } from "effect"
import { InvalidFields } from "../../domain/Problems.ts"

/** A form has no more fields. */
const maxFields = 200

const ampersand = "&".charCodeAt(0)

const tooMany = new InvalidFields({
  detail: `A form has at most ${maxFields} fields`,
  errors: [{ pointer: "#", detail: `has more than ${maxFields} fields` }]
})

/**
 * Parses a body of type `application/x-www-form-urlencoded`. Its fields are counted first: URLSearchParams takes the square of
 * their number, which for a megabyte of them is seconds.
 */
export const parseForm = (body: Buffer): Effect.Effect<URLSearchParams, InvalidFields> => {
  let fields = 1
  for (let at = body.indexOf(ampersand); at >= 0 && fields <= maxFields; at = body.indexOf(ampersand, at + 1)) fields++
  return fields > maxFields ? Effect.fail(tooMany) : Effect.succeed(new URLSearchParams(body.toString("utf8")))
}
