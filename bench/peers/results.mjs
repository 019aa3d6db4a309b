// Bare node:http: sends the answer that it is given, byte for byte, or a 304 to whoever has it. With `--optimized`, Node is
// told to spare events about bodies that requests don't have, as tallykeep tells it.
import { createServer } from "node:http"

const { body, headers, path } = JSON.parse(process.env.ANSWER)
const { "content-length": _length, "content-type": _type, etag, ...others } = headers
const unchanged = etag === undefined ? others : { etag, ...others }

const options = { optimizeEmptyRequests: process.argv.includes("--optimized") }

const server = createServer(options, (request, response) => {
  if (request.method !== "GET" || request.url !== path) response.writeHead(404).end()
  else if (etag !== undefined && request.headers["if-none-match"] === etag) response.writeHead(304, unchanged).end()
  else response.writeHead(200, headers).end(body)
})

server.listen(Number(process.env.PORT), "127.0.0.1", () => {
  console.log(`Listening on http://127.0.0.1:${server.address().port}`)
})
