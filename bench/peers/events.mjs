// The least that sends Server-Sent Events: each vote changes the tally, which goes to all viewers ten times a second.
import { createServer } from "node:http"

const viewers = new Set()
const padding = "x".repeat(260)
let votes = 0
let sent = 0

const server = createServer((request, response) => {
  if (request.method === "POST") {
    request.resume().on("end", () => {
      votes++
      const answer = '{"message":"Vote recorded successfully"}'
      response.writeHead(201, { "content-type": "application/json", "content-length": answer.length }).end(answer)
    })
  } else if (request.url === "/api/results/stream") {
    response.writeHead(200, { "content-type": "text/event-stream" }).write(frame())
    viewers.add(response)
    response.on("close", () => viewers.delete(response))
  } else response.end(`{"status":"ready","total_votes":${votes},"revision":${votes}}`)
})

const frame = () => `event: tally\nid: ${votes}\ndata: {"votes":${votes},"padding":"${padding}"}\n\n`

setInterval(() => {
  if (sent === votes) return
  sent = votes
  const latest = frame()
  for (const viewer of viewers) viewer.write(latest)
}, 100)

server.listen(Number(process.env.PORT), "127.0.0.1", () => {
  console.log(`Listening on http://127.0.0.1:${server.address().port}`)
})
