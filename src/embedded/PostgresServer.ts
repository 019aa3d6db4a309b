import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { Effect, Redacted, type Scope } from "effect"
import { attempt, type EmbeddedError } from "./EmbeddedError.ts"
import { passwordIn } from "./Password.ts"
import { type Binaries, findPostgres, prepareBinaries } from "./PostgresBinaries.ts"
import { type PostgresFolder, postgresFolder } from "./PostgresFolder.ts"
import { commandLine, type Ending, end, identify } from "./Processes.ts"
import { freePort, retryWhileInUse, runServer, type Server } from "./ServerProcess.ts"
import { runTool } from "./Tool.ts"

/** Fast shutdown, then immediate, in which the server kills what does not answer after 5 s. */
const ending: Ending = [
  ["SIGINT", 10_000],
  ["SIGQUIT", 7_000],
  ["SIGKILL", 5_000]
]

const name = "tallykeep"

const env: NodeJS.ProcessEnv = { PATH: process.env.PATH, LC_ALL: "C", TZ: "UTC" }

const settings = (port: number): ReadonlyArray<string> =>
  [
    "listen_addresses=127.0.0.1",
    `port=${port}`,
    "unix_socket_directories=",
    "max_connections=100",
    "fsync=on",
    "logging_collector=off",
    "log_checkpoints=off",
    "log_line_prefix=%m [%p] ",
    "timezone=UTC",
    "log_timezone=UTC"
  ].flatMap((setting) => ["-c", setting])

const initdbArgs = (draft: string, passwordFile: string): ReadonlyArray<string> => [
  `--pgdata=${draft}`,
  `--username=${name}`,
  `--pwfile=${passwordFile}`,
  "--auth=scram-sha-256",
  "--encoding=UTF8",
  "--locale=C",
  "--no-instructions"
]

/** Makes the database under another name first: one that is only half made is never taken for a whole one. */
const create = Effect.fnUntraced(function* (place: PostgresFolder, binaries: Binaries, password: string) {
  const { folder, account } = place
  const data = join(folder, "data")
  if (existsSync(data)) return
  const doing = "create the embedded database"
  const draft = join(folder, `draft-${Date.now()}-${process.pid}`)
  const passwordFile = `${draft}.password`
  yield* attempt(doing, () => {
    for (const left of readdirSync(folder)) {
      if (left.startsWith("draft-")) rmSync(join(folder, left), { recursive: true, force: true })
    }
    mkdirSync(draft, { mode: 0o700 })
    writeFileSync(passwordFile, `${password}\n`, { mode: 0o600, flag: "wx" })
    if (account !== undefined) for (const path of [draft, passwordFile]) chownSync(path, account.uid, account.gid)
  })
  const run = { doing, cwd: folder, env, account }
  yield* runTool({ ...run, command: binaries.initdb, args: initdbArgs(draft, passwordFile) })
  yield* runTool({
    ...run,
    command: binaries.postgres,
    args: ["--single", "-D", draft, "postgres"],
    input: `create database ${name};\n`
  })
  yield* attempt(doing, () => {
    rmSync(passwordFile)
    renameSync(draft, data)
  })
})

/** Returns the lines of the file in which the server that runs on `data` tells its pid (the 1st) and state (the 8th). */
const pidFile = (data: string): ReadonlyArray<string> => {
  const file = join(data, "postmaster.pid")
  return existsSync(file) ? readFileSync(file, "utf8").split("\n") : []
}

const isReady = (data: string, pid: number): boolean => {
  const lines = pidFile(data)
  return lines[0] === `${pid}` && lines[7]?.trim() === "ready"
}

/** Ends the PostgreSQL of a program that was killed. */
export const endOrphanedPostgres = Effect.fnUntraced(function* (dataDir: string) {
  const data = join(dataDir, "postgres/data")
  const orphan = yield* attempt("look for a PostgreSQL left running", () => {
    const [pid] = pidFile(data)
    if (pid === undefined) return undefined
    const found = identify(Number(pid))
    // As the server's command line has it: where `postgres` is a link, it names what the link points to.
    const directory = pidFile(data)[1]
    if (directory !== undefined && commandLine(Number(pid)).includes(` -D ${directory} `)) return found
    // A new server would take any process of its user with that pid for a running server, and not start.
    if (found !== undefined) rmSync(join(data, "postmaster.pid"))
    return undefined
  })
  if (orphan === undefined) return
  yield* Effect.logWarning(`Ending the PostgreSQL of a tallykeep that was killed (process ${orphan.pid})`)
  yield* Effect.promise(() => end(orphan, ending))
})

/**
 * Starts a PostgreSQL whose data is kept under `dataDir` (as root: in /var/lib, with a link to it), on `port` or a free
 * one; it stops with the scope. The caller owns the folder: a server that runs on it already is an orphan, and is ended.
 */
export const startPostgres = Effect.fnUntraced(function* (options: {
  readonly dataDir: string
  readonly port?: number | undefined
}): Effect.fn.Return<Server, EmbeddedError, Scope.Scope> {
  const { dataDir } = options
  const log = join(dataDir, "postgres.log")
  const native = yield* findPostgres
  const place = yield* attempt("prepare a folder for the database", () => postgresFolder(dataDir))
  const { folder, home, account } = place
  const binaries = yield* attempt("prepare PostgreSQL's binaries", () =>
    prepareBinaries(native, home, account !== undefined)
  )
  yield* endOrphanedPostgres(dataDir)
  const password = yield* attempt("keep a password", () => passwordIn(join(dataDir, "postgres.password")))
  yield* create(place, binaries, password)

  const data = join(folder, "data")
  return yield* Effect.gen(function* () {
    const port = options.port ?? (yield* freePort)
    const server = yield* runServer({
      name: "PostgreSQL",
      command: binaries.postgres,
      args: ["-D", data, ...settings(port)],
      cwd: folder,
      env,
      account,
      logFile: log,
      ending,
      ready: async (pid) => isReady(data, pid)
    })
    const url = Redacted.make(`postgres://${name}:${password}@127.0.0.1:${port}/${name}`)
    return { ...server, port, logFile: log, url }
  }).pipe(retryWhileInUse(log))
})
