import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Duration, Effect, Redacted } from "effect"
import { listedSecrets, listedUrls } from "../../src/layers/SettingKinds.ts"
import { definitions, loadSettings } from "../../src/layers/Settings.ts"

type Env = Readonly<Record<string, string>>

const load = (env: Env) =>
  loadSettings("all").pipe(Effect.provide(ConfigProvider.layer(ConfigProvider.fromEnv({ env }))))

const servers = { REDIS_URL: "redis://localhost", DATABASE_URL: "postgres://localhost/votes" }

describe("loadSettings", () => {
  it.effect("fills in what is not set", () =>
    Effect.gen(function* () {
      const { countWithin, idempotencyTtl, shutdownDelay, shutdownTimeout, ...settings } = yield* load({})
      assert.deepStrictEqual(settings, {
        environment: "development",
        host: "127.0.0.1",
        port: 8000,
        managementPort: undefined,
        redisUrl: undefined,
        redisCaFile: undefined,
        databaseUrl: undefined,
        databaseReadUrl: undefined,
        databasePool: undefined,
        corsOrigins: ["http://localhost:3000"],
        maxRequestSize: 1_048_576,
        maxConnections: undefined,
        maxViewers: undefined,
        maxViewersPerClient: 2_000,
        streamName: "votes",
        streamShards: 1,
        appendReplicas: 0,
        streamRetention: { ms: 0, entries: 0 },
        consumerGroup: "vote-processors",
        consumerName: undefined,
        consumerFibers: 4,
        batchSize: 5_000,
        blockMs: 5_000,
        maxRetries: 3,
        claimIdleMs: 30_000,
        maxBacklog: 1_000_000,
        idempotencyMemory: undefined,
        rateLimit: undefined,
        readLimit: undefined,
        newVoterLimit: undefined,
        trustProxy: 0,
        adminToken: undefined,
        voterSecret: undefined,
        logKey: undefined,
        logOrigin: "localhost:8000",
        jwksUrl: undefined,
        jwtIssuer: undefined,
        jwtAudience: undefined,
        otlpEndpoint: undefined,
        ledgerRetention: undefined,
        logLevel: "Info",
        dataDir: ".tallykeep"
      })
      assert.strictEqual(Duration.toHours(idempotencyTtl), 24)
      assert.strictEqual(Duration.toMillis(shutdownDelay), 0)
      assert.strictEqual(Duration.toSeconds(shutdownTimeout), 25)
      assert.strictEqual(Duration.toMillis(countWithin), 50)
    })
  )

  it.effect("wants to know what an identity provider's tokens must say, where there is one", () =>
    Effect.gen(function* () {
      const provider = { JWKS_URL: "https://id.example/keys" }
      const told = { ...provider, JWT_ISSUER: "https://id.example", JWT_AUDIENCE: "votes" }
      const settings = yield* load(told)
      assert.deepInclude(settings, { jwtIssuer: "https://id.example", jwtAudience: "votes" })
      const problems = (env: Env) => Effect.map(Effect.flip(load(env)), (error) => error.problems)
      const missing = (name: string) =>
        `${name} is not set, and is needed with JWKS_URL; it must be a text of visible characters`
      const [issuer, audience] = [missing("JWT_ISSUER"), missing("JWT_AUDIENCE")]
      assert.deepStrictEqual(yield* problems(provider), [issuer, audience])
      assert.deepStrictEqual(yield* problems({ ...provider, JWT_ISSUER: "https://id.example" }), [audience])
      assert.deepStrictEqual(yield* problems({ ...told, JWT_ISSUER: "" }), [issuer])
    })
  )

  it.effect("limits votes and waits for load balancers in production, unless told otherwise", () =>
    Effect.gen(function* () {
      const production = { ...servers, ENVIRONMENT: "production" }
      const settings = yield* load(production)
      assert.deepStrictEqual(settings.rateLimit, { votes: 1_000, seconds: 1 })
      assert.deepStrictEqual(settings.readLimit, { votes: 2_000, seconds: 1 })
      assert.deepStrictEqual(settings.newVoterLimit, { votes: 1_000, seconds: 60 })
      assert.strictEqual(Duration.toSeconds(settings.shutdownDelay), 5)
      const told = yield* load({ ...production, RATE_LIMIT: "off", SHUTDOWN_DELAY: "0s" })
      assert.isUndefined(told.rateLimit)
      assert.strictEqual(Duration.toMillis(told.shutdownDelay), 0)
    })
  )

  it.effect("takes a bare 0 for a delay", () =>
    Effect.gen(function* () {
      for (const none of ["0", "0s", " 0 "]) {
        const settings = yield* load({ ...servers, ENVIRONMENT: "production", SHUTDOWN_DELAY: none })
        assert.strictEqual(Duration.toMillis(settings.shutdownDelay), 0)
      }
    })
  )

  it.effect("takes a retention of the stream by age or by number", () =>
    Effect.gen(function* () {
      const retention = (STREAM_RETENTION: string) =>
        Effect.map(load({ STREAM_RETENTION }), ({ streamRetention }) => streamRetention)
      assert.deepStrictEqual(yield* retention("24h"), { ms: 86_400_000, entries: 0 })
      assert.deepStrictEqual(yield* retention("1000000"), { ms: 0, entries: 1_000_000 })
      assert.deepStrictEqual(yield* retention("0s"), yield* retention("0"))
    })
  )

  it.effect("takes what is set", () =>
    Effect.gen(function* () {
      const settings = yield* load({
        ...servers,
        ENVIRONMENT: "test",
        HOST: "::",
        PORT: " 0 ",
        CORS_ORIGINS: "https://a.example, http://b.example:8080/ ,*",
        RATE_LIMIT: "20/1m",
        TRUST_PROXY: "2",
        IDEMPOTENCY_TTL: "90m",
        LEDGER_RETENTION: "30d",
        LOG_LEVEL: "debug",
        DATA_DIR: "/var/lib/tally keep"
      })
      const { corsOrigins, dataDir, environment, host, idempotencyTtl, logLevel, port, rateLimit, trustProxy } =
        settings
      assert.deepStrictEqual(
        { corsOrigins, dataDir, environment, host, logLevel, port, rateLimit, trustProxy },
        {
          corsOrigins: ["https://a.example", "http://b.example:8080", "*"],
          dataDir: "/var/lib/tally keep",
          environment: "test",
          host: "::",
          logLevel: "Debug",
          port: 0,
          rateLimit: { votes: 20, seconds: 60 },
          trustProxy: 2
        }
      )
      assert.strictEqual(Duration.toMinutes(idempotencyTtl), 90)
      assert.strictEqual(settings.ledgerRetention && Duration.toDays(settings.ledgerRetention), 30)
      assert.strictEqual(settings.redisUrl && Redacted.value(settings.redisUrl), servers.REDIS_URL)
      assert.strictEqual(settings.databaseUrl && Redacted.value(settings.databaseUrl), servers.DATABASE_URL)
    })
  )

  it.effect("takes the nodes of a cluster, and a comma in a password", () =>
    Effect.gen(function* () {
      const nodes = "redis://:p,w@a:7001, rediss://b:7002/0 ,redis://c"
      const settings = yield* load({ ...servers, REDIS_URL: nodes })
      assert.strictEqual(settings.redisUrl && Redacted.value(settings.redisUrl), nodes)
      assert.deepStrictEqual(listedUrls(nodes), ["redis://:p,w@a:7001", "rediss://b:7002/0", "redis://c"])
      for (const wrong of ["redis://a/1,redis://b", "redis://a,http://b", "redis://a,", ",redis://a"]) {
        yield* Effect.flip(load({ ...servers, REDIS_URL: wrong }))
      }
      yield* load({ ...servers, REDIS_URL: "redis://a/1" })
    })
  )

  it.effect("takes a setting that is empty as not set", () =>
    Effect.gen(function* () {
      const names = Object.values(definitions).map(({ name }) => name)
      const settings = yield* load(Object.fromEntries(names.map((name) => [name, ""])))
      assert.deepStrictEqual(settings, yield* load({}))
    })
  )

  it.effect("takes several secrets where one changes, each of which must be long enough", () =>
    Effect.gen(function* () {
      const [former, next] = ["a".repeat(32), "b".repeat(32)]
      const { voterSecret } = yield* load({ VOTER_SECRET: ` ${next} \t${former}\n` })
      if (voterSecret === undefined) return assert.fail("no secret")
      assert.deepStrictEqual(listedSecrets(Redacted.value(voterSecret)), [next, former])
      for (const wrong of [`${next} short`, `${next},${"\u00e9".repeat(32)}`, "b".repeat(31)]) {
        const { problems } = yield* Effect.flip(load({ VOTER_SECRET: wrong }))
        assert.deepStrictEqual(problems, [
          "VOTER_SECRET is not valid; it must be a secret of at least 32 visible characters"
        ])
      }
    })
  )

  it.effect("shows no secret of settings that are right", () =>
    Effect.gen(function* () {
      const settings = yield* load({ ...servers, REDIS_URL: "rediss://user:hunter2@localhost" })
      assert.notInclude(`${settings.redisUrl} ${JSON.stringify(settings)}`, "hunter2")
    })
  )
})
