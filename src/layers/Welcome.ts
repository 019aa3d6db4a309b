import { Console, Effect } from "effect"
import { HttpServer } from "effect/http"

/** What to try first, for a person who has just started it. */
export const welcome = Effect.flatMap(HttpServer.HttpServer, (server) => {
  const address = HttpServer.formatAddress(server.address).replace("//127.0.0.1:", "//localhost:")
  return Console.log(
    `\n  tallykeep is ready at ${address}\n\n` +
      `  Vote:     curl -X POST ${address}/api/vote -H 'content-type: application/json' -d '{"option":"cats"}'\n` +
      `  Results:  curl ${address}/api/results\n` +
      "  Stop:     Ctrl-C\n"
  )
})
