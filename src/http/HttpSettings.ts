import { Context } from "effect"

/** The settings of the HTTP server, its routes and its middleware. */
export class HttpSettings extends Context.Service<
  HttpSettings,
  {
    readonly host: string
    readonly port: number
    /** The port for health and metrics alone; undefined where they are at `port`. */
    readonly managementPort: number | undefined
    /** Whether ordinary requests take the fast lane past the app. A traced request has to go through the app. */
    readonly fastLane: boolean
    /** Whether clients are told to use HTTPS only. */
    readonly production: boolean
    readonly corsOrigins: ReadonlyArray<string>
    /** The largest request body, in bytes. */
    readonly maxRequestSize: number
    /** How many connections are kept at `port`; the management port keeps its own. */
    readonly maxConnections: number
    /** How many live streams there may be, and how many of one client address. */
    readonly maxViewers: number
    readonly maxViewersPerClient: number
    readonly rateLimit: RateLimit | undefined
    readonly readLimit: RateLimit | undefined
    /** Of voters that are made for browsers without a cookie. */
    readonly newVoterLimit: RateLimit | undefined
    /** How many of our own proxies stand in front; each adds an address to `X-Forwarded-For`. */
    readonly trustProxy: number
    /** Each opens the admin's endpoints; without one they are off. */
    readonly adminTokens: ReadonlyArray<string>
    /**
     * What cookies and tokens may be signed with; those of ours are with the first. The last keys the voters' hashes, which have
     * to be the same in every process for as long as a poll runs. Without one, there are no polls with voters.
     */
    readonly voterSecrets: ReadonlyArray<string>
    /** An identity provider's keys, and what its tokens must say: all three, or none. */
    readonly jwksUrl: string | undefined
    readonly jwtIssuer: string | undefined
    readonly jwtAudience: string | undefined
    /** How long an idempotency key is remembered, in ms. */
    readonly idempotencyTtl: number
    /** How long `/ready` says no before connections are refused, in ms. */
    readonly shutdownDelay: number
  }
>()("tallykeep/http/HttpSettings") {}

/** At most `votes`, or what else is limited, in any `seconds` for each client address. */
export interface RateLimit {
  readonly votes: number
  readonly seconds: number
}
