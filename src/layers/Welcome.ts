import { Console, Effect } from "effect"
import { HttpServer } from "effect/http"

/** Prints what to try first, for a person who has just started the program. */
export const welcome = (hasAdminToken: boolean) =>
  Effect.flatMap(HttpServer.HttpServer, (server) => {
    const address = HttpServer.formatAddress(server.address).replace("//127.0.0.1:", "//localhost:")
    return Console.log(
      `\n  tallykeep is ready at ${address}\n\n` +
        `  Page:     ${address}/\n` +
        `  Admin:    ${address}/admin${hasAdminToken ? "" : "  (needs ADMIN_TOKEN, which is not set)"}\n` +
        `  API:      ${address}/docs\n\n` +
        `  Vote:     curl -X POST ${address}/api/vote -H 'content-type: application/json' -d '{"option":"cats"}'\n` +
        `  Results:  curl ${address}/api/results\n` +
        "  Stop:     Ctrl-C\n"
    )
  })
