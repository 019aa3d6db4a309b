import { Context, Effect, FiberMap, Layer } from "effect"
import { makeMeter } from "../Meter.ts"

/** What is refused because a stranger asks too much or guesses, each with its sentence for the log. */
const sentences = {
  connections: "Connections have reached MAX_CONNECTIONS: more are closed with a 503",
  viewers: "Live streams have reached MAX_VIEWERS: more get a 503",
  client_viewers: "Live streams of one client address have reached MAX_VIEWERS_PER_CLIENT: more get a 503",
  votes: "One client address has reached RATE_LIMIT: its votes get a 429",
  reads: "One client address has reached READ_LIMIT: its requests get a 429",
  new_voters: "One client address has reached NEW_VOTER_LIMIT: it makes no more voters, and their votes get a 429",
  guesses: "One client address has been wrong about ADMIN_TOKEN 20 times in a minute: it gets a 429",
  sign_ins: "Sign-ins with a wrong ADMIN_TOKEN",
  tokens: "Voters' tokens that are not valid",
  cookies:
    "Voters' cookies with a wrong signature: forged, or from before VOTER_SECRET was changed; each is a new voter",
  keys: "Records of idempotency keys hold twice their share of Redis's memory (IDEMPOTENCY_MEMORY): votes with a new key get a 503",
  solutions: "Solutions of challenges that are wrong or used already: their votes get a 403",
  voter_rows: "One voter has changed a vote too often: more get a 429",
  bodies: "Bodies under way have reached their bound together: requests get a 503",
  large_bodies: "Bodies are longer than any vote, form or poll: they get a 422, and are not parsed"
} as const

export type Defence = keyof typeof sentences

/** How long a line about one kind of refusal stands until the next, which has the number since. */
const silence = "1 minute"

/** Tells operators that a bound is reached: a metric for each refusal, and a line a minute at most for each kind of them. */
export class Defences extends Context.Service<
  Defences,
  {
    /** Counts a refusal; `peer` is the address that it was for, which is not logged. */
    readonly report: (what: Defence, peer?: string) => void
  }
>()("tallykeep/http/Defences") {
  static readonly layer = Layer.effect(
    Defences,
    Effect.gen(function* () {
      const meter = yield* makeMeter
      const run = yield* FiberMap.runtime(yield* FiberMap.make<string, void>())()
      const counters = new Map(
        Object.keys(sentences).map((reason) => [
          reason,
          meter.counter("tallykeep_refusals_total", "Requests and connections refused by a bound, by reason", {
            reason
          })
        ])
      )
      /** How many refusals of a kind no line has told yet; there is no entry while there is nothing to tell. */
      const untold = new Map<string, number>()

      const tell = Effect.fnUntraced(function* (key: string, reason: Defence, clients: string) {
        for (let count = untold.get(key) ?? 0; count > 0; count = untold.get(key) ?? 0) {
          untold.set(key, 0)
          yield* Effect.annotateLogs(Effect.logWarning(sentences[reason]), { reason, clients, count })
          yield* Effect.sleep(silence)
        }
        untold.delete(key)
      })

      const report = (reason: Defence, peer?: string): void => {
        counters.get(reason)?.()
        const clients = familyOf(peer)
        const key = `${reason} ${clients}`
        const count = untold.get(key)
        untold.set(key, (count ?? 0) + 1)
        if (count === undefined) run(key, tell(key, reason, clients))
      }
      return Defences.of({ report })
    })
  )
}

/** What an address is, which may be told of a client. */
const familyOf = (address: string | undefined): "ipv4" | "ipv6" | "unknown" => {
  if (address === undefined) return "unknown"
  return address.includes(":") && !address.startsWith("::ffff:") ? "ipv6" : "ipv4"
}
