// The least that answers: what a program of any kind on Node pays to start.
import { createServer } from "node:http"

const server = createServer((_request, response) => {
  response.setHeader("content-type", "application/json")
  response.end('{"status":"healthy"}')
})
server.listen(Number(process.env.PORT), "127.0.0.1")
