import { Schema } from "effect"
import { OpenApi } from "effect/http-api"

/*
 * What the descriptions of the endpoints have in common.
 */

/** The parameters of what is in a poll. */
export const inPoll = { params: { slug: Schema.String } }

/** Says what an endpoint does. */
export const summary = (text: string, description?: string) =>
  OpenApi.annotations(description === undefined ? { summary: text } : { summary: text, description })

/** Says which headers an endpoint takes that its handler reads itself. */
export const withHeaders = (...headers: ReadonlyArray<object>) =>
  OpenApi.annotations({
    transform: (operation) => ({ ...operation, parameters: [...(operation.parameters ?? []), ...headers] })
  })

/** Says that an endpoint's answers have a tag, and what an answer is that the client has. */
export const describesTag = OpenApi.annotations({
  transform: (operation) => ({
    ...operation,
    parameters: [
      ...(operation.parameters ?? []),
      {
        name: "If-None-Match",
        in: "header",
        required: false,
        schema: { type: "string" },
        description: "The `ETag` of the answer that the client has, or several."
      }
    ],
    responses: {
      ...operation.responses,
      304: { description: "Nothing has changed since that answer; there is no body" }
    }
  })
})
