import { copyFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Context, Effect, Layer, Redacted } from "effect"
import { startRedis } from "../../src/embedded/RedisServer.ts"
import { freePort } from "../../src/embedded/ServerProcess.ts"
import { layerRedis } from "../../src/layers/RedisClient.ts"
import { loadSettings, SettingsError } from "../../src/layers/Settings.ts"
import { command, Redis } from "../../src/stream/Redis.ts"
import { withRedis } from "../chaos/group.ts"
import { own } from "../e2e/ownServer.ts"
import { certificates, temporaryFolder } from "../support/certificates.ts"
import { collectLog } from "../support/collectLog.ts"
import { sentinelPassword, startSentinel } from "../support/sentinels.ts"
import { eventually } from "../support/servers.ts"

/** A Redis with TLS, whose certificate names localhost alone, and lines with which other servers trust it and have TLS themselves. */
const tlsServer = Effect.gen(function* () {
  const made = yield* certificates
  const tlsPort = yield* freePort
  const lines = [
    `tls-cert-file ${made.folder}/server.crt`,
    `tls-key-file ${made.folder}/server.key`,
    `tls-ca-cert-file ${made.ca}`,
    "tls-auth-clients no"
  ]
  const more = [`tls-port ${tlsPort}`, ...lines]
  const { url: plain } = yield* own((options) => startRedis({ ...options, more }))
  const { password } = new URL(Redacted.value(plain))
  return {
    ...made,
    lines,
    password,
    plain: Redacted.value(plain),
    tlsPort,
    urlAt: (host: string) => Redacted.make(`rediss://:${password}@${host}:${tlsPort}`)
  }
})

/** Asserts that a connection is made. */
const expectConnected = (url: Redacted.Redacted, caFile: string | undefined) =>
  Effect.gen(function* () {
    const redis = yield* Redis
    assert.strictEqual(yield* eventually(command(() => redis.client.ping())), "PONG")
    const reader = yield* redis.dedicated("reader", "key")
    assert.strictEqual(yield* eventually(command(() => reader.ping())), "PONG")
  }).pipe(Effect.scoped, Effect.provide(layerRedis(url, { caFile })))

/** Asserts that none is made, and that one line says why. */
const expectRefused = (url: Redacted.Redacted, caFile: string | undefined, why: RegExp) =>
  Effect.gen(function* () {
    const log = collectLog()
    yield* Effect.gen(function* () {
      const { client } = yield* Redis
      yield* eventually(Effect.sync(() => assert.isNotEmpty(log.lines)))
      yield* Effect.flip(command(() => client.ping()))
      assert.match(log.lines.join("\n"), why)
    }).pipe(Effect.provide(layerRedis(url, { caFile }).pipe(Layer.provide(log.layer))))
  })

const noTrust = /^WARN Redis \(tallykeep[^)]*\): .*certificate/

describe("rediss://", () => {
  it.live(
    "needs a certificate by an authority of REDIS_CA_FILE that names the host; the file is read for each connection",
    () =>
      Effect.gen(function* () {
        const { ca, folder, other, plain, urlAt } = yield* tlsServer
        yield* expectConnected(urlAt("localhost"), ca)
        yield* expectRefused(urlAt("localhost"), undefined, noTrust)
        yield* expectRefused(urlAt("localhost"), other, noTrust)
        yield* expectRefused(urlAt("127.0.0.1"), ca, /IP: 127\.0\.0\.1 is not in the cert's list/)

        const bundle = join(folder, "bundle.crt")
        copyFileSync(other, bundle)
        const log = collectLog()
        const redis = Context.get(
          yield* Layer.build(layerRedis(urlAt("localhost"), { caFile: bundle }).pipe(Layer.provide(log.layer))),
          Redis
        )
        yield* eventually(Effect.sync(() => assert.isNotEmpty(log.like(noTrust))))
        yield* Effect.flip(command(() => redis.client.ping()))
        copyFileSync(ca, bundle)
        yield* eventually(command(() => redis.client.ping()))
        // What was right last is used while there is nothing right.
        for (const spoil of [() => writeFileSync(bundle, "no certificate"), () => rmSync(bundle)]) {
          spoil()
          yield* Effect.promise(() => withRedis(plain, (client) => client.call("CLIENT", "KILL", "TYPE", "normal")))
          yield* eventually(command(() => redis.client.ping()))
        }
      }).pipe(Effect.scoped)
  )

  it.live("goes for sentinels, too", () =>
    Effect.gen(function* () {
      const { ca, lines, other, password, tlsPort } = yield* tlsServer
      const sentinelTls = yield* freePort
      const more = [
        ...lines,
        `tls-port ${sentinelTls}`,
        "tls-replication yes",
        "sentinel resolve-hostnames yes",
        "sentinel announce-hostnames yes"
      ]
      yield* startSentinel({ host: "localhost", port: tlsPort, quorum: 1, password, more })
      const query = `sentinel_password=${encodeURIComponent(sentinelPassword)}`
      const at = (host: string) =>
        Redacted.make(`rediss+sentinel://:${password}@${host}:${sentinelTls}/mymaster?${query}`)
      yield* expectConnected(at("localhost"), ca)
      yield* expectRefused(at("localhost"), other, noTrust)
      yield* expectRefused(at("127.0.0.1"), ca, /No sentinel says.*IP: 127\.0\.0\.1 is not in the cert's list/)
    }).pipe(Effect.scoped)
  )
})

describe("REDIS_CA_FILE", () => {
  it.live("is a file with certificates, and goes with a URL that asks for TLS", () =>
    Effect.gen(function* () {
      const [{ ca }, folder] = [yield* certificates, yield* temporaryFolder]
      const load = (env: Readonly<Record<string, string>>) =>
        loadSettings("all").pipe(Effect.provide(ConfigProvider.layer(ConfigProvider.fromEnv({ env }))))
      const problemsOf = (env: Readonly<Record<string, string>>) =>
        Effect.map(Effect.flip(load(env)), (error) =>
          error instanceof SettingsError ? error.problems : [String(error)]
        )
      const servers = { REDIS_URL: "rediss://localhost", DATABASE_URL: "postgres://localhost/votes" }

      for (const REDIS_URL of [servers.REDIS_URL, "redis://a,rediss://b", "rediss+sentinel://a,b/mymaster"]) {
        assert.strictEqual((yield* load({ ...servers, REDIS_URL, REDIS_CA_FILE: ca })).redisCaFile, ca)
      }
      for (const REDIS_URL of ["redis://localhost", "redis+sentinel://a,b/mymaster", ""]) {
        assert.deepStrictEqual(yield* problemsOf({ ...servers, REDIS_URL, REDIS_CA_FILE: ca }), [
          "REDIS_CA_FILE is set, and REDIS_URL asks for no TLS; it must start with rediss:// or rediss+sentinel://"
        ])
      }
      const wrong = join(folder, "wrong.crt")
      const problem = problemsOf({ ...servers, REDIS_CA_FILE: wrong })
      assert.deepStrictEqual(yield* problem, ["REDIS_CA_FILE names a file that can't be read (ENOENT)"])
      for (const text of ["", "hunter2", "-----BEGIN CERTIFICATE-----\nhunter2\n-----END CERTIFICATE-----\n"]) {
        writeFileSync(wrong, text)
        assert.deepStrictEqual(yield* problem, ["REDIS_CA_FILE names a file without certificates in PEM"])
      }
      assert.deepStrictEqual(yield* problemsOf({ ...servers, REDIS_CA_FILE: folder }), [
        "REDIS_CA_FILE names a file that can't be read (EISDIR)"
      ])
    }).pipe(Effect.scoped)
  )
})
