import { spawn, spawnSync } from "node:child_process"
import { appendFileSync, readdirSync, readFileSync, rmdirSync, statSync, symlinkSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Logger, Redacted, References } from "effect"
import { startEmbedded } from "../../src/embedded/Embedded.ts"
import { ownDataFolder } from "../../src/embedded/OwnerLock.ts"
import { startPostgres } from "../../src/embedded/PostgresServer.ts"
import { commandLine, identify } from "../../src/embedded/Processes.ts"
import { startRedis } from "../../src/embedded/RedisServer.ts"
import { dataFolder } from "../support/dataFolder.ts"
import {
  both,
  expectKept,
  firstWords,
  kill,
  owner,
  postgresPid,
  redis,
  redisPid,
  untilGone,
  urlIn,
  write
} from "../support/embedded.ts"
import { query } from "../support/query.ts"
import { eventually, quiet } from "../support/servers.ts"
import { within } from "../support/within.ts"

/** Runs a function of script/bootstrap with the programs of a folder before all others. */
const runBootstrap = (name: string, bin: string) => {
  const script = readFileSync(new URL("../../script/bootstrap", import.meta.url), "utf8")
  const functions = script.slice(script.indexOf("\nsay() "), script.indexOf("\ncheck_node\n"))
  return spawnSync("/bin/sh", ["-euc", `${functions}\n${name}`], {
    env: { PATH: `${bin}:/usr/bin:/bin` },
    encoding: "utf8"
  })
}

const collect = (lines: Array<unknown>, level: "Info" | "Error") =>
  Layer.merge(
    Logger.layer([Logger.make(({ message }) => lines.push(message))]),
    Layer.succeed(References.MinimumLogLevel, level)
  )

describe("embedded servers", () => {
  const withPath = (folders: string) =>
    Effect.acquireRelease(
      Effect.sync(() => {
        const path = process.env.PATH
        process.env.PATH = folders
        return path
      }),
      (path) =>
        Effect.sync(() => {
          process.env.PATH = path
        })
    )

  it.live("keep their data across restarts, and stop with the scope", () =>
    Effect.gen(function* () {
      const dataDir = yield* dataFolder
      rmdirSync(dataDir)
      const pids = yield* Effect.gen(function* () {
        const started = yield* both(dataDir)
        yield* write(started)
        assert.strictEqual(statSync(dataDir).mode & 0o777, 0o700)
        assert.strictEqual(statSync(started.envFile).mode & 0o777, 0o600)
        assert.strictEqual(
          readFileSync(started.envFile, "utf8"),
          `export REDIS_URL='${Redacted.value(started.redisUrl)}'\n` +
            `export DATABASE_URL='${Redacted.value(started.databaseUrl)}'\n`
        )
        // As people use it: redis-cli takes a password without a user for that of a user without a name.
        const ping = '. "$0"; cli=$(command -v redis-cli || command -v valkey-cli); "$cli" -u "$REDIS_URL" ping'
        const { stderr, stdout } = spawnSync("/bin/sh", ["-c", ping, started.envFile], { encoding: "utf8" })
        assert.strictEqual(stdout.trim(), "PONG", stderr)
        return [redisPid(dataDir), postgresPid(dataDir)]
      }).pipe(Effect.scoped)
      yield* untilGone(pids)
      yield* Effect.flatMap(both(dataDir), expectKept)
    }).pipe(Effect.provide(quiet))
  )

  it.live("stop soon also where Redis refuses to at first, and are not killed", () =>
    Effect.gen(function* () {
      const dataDir = yield* dataFolder
      const { logFile, stop, url } = yield* startRedis({ dataDir })
      yield* redis(url, async (client) => {
        await client.mset(Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`key-${index}`, index])))
        await client.config("SET", "appendonly", "no")
        // In microseconds: the file takes half a second.
        await client.config("SET", "rdb-key-save-delay", "5000")
        await client.config("SET", "appendonly", "yes")
      })
      yield* within(5_000, stop)
      assert.match(readFileSync(logFile, "utf8"), /can't exit.*bye bye/s)
    }).pipe(Effect.scoped, Effect.provide(quiet))
  )

  it.live("are ended by the next start where their owner was killed, and keep their data", () =>
    Effect.gen(function* () {
      const dataDir = yield* dataFolder
      const killed = yield* owner(dataDir, "both")
      assert.include(yield* firstWords(killed), "started")
      const envFile = join(dataDir, "env")
      yield* write({ redisUrl: urlIn(envFile, "REDIS_URL"), databaseUrl: urlIn(envFile, "DATABASE_URL"), envFile })
      const orphans = [redisPid(dataDir), postgresPid(dataDir)]
      yield* Effect.promise(() => kill(killed))
      assert.notInclude(orphans.map(identify), undefined)

      yield* Effect.scoped(Effect.flatMap(both(dataDir), expectKept))
      yield* untilGone(orphans)
    }).pipe(Effect.provide(quiet))
  )

  it.live("refuse a second owner, and have one of several that find a killed one's lock", () =>
    Effect.gen(function* () {
      const dataDir = yield* dataFolder
      const killed = yield* owner(dataDir, "redis")
      assert.include(yield* firstWords(killed), "started")
      const refused = yield* Effect.flip(startEmbedded({ dataDir, redis: true, postgres: false }))
      assert.include(refused.message, `in use by another tallykeep, process ${killed.pid}`)
      assert.include(refused.message, dataDir)

      yield* Effect.promise(() => kill(killed))
      const racers = yield* Effect.forEach([1, 2, 3, 4], () => owner(dataDir, "redis"))
      const words = yield* Effect.forEach(racers, firstWords, { concurrency: "unbounded" })
      assert.deepStrictEqual(words.map((text) => text.includes("started")).sort(), [false, false, false, true])
      const running = redisPid(dataDir)
      yield* Effect.forEach(racers, (racer) => Effect.promise(() => kill(racer)))

      yield* Effect.scoped(startEmbedded({ dataDir, redis: false, postgres: false }))
      yield* untilGone([running])
    }).pipe(Effect.provide(quiet))
  )

  it.live("leave alone what has the pid of a former owner or server", () =>
    Effect.gen(function* () {
      const dataDir = yield* dataFolder
      yield* Effect.scoped(startEmbedded({ dataDir, redis: true, postgres: false }))
      const stranger = yield* Effect.acquireRelease(
        Effect.sync(() => spawn("sleep", ["60"])),
        (child) => Effect.promise(() => kill(child))
      )
      writeFileSync(join(dataDir, "redis/redis.pid"), `${stranger.pid}\n`)
      symlinkSync(`${stranger.pid} another-start`, join(dataDir, "lock/1000"))
      yield* Effect.scoped(startEmbedded({ dataDir, redis: true, postgres: false }))
      assert.isNull(stranger.signalCode)
      assert.deepStrictEqual(readdirSync(join(dataDir, "lock")), ["1001"])
      // Given back, it can be had again, and only once.
      yield* ownDataFolder(dataDir)
      assert.include((yield* Effect.flip(ownDataFolder(dataDir))).message, `process ${process.pid}`)
    }).pipe(Effect.provide(quiet))
  )

  it.live("come back on the same port with their data after a crash, and say that they died", () =>
    Effect.gen(function* () {
      const dataDir = yield* dataFolder
      const lines: Array<unknown> = []
      const errors = collect(lines, "Error")
      const first = yield* startRedis({ dataDir }).pipe(Effect.provide(errors))
      yield* redis(first.url, (client) => client.set("key", "kept"))
      yield* first.signal("SIGKILL")
      const died = /Redis has died \(SIGKILL\), saying ".*connections". Its log is .*redis\.log/
      yield* eventually(Effect.sync(() => assert.match(`${lines}`, died)))
      // A write that was cut off by the crash.
      const log = join(dataDir, "redis/appendonlydir/appendonly.aof.1.incr.aof")
      if (statSync(log, { throwIfNoEntry: false }) !== undefined) appendFileSync(log, "*3\r\n$3\r\nset\r\n$3")
      const again = yield* startRedis({ dataDir, port: first.port })
      assert.strictEqual(Redacted.value(again.url), Redacted.value(first.url))
      assert.strictEqual(yield* redis(again.url, (client) => client.get("key")), "kept")

      const database = yield* startPostgres({ dataDir }).pipe(Effect.provide(errors))
      yield* query(database.url, "create table kept (a int)")
      yield* database.signal("SIGKILL")
      yield* eventually(Effect.sync(() => assert.include(`${lines}`, "PostgreSQL has died (SIGKILL)")))
      const recovered = yield* startPostgres({ dataDir, port: database.port })
      assert.deepStrictEqual(yield* query(recovered.url, "select * from kept"), [])
      // Stopped, it is told to go on and to end.
      yield* recovered.signal("SIGSTOP")
      yield* recovered.stop
      assert.isUndefined(identify(recovered.pid))
    }).pipe(Effect.provide(quiet))
  )

  it.live("are started again where they die, as soon as that is possible, on the same ports and with their data", () =>
    Effect.gen(function* () {
      const dataDir = yield* dataFolder
      const lines: Array<unknown> = []
      const started = yield* both(dataDir).pipe(Effect.provide(collect(lines, "Info")))
      yield* write(started)
      const killBoth = Effect.sync(() => {
        for (const pid of [redisPid(dataDir), postgresPid(dataDir)]) process.kill(pid, "SIGKILL")
      })
      yield* killBoth
      yield* eventually(expectKept(started))
      const away = Effect.andThen(withPath("/nowhere"), () =>
        Effect.andThen(
          killBoth,
          eventually(Effect.sync(() => assert.match(`${lines}`, /no redis-server .*It is tried again/)))
        )
      )
      yield* Effect.scoped(away)
      yield* eventually(expectKept(started))
      yield* killBoth
      yield* eventually(expectKept(started))
      assert.strictEqual(`${lines}`.match(/Redis has died/g)?.length, 3)
    }).pipe(Effect.provide(quiet))
  )

  it.live.skipIf(process.getuid?.() !== 0)(
    "run as another user where root starts them, from a folder only root enters",
    () =>
      Effect.gen(function* () {
        const dataDir = yield* dataFolder
        assert.strictEqual(statSync(dirname(dataDir)).mode & 0o777, 0o700)
        const server = yield* startPostgres({ dataDir })
        const uids = /^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${server.pid}/status`, "utf8"))
        assert.notStrictEqual(uids?.[1], "0")
        assert.strictEqual(statSync(join(dataDir, "postgres/data")).uid, Number(uids?.[1]))
        assert.notInclude(commandLine(server.pid), dataDir)
      }).pipe(Effect.provide(quiet))
  )

  it.live.each(["Redis server v=6.2.14 sha=0", "Redis server v=4.0.9 sha=0"])(
    "say what is needed where redis-server is too old, as bootstrap does: %s",
    (version) =>
      Effect.gen(function* () {
        const [dataDir, bin] = [yield* dataFolder, yield* dataFolder]
        writeFileSync(join(bin, "redis-server"), `#!/bin/sh\necho "${version} malloc=libc"\n`, { mode: 0o755 })
        const bootstrap = runBootstrap("check_redis", bin)
        yield* withPath(bin)
        const { message } = yield* Effect.flip(startEmbedded({ dataDir, redis: true, postgres: false }))
        for (const said of [message, bootstrap.stderr]) {
          assert.match(said, /version (6\.2\.14|4\.0\.9)/)
          assert.include(said, "Redis 7.0 or newer")
          assert.include(said, "REDIS_URL")
        }
        assert.strictEqual(bootstrap.status, 1)
      }).pipe(Effect.provide(quiet))
  )

  it.live.each([
    { redis: "5:7.0.15-1~deb12u10", valkey: "(none)", installed: "redis-server" },
    { redis: "5:6.0.16-1+deb11u2", valkey: "8.1.1+dfsg1-1", installed: "valkey-server" },
    { redis: "5:6.0.16-1+deb11u2", valkey: "", installed: undefined },
    { redis: "", valkey: "", installed: undefined }
  ])(
    "install no Redis that is too old, and say where a newer one is: $redis, $valkey",
    ({ installed, redis, valkey }) =>
      Effect.gen(function* () {
        const bin = yield* dataFolder
        const asked = join(bin, "asked")
        const programs = {
          "apt-get": `echo "$@" >> ${asked}`,
          "apt-cache": `case $2 in redis-server) v="${redis}" ;; *) v="${valkey}" ;; esac
          [ -z "$v" ] || printf '%s:\\n  Installed: (none)\\n  Candidate: %s\\n  Version table:\\n' "$2" "$v"`,
          id: "echo 0",
          systemctl: ":",
          service: ":",
          "redis-server": ":"
        }
        for (const [name, does] of Object.entries(programs)) {
          writeFileSync(join(bin, name), `#!/bin/sh\n${does}\n`, { mode: 0o755 })
        }
        const { status, stderr } = runBootstrap("install_redis", bin)
        const installs = readFileSync(asked, "utf8").match(/install .*/g) ?? []
        assert.deepStrictEqual(
          installs.map((line) => line.split(" ").at(-1)),
          installed === undefined ? [] : [installed]
        )
        assert.strictEqual(status, installed === undefined ? 1 : 0, stderr)
        if (installed !== undefined) return
        assert.match(stderr, /packages\.redis\.io.*-backports redis-server.*REDIS_URL/)
      }).pipe(Effect.provide(quiet))
  )

  it.live("say what to do where there is no redis-server", () =>
    Effect.gen(function* () {
      const dataDir = yield* dataFolder
      yield* withPath("/nowhere")
      const { message } = yield* Effect.flip(startEmbedded({ dataDir, redis: true, postgres: false }))
      assert.include(message, "apt-get install redis-server")
      assert.include(message, "REDIS_URL")
    }).pipe(Effect.provide(quiet))
  )
})
