import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema } from "effect/http-api"
import { InvalidFields, NotFound, TooManyRequests, Unavailable } from "../../domain/Problems.ts"
import { describesTag, inPoll, summary, withHeaders } from "../Describe.ts"
import { idempotencyKeyHeader } from "../voting/VoteRequest.ts"

const text = Schema.String.pipe(HttpApiSchema.asText({ contentType: "text/plain" }))
const bytes = Schema.Uint8Array.pipe(HttpApiSchema.asUint8Array({ contentType: "application/octet-stream" }))

const errors = [NotFound, TooManyRequests, Unavailable] as const

const idempotencyKey = {
  ...idempotencyKeyHeader,
  description: "The key that the vote came with: needed where it came with one."
}

/**
 * A poll's public log. What clients that tile a log ask for is more than paths of a description can say: partial tiles, and
 * indexes from 1,000 on, are files under the same address (`layerLogFiles`).
 */
export const LogGroup = HttpApiGroup.make("log").add(
  HttpApiEndpoint.get("logCheckpoint", "/api/polls/:slug/log/checkpoint", {
    ...inPoll,
    success: text,
    error: errors
  })
    .annotateMerge(
      summary(
        "The signed head of a poll's public log",
        "As https://c2sp.org/tlog-checkpoint has it. All of a log is under `/api/polls/{slug}/log/`, as https://c2sp.org/tlog-tiles has it, for pages of any origin. Of a log that was begun anew, the next one is under `/api/polls/{slug}/log/2/`."
      )
    )
    .annotateMerge(describesTag),
  HttpApiEndpoint.get("logKey", "/api/polls/:slug/log/key", {
    ...inPoll,
    success: text,
    error: errors
  })
    .annotateMerge(
      summary(
        "The log's verifier keys",
        "One a line, as https://c2sp.org/signed-note has it: Ed25519, under the log's name."
      )
    )
    .annotateMerge(describesTag),
  HttpApiEndpoint.get("logEntries", "/api/polls/:slug/log/tile/entries/:index", {
    params: { ...inPoll.params, index: Schema.String },
    success: bytes,
    error: errors
  }).annotateMerge(
    summary(
      "256 leaves of the log",
      "Each after its length in two bytes, as JSON. `index` and partial bundles are as with tiles below. docs/verify.md says what leaves say, and how a result follows from them."
    )
  ),
  HttpApiEndpoint.get("logTile", "/api/polls/:slug/log/tile/:level/:index", {
    params: { ...inPoll.params, level: Schema.String, index: Schema.String },
    success: bytes,
    error: errors
  }).annotateMerge(
    summary(
      "A tile of the log's tree",
      "256 hashes of a level from 0 on; `index` has three digits, and is `x001/x234/067` for 1,234,067. `/tile/{level}/{index}.p/{width}` is a partial tile: all that ever were valid can be had."
    )
  ),
  HttpApiEndpoint.get("voteProof", "/api/votes/:vote_id/proof", {
    params: { vote_id: Schema.String },
    success: [text, HttpApiSchema.NoContent],
    error: [InvalidFields, ...errors]
  })
    .annotateMerge(
      summary(
        "A proof that a vote is in its poll's public log",
        "As https://c2sp.org/tlog-proof has it, with the leaf as `extra`; `204` while the vote is counted and not in a signed log yet. Where the poll hides choices until its end, the header `Choice-Key` has what opens this one, in base64url."
      )
    )
    .annotateMerge(withHeaders(idempotencyKey))
)
