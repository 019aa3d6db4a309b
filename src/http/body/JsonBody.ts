import { isUtf8 } from "node:buffer"
import { Effect, Result, Schema, SchemaIssue } from "effect"
import type { HttpServerRequest } from "effect/http"
import {
  type BodyTooLarge,
  type FieldError,
  InvalidFields,
  Malformed,
  type UnsupportedMediaType
} from "../../domain/Problems.ts"
import { readBody } from "../middleware/SizeLimit.ts"
import { pointerToken, refuseMediaType } from "./VoteBody.ts"

const formatIssues = SchemaIssue.makeFormatterStandardSchemaV1()

/** Reads a JSON body and decodes it by its schema; unknown fields are refused, and each wrong field is named. */
export const readJson = <A>(
  request: HttpServerRequest.HttpServerRequest,
  limit: number,
  schema: Schema.ConstraintCodec<A, unknown>
): Effect.Effect<A, BodyTooLarge | Malformed | UnsupportedMediaType | InvalidFields> => {
  const decode = Schema.decodeUnknownResult(schema, { onExcessProperty: "error", errors: "all" })
  return Effect.gen(function* () {
    const refusal = refuseMediaType(request.headers["content-type"], request.headers["content-encoding"])
    if (refusal !== undefined) return yield* refusal
    const body = yield* readBody(request, limit)
    if (!isUtf8(body)) return yield* new Malformed({ detail: "The body is not UTF-8" })
    const value = yield* Effect.try({
      try: (): unknown => JSON.parse(body.toString("utf8")),
      catch: () => new Malformed({ detail: "The body is not JSON" })
    })
    const decoded = decode(value)
    return Result.isSuccess(decoded)
      ? decoded.success
      : yield* new InvalidFields({
          detail: "Some fields are not as they should be",
          errors: fieldErrors(decoded.failure)
        })
  })
}

const maxErrors = 20

const fieldErrors = (error: Schema.SchemaError): ReadonlyArray<FieldError> =>
  formatIssues(error.issue)
    .issues.slice(0, maxErrors)
    .map(({ message, path = [] }) => ({
      pointer: ["#", ...path.map((part) => pointerToken(String(typeof part === "object" ? part.key : part)))].join("/"),
      // What was sent is not repeated: only what was expected.
      detail: message.replace(/,? (got|actual) .*$/su, "")
    }))
