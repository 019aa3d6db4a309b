import type { IncomingMessage } from "node:http"
import { Context, Effect, Layer } from "effect"
import { Unavailable } from "../../domain/Problems.ts"
import { clientAddress } from "../ClientAddress.ts"
import { Defences } from "../Defences.ts"
import { HttpSettings } from "../HttpSettings.ts"

/** An answer of Node's, as far as it can be ended and tells its end. */
interface Closing {
  once(event: "close", listener: () => void): unknown
  destroy(): unknown
}

/** How many may watch: in this process, and from one client address. */
export class ViewerPlaces extends Context.Service<
  ViewerPlaces,
  {
    /**
     * Takes a place for as long as the answer lasts, which is until the client closes its side, if not before; returns false where
     * there is none.
     */
    take(request: Pick<IncomingMessage, "headers" | "socket">, response: Closing): boolean
    /** Returns the refusal of a viewer that found no place. */
    refuse(request: Pick<IncomingMessage, "headers" | "socket">): Unavailable
  }
>()("tallykeep/http/results/ViewerPlaces") {
  static readonly layer = Layer.effect(
    ViewerPlaces,
    Effect.gen(function* () {
      const { maxViewers, maxViewersPerClient, trustProxy } = yield* HttpSettings
      const { report } = yield* Defences
      const byClient = new Map<string, number>()
      let all = 0

      const clientOf = ({ headers, socket }: Pick<IncomingMessage, "headers" | "socket">): string =>
        clientAddress(socket.remoteAddress ?? "unknown", headers["x-forwarded-for"]?.toString(), trustProxy)

      return ViewerPlaces.of({
        take: (request, response) => {
          const client = clientOf(request)
          const own = byClient.get(client) ?? 0
          if (all >= maxViewers || own >= maxViewersPerClient) return false
          all++
          byClient.set(client, own + 1)
          // Other answers are sent to the end, which this one may not have.
          const leave = () => void response.destroy()
          if (request.socket.readableEnded) leave()
          // One connection may ask for many: Node would warn of a leak.
          request.socket.setMaxListeners(0)
          request.socket.once("end", leave)
          response.once("close", () => {
            request.socket.off("end", leave)
            all--
            const left = (byClient.get(client) ?? 1) - 1
            if (left === 0) byClient.delete(client)
            else byClient.set(client, left)
          })
          return true
        },
        refuse: (request) => {
          report(all >= maxViewers ? "viewers" : "client_viewers", request.socket.remoteAddress)
          return tooMany
        }
      })
    })
  )
}

const tooMany = new Unavailable({ detail: "Too many are watching; ask for the results instead" })
