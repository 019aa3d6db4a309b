// Bare node:http and ioredis: takes a vote, checks it, appends it, answers; nothing else, and as fast as it goes. In polls with
// voters it finds out who votes.
import { createServer } from "node:http"
import { append, mintVoteId, options } from "./vote.mjs"
import { polls } from "./voters.mjs"

const maxRequestSize = 1_048_576

const refuse = (response, status, title) => {
  response.writeHead(status, { "Content-Type": "application/problem+json" }).end(`{"title":"${title}"}`)
}

const parse = (body) => {
  try {
    const value = JSON.parse(body)
    return value !== null && typeof value === "object" && Object.keys(value).length === 1 ? value.option : undefined
  } catch {
    return undefined
  }
}

const cast = (body, response, headers, identify) => {
  const option = parse(body)
  if (!options.has(option)) return refuse(response, 422, "Unprocessable")
  const voter = identify?.(headers)
  if (identify !== undefined && voter === undefined) return refuse(response, 401, "Unauthorized")
  const castAt = Date.now()
  const voteId = mintVoteId(castAt)
  append(voteId, option, castAt, voter).then(
    (streamId) => {
      const answer = `{"message":"Vote recorded successfully","option":"${option}","vote_id":"${voteId}","stream_id":"${streamId}"}`
      if (voter?.setCookie !== undefined) response.setHeader("Set-Cookie", voter.setCookie)
      response.writeHead(201, { "Content-Type": "application/json", "Content-Length": answer.length }).end(answer)
    },
    () => refuse(response, 503, "Unavailable")
  )
}

// Connections that are kept may be used rarely.
const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  const identify = polls.get(request.url)
  if (request.method !== "POST" || (identify === undefined && request.url !== "/api/vote"))
    return refuse(response, 404, "Not Found")
  if (request.headers["content-type"] !== "application/json") return refuse(response, 415, "Unsupported Media Type")
  let body = ""
  request.setEncoding("utf8")
  request.on("data", (chunk) => {
    body += chunk
    if (body.length > maxRequestSize) request.destroy()
  })
  request.on("end", () => cast(body, response, request.headers, identify))
})

server.listen(Number(process.env.PORT), "127.0.0.1", () => {
  console.log(`Listening on http://127.0.0.1:${server.address().port}`)
})
