// Fastify 5 with the plugins that give what tallykeep gives: security headers, CORS, size limit, rate limit, schemas.
import cors from "@fastify/cors"
import helmet from "@fastify/helmet"
import rateLimit from "@fastify/rate-limit"
import Fastify from "fastify"
import { append, mintVoteId, options } from "./vote.mjs"

const app = Fastify({ logger: false, bodyLimit: 1_048_576 })

await app.register(helmet, {
  contentSecurityPolicy: { useDefaults: false, directives: { defaultSrc: ["'self'"] } },
  frameguard: { action: "deny" },
  referrerPolicy: { policy: "strict-origin-when-cross-origin" },
  strictTransportSecurity: { maxAge: 31_536_000, includeSubDomains: false }
})
await app.register(cors, {
  origin: ["http://localhost:3000"],
  methods: ["GET", "POST", "OPTIONS"],
  allowedHeaders: ["Accept", "Authorization", "Content-Type", "Idempotency-Key"],
  maxAge: 600
})
// So high that it refuses nothing.
await app.register(rateLimit, { max: 1_000_000, timeWindow: "1 second" })

const text = { type: "string" }
const schema = {
  body: {
    type: "object",
    required: ["option"],
    additionalProperties: false,
    properties: { option: { type: "string", enum: [...options] } }
  },
  response: {
    201: { type: "object", properties: { message: text, option: text, vote_id: text, stream_id: text } }
  }
}

app.post("/api/vote", { schema }, async (request, reply) => {
  const { option } = request.body
  const castAt = Date.now()
  const voteId = mintVoteId(castAt)
  const streamId = await append(voteId, option, castAt)
  reply.code(201).header("location", `/api/votes/${voteId}?stream_id=${streamId}`)
  return { message: "Vote recorded successfully", option, vote_id: voteId, stream_id: streamId }
})

console.log(`Listening on ${await app.listen({ host: "127.0.0.1", port: Number(process.env.PORT) })}`)
