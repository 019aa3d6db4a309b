import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Context, Effect, Layer, Redacted } from "effect"
import { SqlClient } from "effect/sql"
import { layerPostgres } from "../../src/layers/PostgresClient.ts"
import { makeLatest } from "../../src/layers/SecretFile.ts"
import { definitions, loadSettings, SettingsError } from "../../src/layers/Settings.ts"
import { makeDatabase } from "../support/databases.ts"
import { uniqueName } from "../support/names.ts"
import { quiet } from "../support/servers.ts"

const load = (env: Readonly<Record<string, string>>) =>
  loadSettings("all").pipe(Effect.provide(ConfigProvider.layer(ConfigProvider.fromEnv({ env }))))

const problemsOf = (env: Readonly<Record<string, string>>) =>
  Effect.map(Effect.flip(load(env)), (error) => (error instanceof SettingsError ? error.problems : [String(error)]))

/** A file that holds a secret, in a folder of its own. */
const secretFile = Effect.map(
  Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "tallykeep-secret-"))),
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
  ),
  (folder) => join(folder, "secret")
)

const secrets = {
  REDIS_URL: "redis://localhost",
  DATABASE_URL: "postgres://localhost/votes",
  DATABASE_READ_URL: "postgres://replica/votes",
  ADMIN_TOKEN: "an-admin-token-that-is-long",
  VOTER_SECRET: "a-secret-of-voters-that-is-long-enough"
}

describe("a secret in a file", () => {
  it.live("is read, without its line's end, for every setting that is a secret and for no other", () =>
    Effect.gen(function* () {
      const names = Object.values(definitions).flatMap(({ fileName }) => fileName ?? [])
      assert.includeMembers(
        names,
        Object.keys(secrets).map((name) => `${name}_FILE`)
      )
      assert.isUndefined(definitions.port.fileName)
      const env: Record<string, string> = {}
      for (const [name, secret] of Object.entries(secrets)) {
        env[`${name}_FILE`] = yield* secretFile
        writeFileSync(env[`${name}_FILE`] ?? "", ` ${secret}\r\n`)
      }
      const settings = yield* load(env)
      const { adminToken, databaseReadUrl, databaseUrl, redisUrl, voterSecret } = settings
      assert.deepStrictEqual(
        [redisUrl, databaseUrl, databaseReadUrl, adminToken, voterSecret].map((each) => each && Redacted.value(each)),
        Object.values(secrets)
      )
      assert.notInclude(JSON.stringify(settings), "an-admin-token")
    }).pipe(Effect.scoped)
  )

  it.live("is wrong where it can't be read, is empty, is no such secret, or is given twice; it is not shown", () =>
    Effect.gen(function* () {
      const file = yield* secretFile
      assert.deepStrictEqual(yield* problemsOf({ ADMIN_TOKEN_FILE: file }), [
        "ADMIN_TOKEN_FILE names a file that can't be read (ENOENT)"
      ])
      writeFileSync(file, "\n")
      assert.deepStrictEqual(yield* problemsOf({ ADMIN_TOKEN_FILE: file }), [
        "ADMIN_TOKEN_FILE names a file that is empty"
      ])
      writeFileSync(file, "hunter2\n")
      assert.deepStrictEqual(yield* problemsOf({ ADMIN_TOKEN_FILE: file, DATABASE_URL_FILE: file }), [
        "DATABASE_URL_FILE is not valid; it must be a URL that starts with postgres:// or postgresql://",
        "ADMIN_TOKEN_FILE is not valid; it must be a secret of at least 16 visible characters"
      ])
      assert.deepStrictEqual(yield* problemsOf({ ADMIN_TOKEN_FILE: file, ADMIN_TOKEN: secrets.ADMIN_TOKEN }), [
        "ADMIN_TOKEN and ADMIN_TOKEN_FILE are both set; set one"
      ])
      assert.isUndefined((yield* load({ ADMIN_TOKEN_FILE: "" })).adminToken)
      // What is wrong in a URL is said of its file.
      writeFileSync(file, "postgres://u:hunter2@a:b/c")
      assert.deepStrictEqual(yield* problemsOf({ DATABASE_URL_FILE: file }), [
        "DATABASE_URL_FILE has a port that is not a number from 1 to 65535"
      ])
    }).pipe(Effect.scoped)
  )

  it.live("stays as it was last while its file is away, empty or wrong", () =>
    Effect.gen(function* () {
      const file = yield* secretFile
      writeFileSync(file, secrets.ADMIN_TOKEN)
      const token = (yield* load({ ADMIN_TOKEN_FILE: file })).adminToken
      if (token === undefined) return assert.fail("no token")
      const latest = makeLatest(token, (text) => (text.includes("wrong") ? undefined : text))
      assert.strictEqual(latest(), secrets.ADMIN_TOKEN)
      writeFileSync(file, "another-token-that-is-long\n")
      assert.strictEqual(latest(), "another-token-that-is-long")
      // What it was last, not what it was at the start.
      for (const spoil of [() => writeFileSync(file, ""), () => writeFileSync(file, "wrong\n"), () => rmSync(file)]) {
        spoil()
        assert.strictEqual(latest(), "another-token-that-is-long")
      }
      writeFileSync(file, "a-third-token-that-is-long")
      assert.strictEqual(latest(), "a-third-token-that-is-long")
      const given = (yield* load({ ADMIN_TOKEN: secrets.ADMIN_TOKEN })).adminToken
      assert.strictEqual(given && makeLatest(given, (text) => text)(), secrets.ADMIN_TOKEN)
    }).pipe(Effect.scoped)
  )
})

describe("the database's URL in a file", () => {
  it.live("is read again whenever a connection is made, so that passwords and users can be replaced", () =>
    Effect.gen(function* () {
      const database = yield* makeDatabase
      const file = yield* secretFile
      const admin = Context.get(yield* Layer.build(layerPostgres(database, 1)), SqlClient.SqlClient)
      const roles = [uniqueName("role"), uniqueName("role")]
      for (const role of roles) {
        yield* Effect.acquireRelease(admin.unsafe(`create role ${role} login password 'one'`), () =>
          Effect.orDie(admin.unsafe(`drop role ${role}`))
        )
      }
      const write = (role: string, password: string) => {
        const url = Object.assign(new URL(Redacted.value(database)), { username: role, password })
        writeFileSync(file, `${url.href}\n`)
      }
      const [first = "", second = ""] = roles
      write(first, "one")
      const { databaseUrl } = yield* load({ DATABASE_URL_FILE: file })
      if (databaseUrl === undefined) return assert.fail("no URL")
      const sql = Context.get(yield* Layer.build(layerPostgres(databaseUrl, 1)), SqlClient.SqlClient)
      const user = Effect.map(sql<{ user: string }>`select current_user as user`, ([row]) => row?.user)
      const cut = admin`select pg_terminate_backend(pid) from pg_stat_activity where usename = any(${roles})`
      const afterCut = Effect.andThen(cut, Effect.retry(user, { times: 3 }))
      assert.strictEqual(yield* user, first)

      yield* admin.unsafe(`alter role ${first} password 'two'`)
      assert.strictEqual(yield* user, first)
      assert.match(String(yield* Effect.flip(afterCut)), /onnect|password/)
      write(first, "two")
      assert.strictEqual(yield* user, first)
      write(second, "one")
      assert.strictEqual(yield* afterCut, second)
    }).pipe(Effect.scoped, Effect.provide(quiet))
  )
})
