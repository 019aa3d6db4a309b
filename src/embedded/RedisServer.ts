import { spawnSync } from "node:child_process"
import { accessSync, constants, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { connect } from "node:net"
import { delimiter, join } from "node:path"
import { Effect, Redacted, type Scope } from "effect"
import { attempt, EmbeddedError } from "./EmbeddedError.ts"
import { passwordIn } from "./Password.ts"
import { commandLine, type Ending, end, identify } from "./Processes.ts"
import { freePort, retryWhileInUse, runServer, type Server } from "./ServerProcess.ts"

/** Asked again each second: Redis refuses, and forgets it, while its first append-only file is made, as where it has followed another one. */
const ending: Ending = [...Array.from({ length: 10 }, () => ["SIGTERM", 1_000] as const), ["SIGKILL", 5_000]]

const files = (dataDir: string) => ({
  folder: join(dataDir, "redis"),
  config: join(dataDir, "redis/redis.conf"),
  pidFile: join(dataDir, "redis/redis.pid"),
  password: join(dataDir, "redis.password"),
  log: join(dataDir, "redis.log")
})

const executable = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** What is found on PATH must be this version of Redis, or newer; Valkey's versions go on from there. */
const oldestVersion = 7

/** Returns the version that a server says it is; undefined where it says none. */
const versionOf = (path: string): string | undefined => {
  const { stdout } = spawnSync(path, ["--version"], { encoding: "utf8", timeout: 5_000 })
  return / v=(\S+)/.exec(stdout ?? "")?.[1]
}

const findServer = (): string => {
  const folders = (process.env.PATH ?? "").split(delimiter).filter((folder) => folder !== "")
  let tooOld: string | undefined
  for (const name of ["redis-server", "valkey-server"]) {
    const found = folders.map((folder) => join(folder, name)).find(executable)
    if (found === undefined) continue
    const version = versionOf(found)
    if (version === undefined || Number.parseInt(version, 10) >= oldestVersion) return found
    tooOld ??= `${found} is version ${version}`
  }
  if (tooOld !== undefined) {
    throw new EmbeddedError({
      message:
        `${tooOld}, and tallykeep needs Redis ${oldestVersion}.0 or newer (or Valkey). Install that, so that it comes first ` +
        "on PATH, or set REDIS_URL to one that runs already."
    })
  }
  throw new EmbeddedError({
    message:
      "There is no redis-server (or valkey-server) on PATH. Install it (Debian, Ubuntu: `apt-get install redis-server`; " +
      "macOS: `brew install redis`), or set REDIS_URL to a Redis that runs already."
  })
}

/** An accepted vote is on disk before it is confirmed (`always`), and none makes room for another (`noeviction`). */
const configure = (dataDir: string, port: number, password: string, more: ReadonlyArray<string>): void => {
  const { folder, config, pidFile } = files(dataDir)
  const lines = [
    "bind 127.0.0.1",
    `port ${port}`,
    `requirepass ${password}`,
    `dir ${JSON.stringify(folder)}`,
    `pidfile ${JSON.stringify(pidFile)}`,
    'logfile ""',
    "daemonize no",
    "appendonly yes",
    "appendfsync always",
    "aof-load-truncated yes",
    'save ""',
    "maxmemory-policy noeviction",
    ...more
  ]
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  // The mode is that of a new file only.
  rmSync(config, { force: true })
  writeFileSync(config, `${lines.join("\n")}\n`, { mode: 0o600 })
}

const answersPing = (port: number, password: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1")
    const done = (ready: boolean) => {
      resolve(ready)
      socket.destroy()
    }
    let answer = ""
    socket.setTimeout(1_000, () => done(false))
    socket.on("error", () => done(false))
    socket.on("close", () => resolve(false))
    socket.on("data", (chunk) => {
      answer += chunk
      // While it loads its data it answers -LOADING.
      if (answer.split("\r\n").length > 2) done(answer.includes("+PONG"))
    })
    socket.write(`AUTH ${password}\r\nPING\r\n`)
  })

/** Ends the Redis of a program that was killed. */
export const endOrphanedRedis = Effect.fnUntraced(function* (dataDir: string) {
  const { config, pidFile } = files(dataDir)
  const orphan = yield* attempt("look for a Redis left running", () => {
    if (!existsSync(pidFile) || !existsSync(config)) return undefined
    const pid = Number(readFileSync(pidFile, "utf8"))
    const [, port] = /^port (\d+)$/m.exec(readFileSync(config, "utf8")) ?? []
    // Redis puts its address in the place of its arguments once it has started.
    const command = commandLine(pid)
    const ours =
      /(redis|valkey)-server/.test(command) && [`127.0.0.1:${port}`, config].some((is) => command.includes(is))
    return ours ? identify(pid) : undefined
  })
  if (orphan === undefined) return
  yield* Effect.logWarning(`Ending the Redis of a tallykeep that was killed (process ${orphan.pid})`)
  yield* Effect.promise(() => end(orphan, ending))
})

/**
 * Starts a Redis whose data is kept under `dataDir`, on `port` or a free one; it stops with the scope. The caller owns the
 * folder: a Redis that runs on it already is an orphan, and is ended.
 */
export const startRedis = Effect.fnUntraced(function* (options: {
  readonly dataDir: string
  readonly port?: number | undefined
  /** Further lines of its configuration. */
  readonly more?: ReadonlyArray<string>
}): Effect.fn.Return<Server, EmbeddedError, Scope.Scope> {
  const { dataDir, more = [] } = options
  const { folder, config, password: passwordFile, log } = files(dataDir)
  const command = yield* attempt("look for redis-server", findServer)
  yield* endOrphanedRedis(dataDir)
  const password = yield* attempt("keep a password for Redis", () => passwordIn(passwordFile))

  return yield* Effect.gen(function* () {
    const port = options.port ?? (yield* freePort)
    yield* attempt("configure Redis", () => configure(dataDir, port, password, more))
    const server = yield* runServer({
      name: "Redis",
      command,
      args: [config],
      cwd: folder,
      env: { PATH: process.env.PATH, LC_ALL: "C" },
      account: undefined,
      logFile: log,
      ending,
      ready: () => answersPing(port, password)
    })
    return { ...server, port, logFile: log, url: Redacted.make(`redis://default:${password}@127.0.0.1:${port}`) }
  }).pipe(retryWhileInUse(log))
})
