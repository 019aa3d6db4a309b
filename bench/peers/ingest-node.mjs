// Bare node:http and ioredis: takes a vote, checks it, appends it, answers; nothing else, and as fast as it goes.
import { createServer } from "node:http"
import { append, mintVoteId, options } from "./vote.mjs"

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

const cast = (body, response) => {
  const option = parse(body)
  if (!options.has(option)) return refuse(response, 422, "Unprocessable")
  const castAt = Date.now()
  const voteId = mintVoteId(castAt)
  append(voteId, option, castAt).then(
    (streamId) => {
      const answer = `{"message":"Vote recorded successfully","option":"${option}","vote_id":"${voteId}","stream_id":"${streamId}"}`
      response.writeHead(201, { "Content-Type": "application/json", "Content-Length": answer.length }).end(answer)
    },
    () => refuse(response, 503, "Unavailable")
  )
}

// Connections that are kept may be used rarely.
const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  if (request.method !== "POST" || request.url !== "/api/vote") return refuse(response, 404, "Not Found")
  if (request.headers["content-type"] !== "application/json") return refuse(response, 415, "Unsupported Media Type")
  let body = ""
  request.setEncoding("utf8")
  request.on("data", (chunk) => {
    body += chunk
    if (body.length > maxRequestSize) request.destroy()
  })
  request.on("end", () => cast(body, response))
})

server.listen(Number(process.env.PORT), "127.0.0.1", () => {
  console.log(`Listening on http://127.0.0.1:${server.address().port}`)
})
