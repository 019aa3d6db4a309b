import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect } from "effect"
import { loadSettings, type Role, SettingsError } from "../../src/layers/Settings.ts"

type Env = Readonly<Record<string, string>>

const load = (env: Env, role: Role = "all") =>
  loadSettings(role).pipe(Effect.provide(ConfigProvider.layer(ConfigProvider.fromEnv({ env }))))

/** What is said of settings that can't be. */
const problemsOf = (env: Env, role: Role = "all") =>
  Effect.map(Effect.flip(load(env, role)), (error) => {
    if (!(error instanceof SettingsError)) return assert.fail(String(error))
    return error.problems
  })

const servers = { REDIS_URL: "redis://localhost", DATABASE_URL: "postgres://localhost/votes" }

const namesNoMaster = "it names no master, as mymaster in redis+sentinel://host:26379/mymaster does"

describe("SettingsError", () => {
  it.effect.each<readonly [name: string, allowed: string, wrong: ReadonlyArray<string>]>([
    ["ENVIRONMENT", "one of development, test, production", ["prod", "Production"]],
    ["HOST", "a text of visible characters", ["a b", "\u00e4"]],
    ["PORT", "a whole number from 0 to 65535", ["-1", "65536", "80.5", "http", "Infinity", "8000;"]],
    ["MAX_REQUEST_SIZE", "a whole number from 1 to 1073741824", ["0", "1MB", "1073741825"]],
    ["APPEND_REPLICAS", "a whole number from 0 to 16", ["-1", "17", "majority"]],
    ["TRUST_PROXY", "a whole number from 0 to 16", ["true", "17"]],
    [
      "CORS_ORIGINS",
      "* or origins such as https://example.com, separated by commas",
      ["example.com", "https://a.example/path", "ftp://a.example", "https://a.example,", "null"]
    ],
    [
      "RATE_LIMIT",
      "off, or a number in a time, such as 20/1s",
      ["20", "0/1s", "20/s", "20/1d", "20/0s", "-1/1s", "on"]
    ],
    ["IDEMPOTENCY_TTL", "a time such as 500ms, 25s, 10m, 24h or 7d", ["24", "1.5h", "-1h", "24 h", "forever", "0"]],
    [
      "SHUTDOWN_TIMEOUT",
      "a time such as 500ms, 25s, 10m, 24h or 7d, of at most 24h",
      // A timer takes 24 days at most, and ends at once with more.
      ["0", "0s", "25", "25h", "30d"]
    ],
    // PostgreSQL knows no time that is longer ago.
    ["LEDGER_RETENTION", "a time such as 500ms, 25s, 10m, 24h or 7d, of at most 36500d", ["36501d", "999999999d"]],
    ["COUNT_WITHIN", "0, or a time such as 500ms, 25s, 10m, 24h or 7d, of at most 5s", ["50", "5001ms", "1h", "off"]],
    ["SHUTDOWN_DELAY", "0, or a time such as 500ms, 25s, 10m, 24h or 7d", ["5", "00", "-0", "0.0", "off"]],
    [
      "STREAM_RETENTION",
      "a whole number of entries from 0 to 1000000000, or a time such as 500ms, 25s, 10m, 24h or 7d",
      ["1.5", "-1", "1000000001", "24 h", "off", "1d2h"]
    ],
    ["LOG_LEVEL", "one of ALL, TRACE, DEBUG, INFO, WARN, ERROR, FATAL, NONE", ["LOUD", "toString"]]
  ])("says what %s may be", ([name, allowed, wrong]) =>
    Effect.gen(function* () {
      for (const value of wrong) {
        const problems = yield* problemsOf({ [name]: value })
        assert.deepStrictEqual(problems, [`${name} is ${JSON.stringify(value)}; it must be ${allowed}`])
      }
    })
  )

  it.effect("names all wrong settings at once, and shows no secret", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(
        load({
          REDIS_URL: "http://user:hunter2@localhost",
          DATABASE_URL: "hunter2",
          PORT: "x".repeat(1_000),
          MAX_RETRIES: "0",
          SHUTDOWN_TIMEOUT: "soon"
        })
      )
      const x = "x".repeat(100)
      assert.strictEqual(
        error.message,
        `tallykeep can't start with these settings:
  PORT is "${x}"; it must be a whole number from 0 to 65535
  REDIS_URL is not valid: it does not start so; it must be a URL that starts with redis:// or rediss://, or one for each node of a cluster, separated by commas and without a database, or one that starts with redis+sentinel:// or rediss+sentinel:// and names all sentinels
  DATABASE_URL is not valid; it must be a URL that starts with postgres:// or postgresql://
  MAX_RETRIES is "0"; it must be a whole number from 1 to 100
  SHUTDOWN_TIMEOUT is "soon"; it must be a time such as 500ms, 25s, 10m, 24h or 7d, of at most 24h
`
      )
    })
  )

  it.effect("says what is wrong in a database's URL, of the one and of its replica, and no password", () =>
    Effect.gen(function* () {
      const problems = yield* problemsOf({
        ...servers,
        DATABASE_URL: "postgres://user:hunter2@host:port/votes",
        DATABASE_READ_URL: "postgres://user:100%hunter2@host/votes"
      })
      assert.deepStrictEqual(problems, [
        "DATABASE_URL has a port that is not a number from 1 to 65535",
        "DATABASE_READ_URL has a % in its password that begins no character; write % itself as %25"
      ])
    })
  )

  it.effect.each<readonly [url: string, why: string]>([
    ["redis://:hunter2@host/abc", "its database must be a number"],
    ["redis://:hunter2@host/1/2", "its database must be a number"],
    ["redis://:hunter2@host/-1", "its database must be a number"],
    ["redis://:hunter2@host/0x1", "its database must be a number"],
    ["redis://:hunter2%pure@host", "a percent sign in a user or password must be written %25"],
    ["redis://hunter2%zz:x@host", "a percent sign in a user or password must be written %25"],
    ["redis://:hunter2@/0", "it is no URL: a password's special characters must be percent-encoded"],
    ["redis:///0", "it names no host"],
    ["redis://", "it names no host"],
    ["redis://:hunter2@host:0", "its port can't be 0"],
    ["redis://:hunter2@host:99999", "it is no URL: a password's special characters must be percent-encoded"],
    ["redis://:hunter2@host:port", "it is no URL: a password's special characters must be percent-encoded"],
    ["redis://:hunter2@host#x", "a # must be written %23"],
    ["redis://:hunter2@host?db=3", "what follows its question mark is not understood; family alone is"],
    ["redis://:hunter2@host?family=5", "its family must be 4, 6 or 0"],
    ["redis:host", "it does not start so"],
    ["REDISS://:hunter2@host", "it does not start so"],
    ["redis://:hunter2@a,redis://:hunter2@b/1", "a cluster has no databases"],
    ["redis://:hunter2@a,b", "each node needs a URL of its own"],
    ["redis://a,redis://:hunter2%pure@b", "a percent sign in a user or password must be written %25"],
    ["redis+sentinel://:hunter2@a:26379,b", namesNoMaster],
    ["redis+sentinel://:hunter2@a:26379,b/", namesNoMaster],
    ["redis+sentinel://:hunter2@a:26379,b//0", namesNoMaster],
    ["redis+sentinel://:hunter2@a,b/mymaster/one", "its database must be a number"],
    ["redis+sentinel://:hunter2@a,b/mymaster/0/1", "its database must be a number"],
    ["redis+sentinel://:hunter2@a,,b/mymaster", "it names no host"],
    ["redis+sentinel://:hunter2@/mymaster", "it names no host"],
    ["redis+sentinel://:hunter2@a,:26379/mymaster", "it names no host"],
    ["redis+sentinel:///mymaster", "it names no host"],
    ["redis+sentinel://:hunter2@a,b:0/mymaster", "its port can't be 0"],
    [
      "redis+sentinel://:hunter2@a,b:99999/mymaster",
      "it is no URL: a password's special characters must be percent-encoded"
    ],
    [
      "redis+sentinel://:hun/ter2@a,b/mymaster",
      "it is no URL: a password's special characters must be percent-encoded"
    ],
    ["redis+sentinel://:hunter2%pure@a/mymaster", "a percent sign in a user or password must be written %25"],
    ["redis+sentinel://a/my%master", "a percent sign in a user or password must be written %25"],
    ["redis+sentinel://a/mymaster#hunter2", "a # must be written %23"],
    [
      "redis+sentinel://a/mymaster?sentinel=hunter2",
      "what follows its question mark is not understood; family, sentinel_username, sentinel_password are"
    ],
    [
      "redis+sentinel://a/mymaster?sentinel_password=hunter2%",
      "a percent sign in a user or password must be written %25"
    ],
    ["redis+sentinel://a/mymaster?sentinel_username=hunter2", "it has a sentinel_username without a sentinel_password"],
    ["redis+sentinel://a/mymaster?family=5", "its family must be 4, 6 or 0"],
    [
      "redis+sentinel://a/mymaster,redis+sentinel://b/mymaster",
      "all sentinels stand in one URL, with commas between them"
    ],
    ["redis://:hunter2@a,rediss+sentinel://b/mymaster", "all sentinels stand in one URL, with commas between them"],
    ["redis+sentinels://:hunter2@a/mymaster", "it does not start so"]
  ])("says what is wrong with REDIS_URL, and shows none of it: %s", ([url, why]) =>
    Effect.gen(function* () {
      const problems = yield* problemsOf({ ...servers, REDIS_URL: url })
      assert.lengthOf(problems, 1)
      assert.isTrue(problems[0]?.startsWith(`REDIS_URL is not valid: ${why}; it must be a URL that`), problems[0])
      assert.notInclude(problems[0], "hunter2")
    })
  )

  it.effect("takes each REDIS_URL that leads somewhere", () =>
    Effect.forEach(
      [
        "redis://host",
        "redis://host/",
        "redis://host/0",
        "redis://user:p%25w%23@host:6380/15",
        "rediss://[::1]:6379/1?family=6",
        "redis://a:1,rediss://b:2/0",
        "redis+sentinel://a/mymaster",
        "rediss+sentinel://user:p%25w%23@a:26379, [::1]:26380 ,c/my%20master/15?sentinel_username=s&sentinel_password=p+%2F&family=4"
      ],
      (url) => load({ ...servers, REDIS_URL: url })
    )
  )

  it.effect.each([
    ["api", {}, "by --role=api"],
    ["consumer", {}, "by --role=consumer"],
    ["all", { ENVIRONMENT: "production" }, "in production"]
  ] as const)("needs both servers for --role=%s with %j", ([role, env, needed]) =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* problemsOf(env, role), [
        `REDIS_URL is not set, and is needed ${needed}; it must be a URL that starts with redis:// or rediss://, or one for each node of a cluster, separated by commas and without a database, or one that starts with redis+sentinel:// or rediss+sentinel:// and names all sentinels`,
        `DATABASE_URL is not set, and is needed ${needed}; it must be a URL that starts with postgres:// or postgresql://`
      ])
      assert.strictEqual((yield* problemsOf({ ...env, REDIS_URL: "", DATABASE_URL: "" }, role)).length, 2)
      yield* load({ ...env, ...servers }, role)
    })
  )

  it.effect("refuses to drop votes that may still come again", () =>
    Effect.gen(function* () {
      const tooShort = [
        "LEDGER_RETENTION is too short; it must be at least 2d, and no shorter than IDEMPOTENCY_TTL and STREAM_RETENTION"
      ]
      assert.deepStrictEqual(yield* problemsOf({ LEDGER_RETENTION: "47h" }), tooShort)
      assert.deepStrictEqual(yield* problemsOf({ LEDGER_RETENTION: "6d", IDEMPOTENCY_TTL: "7d" }), tooShort)
      assert.deepStrictEqual(yield* problemsOf({ LEDGER_RETENTION: "6d", STREAM_RETENTION: "7d" }), tooShort)
      yield* load({ LEDGER_RETENTION: "2d", STREAM_RETENTION: "1000000" })
      yield* load({ LEDGER_RETENTION: "7d", IDEMPOTENCY_TTL: "7d" })
    })
  )

  it.effect("refuses to wait for replicas of an embedded Redis", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* problemsOf({ APPEND_REPLICAS: "1" }), [
        "APPEND_REPLICAS is set and REDIS_URL is not; the embedded Redis has no replicas"
      ])
      yield* load({ APPEND_REPLICAS: "0" })
      yield* load({ ...servers, APPEND_REPLICAS: "1" })
    })
  )

  it.effect("refuses a replica of an embedded database", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* problemsOf({ DATABASE_READ_URL: "postgres://replica/votes" }), [
        "DATABASE_READ_URL is set and DATABASE_URL is not; it must be a replica of that database"
      ])
      yield* load({ ...servers, DATABASE_READ_URL: "postgres://replica/votes" })
    })
  )

  it.effect("refuses CORS_ORIGINS=* in production, also among others", () =>
    Effect.gen(function* () {
      for (const origins of ["*", "https://a.example, *"]) {
        const problems = yield* problemsOf({ ...servers, ENVIRONMENT: "production", CORS_ORIGINS: origins })
        assert.deepStrictEqual(problems, [
          "CORS_ORIGINS is *, which production refuses; list the origins of your pages"
        ])
      }
      assert.deepStrictEqual((yield* load({ CORS_ORIGINS: "*" })).corsOrigins, ["*"])
    })
  )
})
