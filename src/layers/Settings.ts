import { Data, Duration, Effect, Redacted, Result } from "effect"
import type { RateLimit } from "../http/HttpSettings.ts"
import { maxShards } from "../stream/Shards.ts"
import { caBundle } from "./CaBundle.ts"
import { optional, setting, type WrongSetting } from "./DescribeSetting.ts"
import { usesTls } from "./RedisAddress.ts"
import { parseRedisUrl, redisAddress } from "./RedisUrl.ts"
import * as Kinds from "./SettingKinds.ts"

export const roles = ["api", "consumer", "all"] as const
export type Role = (typeof roles)[number]

/** Every setting: its name in the environment, what it may be, and what applies where it is not set. */
export const definitions = {
  environment: setting("ENVIRONMENT", Kinds.oneOf("development", "test", "production"), "development"),
  host: setting("HOST", Kinds.text, "127.0.0.1"),
  port: setting("PORT", Kinds.int(0, 65_535), "8000"),
  managementPort: optional("MANAGEMENT_PORT", Kinds.int(0, 65_535)),
  redisUrl: optional("REDIS_URL", redisAddress),
  redisCaFile: optional("REDIS_CA_FILE", caBundle),
  databaseUrl: optional("DATABASE_URL", Kinds.database),
  databaseReadUrl: optional("DATABASE_READ_URL", Kinds.database),
  databasePool: optional("DATABASE_POOL", Kinds.int(1, 1_000)),
  corsOrigins: setting("CORS_ORIGINS", Kinds.origins, "http://localhost:3000"),
  maxRequestSize: setting("MAX_REQUEST_SIZE", Kinds.int(1, 2 ** 30), "1048576"),
  maxConnections: optional("MAX_CONNECTIONS", Kinds.int(1, 10_000_000)),
  maxViewers: optional("MAX_VIEWERS", Kinds.int(0, 10_000_000)),
  maxViewersPerClient: setting("MAX_VIEWERS_PER_CLIENT", Kinds.int(1, 10_000_000), "2000"),
  streamName: setting("STREAM_NAME", Kinds.text, "votes"),
  streamShards: setting("STREAM_SHARDS", Kinds.int(1, maxShards), "1"),
  appendReplicas: setting("APPEND_REPLICAS", Kinds.int(0, 16), "0"),
  streamRetention: setting("STREAM_RETENTION", Kinds.streamRetention, "0"),
  consumerGroup: setting("CONSUMER_GROUP", Kinds.text, "vote-processors"),
  consumerName: optional("CONSUMER_NAME", Kinds.text),
  consumerFibers: setting("CONSUMER_FIBERS", Kinds.int(1, 64), "4"),
  batchSize: setting("BATCH_SIZE", Kinds.int(1, 10_000), "5000"),
  blockMs: setting("BLOCK_MS", Kinds.int(10, 60_000), "5000"),
  countWithin: setting("COUNT_WITHIN", Kinds.upTo("5s", Kinds.durationOrZero), "50ms"),
  maxRetries: setting("MAX_RETRIES", Kinds.int(1, 100), "3"),
  claimIdleMs: setting("CLAIM_IDLE_MS", Kinds.int(100, 3_600_000), "30000"),
  maxBacklog: setting("MAX_BACKLOG", Kinds.int(1, 1_000_000_000), "1000000"),
  idempotencyTtl: setting("IDEMPOTENCY_TTL", Kinds.duration, "24h"),
  idempotencyMemory: optional("IDEMPOTENCY_MEMORY", Kinds.int(2 ** 20, 2 ** 40)),
  rateLimit: optional("RATE_LIMIT", Kinds.rateLimit),
  readLimit: optional("READ_LIMIT", Kinds.rateLimit),
  newVoterLimit: optional("NEW_VOTER_LIMIT", Kinds.rateLimit),
  trustProxy: setting("TRUST_PROXY", Kinds.int(0, 16), "0"),
  adminToken: optional("ADMIN_TOKEN", Kinds.secrets(16)),
  voterSecret: optional("VOTER_SECRET", Kinds.secrets(32)),
  logKey: optional("LOG_KEY", Kinds.signingKeys),
  logOrigin: optional("LOG_ORIGIN", Kinds.hostName),
  jwksUrl: optional("JWKS_URL", Kinds.webUrl),
  jwtIssuer: optional("JWT_ISSUER", Kinds.text),
  jwtAudience: optional("JWT_AUDIENCE", Kinds.text),
  otlpEndpoint: optional("OTEL_EXPORTER_OTLP_ENDPOINT", Kinds.webUrl),
  ledgerRetention: optional("LEDGER_RETENTION", Kinds.upTo("36500d", Kinds.duration)),
  logLevel: setting("LOG_LEVEL", Kinds.logLevel, "INFO"),
  shutdownDelay: optional("SHUTDOWN_DELAY", Kinds.durationOrZero),
  shutdownTimeout: setting("SHUTDOWN_TIMEOUT", Kinds.upTo("24h", Kinds.duration), "25s"),
  dataDir: setting("DATA_DIR", Kinds.folder, ".tallykeep")
}

type Values = { readonly [Key in keyof typeof definitions]: Effect.Success<(typeof definitions)[Key]> }

/** What has another default in production. */
type ByEnvironment = "logOrigin" | "rateLimit" | "readLimit" | "newVoterLimit" | "shutdownDelay"

/** The settings as the program uses them. */
export interface Settings extends Omit<Values, ByEnvironment> {
  readonly logOrigin: string
  readonly rateLimit: RateLimit | undefined
  readonly readLimit: RateLimit | undefined
  readonly newVoterLimit: RateLimit | undefined
  readonly shutdownDelay: Duration.Duration
}

/** Settings that the program can't start with: all of them at once. */
export class SettingsError extends Data.TaggedError("SettingsError")<{ readonly problems: ReadonlyArray<string> }> {
  override get message(): string {
    return `tallykeep can't start with these settings:\n${this.problems.map((problem) => `  ${problem}\n`).join("")}`
  }
}

/** Reads the environment's settings, for a role. */
export const loadSettings = Effect.fnUntraced(function* (role: Role): Effect.fn.Return<Settings, SettingsError> {
  const read = yield* Effect.all(definitions, { mode: "result" })
  const problems = [...wrongOf(Object.values(read)), ...disagreements(role, read)]
  const values = Result.all(read)
  if (Result.isFailure(values) || problems.length > 0) return yield* new SettingsError({ problems })
  const { logOrigin, newVoterLimit, rateLimit, readLimit, shutdownDelay, ...others } = values.success
  const defaults = defaultsOf(others.environment === "production")
  const orNone = (limit: RateLimit | "off" | undefined) => (limit === "off" ? undefined : limit)
  return {
    ...others,
    logOrigin: logOrigin ?? `localhost:${others.port}`,
    rateLimit: orNone(rateLimit ?? defaults.rateLimit),
    readLimit: orNone(readLimit ?? defaults.readLimit),
    newVoterLimit: orNone(newVoterLimit ?? defaults.newVoterLimit),
    shutdownDelay: shutdownDelay ?? defaults.shutdownDelay
  }
})

/**
 * Returns what applies where a setting is not set and depends on the environment. In production there is a limit that
 * stops one address from taking the service for itself, yet lets a hall full of people behind one address vote; elsewhere
 * a load test from one machine should measure the service. The delay gives load balancers time to see `/ready` turn.
 */
const defaultsOf = (production: boolean): Pick<Settings, Exclude<ByEnvironment, "logOrigin">> => ({
  rateLimit: production ? { votes: 1_000, seconds: 1 } : undefined,
  readLimit: production ? { votes: 2_000, seconds: 1 } : undefined,
  newVoterLimit: production ? { votes: 1_000, seconds: 60 } : undefined,
  shutdownDelay: Duration.seconds(production ? 5 : 0)
})

/**
 * A vote may come again for as long as this (a client that retries, a consumer that takes over, a restored stream), and
 * the ledger has to know it until then: what it no longer keeps is not counted.
 */
const minimumRetention = Duration.days(2)

const wrongOf = (read: ReadonlyArray<Result.Result<unknown, WrongSetting>>): ReadonlyArray<string> =>
  read.flatMap((each) => (Result.isFailure(each) ? [each.failure.message] : []))

type Read = { readonly [Key in keyof Values]: Result.Result<Values[Key], unknown> }

/** Whether connections by a URL are encrypted; a wrong one is another problem. */
const asksForTls = (url: Read["redisUrl"]): boolean => {
  if (Result.isFailure(url)) return true
  const address = url.success && parseRedisUrl(Redacted.value(url.success))
  return address !== undefined && Result.isSuccess(address) && usesTls(address.success)
}

/** Returns what is wrong with settings that each are right, between them or for the role. */
const disagreements = (role: Role, read: Read): ReadonlyArray<string> => {
  const problems: Array<string> = []
  const production = Result.getOrUndefined(read.environment) === "production"
  const isMissing = (value: Result.Result<unknown, unknown>) => Result.isSuccess(value) && value.success === undefined

  const needed = production ? "in production" : role === "all" ? undefined : `by --role=${role}`
  for (const key of ["redisUrl", "databaseUrl"] as const) {
    const { allowed, name } = definitions[key]
    if (needed !== undefined && isMissing(read[key])) {
      problems.push(`${name} is not set, and is needed ${needed}; it must be ${allowed}`)
    }
  }
  if (Result.getOrUndefined(read.databaseReadUrl) !== undefined && isMissing(read.databaseUrl)) {
    problems.push("DATABASE_READ_URL is set and DATABASE_URL is not; it must be a replica of that database")
  }
  if ((Result.getOrUndefined(read.appendReplicas) ?? 0) > 0 && isMissing(read.redisUrl)) {
    problems.push("APPEND_REPLICAS is set and REDIS_URL is not; the embedded Redis has no replicas")
  }
  if (Result.getOrUndefined(read.redisCaFile) !== undefined && !asksForTls(read.redisUrl)) {
    problems.push(
      "REDIS_CA_FILE is set, and REDIS_URL asks for no TLS; it must start with rediss:// or rediss+sentinel://"
    )
  }
  for (const key of ["jwtIssuer", "jwtAudience"] as const) {
    const { allowed, name } = definitions[key]
    // Else the tokens that the provider makes for any other service would vote here.
    if (Result.getOrUndefined(read.jwksUrl) !== undefined && isMissing(read[key])) {
      problems.push(`${name} is not set, and is needed with JWKS_URL; it must be ${allowed}`)
    }
  }
  // It names each log for ever.
  if (production && Result.getOrUndefined(read.logKey) !== undefined && isMissing(read.logOrigin)) {
    problems.push(`LOG_ORIGIN is not set, and is needed with LOG_KEY; it must be ${definitions.logOrigin.allowed}`)
  }
  const retention = Result.getOrUndefined(read.ledgerRetention)
  const shortest = [
    Result.getOrElse(read.idempotencyTtl, () => minimumRetention),
    Duration.millis(Result.isSuccess(read.streamRetention) ? read.streamRetention.success.ms : 0)
  ].reduce(Duration.max, minimumRetention)
  if (retention !== undefined && Duration.isLessThan(retention, shortest)) {
    problems.push(
      "LEDGER_RETENTION is too short; it must be at least 2d, and no shorter than IDEMPOTENCY_TTL and STREAM_RETENTION"
    )
  }
  if (production && Result.getOrUndefined(read.corsOrigins)?.includes("*")) {
    problems.push("CORS_ORIGINS is *, which production refuses; list the origins of your pages")
  }
  return problems
}
