import { Config, Data, Duration, Effect, Option } from "effect"
import type { RateLimit } from "../http/HttpSettings.ts"
import { maxShards } from "../stream/Shards.ts"
import * as Setting from "./Setting.ts"

export const roles = ["api", "consumer", "all"] as const
export type Role = (typeof roles)[number]

/** Every setting: its name in the environment, what it may be, and what it is where it is not set. */
export const definitions = {
  environment: Setting.literals("ENVIRONMENT", ["development", "test", "production"], "development"),
  host: Setting.text("HOST", "127.0.0.1"),
  port: Setting.int("PORT", 0, 65_535, 8000),
  managementPort: Setting.optionalInt("MANAGEMENT_PORT", 0, 65_535),
  redisUrl: Setting.urls("REDIS_URL", ["redis:", "rediss:"]),
  databaseUrl: Setting.url("DATABASE_URL", ["postgres:", "postgresql:"]),
  databaseReadUrl: Setting.url("DATABASE_READ_URL", ["postgres:", "postgresql:"]),
  corsOrigins: Setting.origins("CORS_ORIGINS", "http://localhost:3000"),
  maxRequestSize: Setting.int("MAX_REQUEST_SIZE", 1, 2 ** 30, 1_048_576),
  streamName: Setting.text("STREAM_NAME", "votes"),
  streamShards: Setting.int("STREAM_SHARDS", 1, maxShards, 1),
  consumerGroup: Setting.text("CONSUMER_GROUP", "vote-processors"),
  consumerName: Setting.optionalText("CONSUMER_NAME"),
  consumerFibers: Setting.int("CONSUMER_FIBERS", 1, 64, 4),
  batchSize: Setting.int("BATCH_SIZE", 1, 10_000, 5_000),
  blockMs: Setting.int("BLOCK_MS", 10, 60_000, 2_000),
  maxRetries: Setting.int("MAX_RETRIES", 1, 100, 3),
  claimIdleMs: Setting.int("CLAIM_IDLE_MS", 100, 3_600_000, 30_000),
  maxBacklog: Setting.int("MAX_BACKLOG", 1, 1_000_000_000, 1_000_000),
  idempotencyTtl: Setting.duration("IDEMPOTENCY_TTL", "24h"),
  rateLimit: Setting.rateLimit("RATE_LIMIT"),
  trustProxy: Setting.int("TRUST_PROXY", 0, 16, 0),
  adminToken: Setting.secret("ADMIN_TOKEN", 16),
  voterSecret: Setting.secret("VOTER_SECRET", 32),
  jwksUrl: Setting.webUrl("JWKS_URL"),
  jwtIssuer: Setting.optionalText("JWT_ISSUER"),
  jwtAudience: Setting.optionalText("JWT_AUDIENCE"),
  otlpEndpoint: Setting.webUrl("OTEL_EXPORTER_OTLP_ENDPOINT"),
  ledgerRetention: Setting.duration("LEDGER_RETENTION"),
  logLevel: Setting.logLevel("LOG_LEVEL", "INFO"),
  shutdownDelay: Setting.duration("SHUTDOWN_DELAY"),
  shutdownTimeout: Setting.duration("SHUTDOWN_TIMEOUT", "25s"),
  dataDir: Setting.path("DATA_DIR", ".tallykeep")
}

type Value<S> = S extends Setting.Setting<infer A> ? A : never
type Values = { readonly [Key in keyof typeof definitions]: Value<(typeof definitions)[Key]> | undefined }
type Filled = { readonly [Key in keyof Values]: NonNullable<Values[Key]> }

type Optional =
  | "managementPort"
  | "consumerName"
  | "redisUrl"
  | "databaseUrl"
  | "databaseReadUrl"
  | "adminToken"
  | "voterSecret"
  | "jwksUrl"
  | "jwtIssuer"
  | "jwtAudience"
  | "otlpEndpoint"
  | "ledgerRetention"

/** The settings as the program uses them: all given, but for those that stand for something only when they are set. */
export interface Settings extends Omit<Filled, Optional | "rateLimit">, Pick<Values, Optional> {
  readonly rateLimit: RateLimit | undefined
}

/** Settings that the program can't start with: all of them at once. */
export class SettingsError extends Data.TaggedError("SettingsError")<{ readonly problems: ReadonlyArray<string> }> {
  override get message(): string {
    return `tallykeep can't start with these settings:\n${this.problems.map((problem) => `  ${problem}\n`).join("")}`
  }
}

/**
 * What applies where a setting is not set and its definition leaves it open. In production there is a limit that stops
 * one address from taking the service for itself, yet lets a hall full of people behind one address vote; elsewhere a
 * load test from one machine should measure the service. The delay gives load balancers time to see `/ready` turn.
 */
const openDefaults = (production: boolean) => ({
  rateLimit: production ? { votes: 1_000, seconds: 1 } : ("off" as const),
  shutdownDelay: Duration.seconds(production ? 5 : 0)
})

/**
 * For as long a vote may come again (a client that retries, a consumer that takes over, a restored stream), and the ledger
 * has to know it: what it no longer keeps is not counted.
 */
const minimumRetention = Duration.days(2)

const readOne = <A>(setting: Setting.Setting<A>, problems: Array<string>) =>
  Effect.gen(function* () {
    const given = Option.getOrUndefined(yield* Config.option(Config.String(setting.name)))
    const text = given ?? setting.fallback
    if (text === undefined) return undefined
    const value = setting.decode(text)
    if (Option.isNone(value)) {
      const shown = setting.secret ? "is not valid" : `is ${JSON.stringify(text.slice(0, 100))}`
      problems.push(`${setting.name} ${shown}; it must be ${setting.allowed}`)
    }
    return Option.getOrUndefined(value)
  })

const isSet = (name: string) => Effect.map(Config.option(Config.String(name)), Option.isSome)

/** Reads the environment's settings, for a role. */
export const loadSettings = (role: Role): Effect.Effect<Settings, SettingsError | Config.ConfigError> =>
  Effect.gen(function* () {
    const problems: Array<string> = []
    const entries: Array<readonly [string, unknown]> = []
    for (const [key, setting] of Object.entries<Setting.Setting<unknown>>(definitions)) {
      entries.push([key, yield* readOne(setting, problems)])
    }
    // Each value is of its definition's type, which the loop above can't tell.
    const values = Object.fromEntries(entries) as Values
    const production = values.environment === "production"

    const needed = production ? "in production" : role === "all" ? undefined : `by --role=${role}`
    if (needed !== undefined) {
      for (const name of ["REDIS_URL", "DATABASE_URL"] as const) {
        if (!(yield* isSet(name)))
          problems.push(`${name} is not set, and is needed ${needed}; it must be ${allowedOf(name)}`)
      }
    }
    if (values.databaseReadUrl !== undefined && !(yield* isSet("DATABASE_URL"))) {
      problems.push("DATABASE_READ_URL is set and DATABASE_URL is not; it must be a replica of that database")
    }
    const { idempotencyTtl, ledgerRetention } = values
    const shortest = Duration.max(minimumRetention, idempotencyTtl ?? minimumRetention)
    if (ledgerRetention !== undefined && Duration.isLessThan(ledgerRetention, shortest)) {
      problems.push("LEDGER_RETENTION is too short; it must be at least 2d, and no shorter than IDEMPOTENCY_TTL")
    }
    if (production && values.corsOrigins?.includes("*")) {
      problems.push("CORS_ORIGINS is *, which production refuses; list the origins of your pages")
    }
    if (problems.length > 0) return yield* new SettingsError({ problems })
    const { rateLimit, shutdownDelay, ...filled } = values as Values & Omit<Filled, Optional>
    const open = openDefaults(production)
    const limit = rateLimit ?? open.rateLimit
    return {
      ...filled,
      rateLimit: limit === "off" ? undefined : limit,
      shutdownDelay: shutdownDelay ?? open.shutdownDelay
    }
  })

const allowedOf = (name: string) => Object.values(definitions).find((setting) => setting.name === name)?.allowed
