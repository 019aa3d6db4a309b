import { chownSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { connect } from "node:net"
import { tmpdir } from "node:os"
import { delimiter, join } from "node:path"
import { Effect, Redacted } from "effect"
import { unprivileged } from "../../src/embedded/PostgresFolder.ts"
import { freePort, runServer } from "../../src/embedded/ServerProcess.ts"

/** Where PgBouncer is, if it is installed. Debian puts it where only root's PATH leads. */
export const pgBouncer = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin"]
  .map((folder) => join(folder, "pgbouncer"))
  .find(existsSync)

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1")
    socket.once("connect", () => resolve(true))
    socket.once("error", () => resolve(false))
    socket.once("close", () => resolve(false))
    socket.once("connect", () => socket.destroy())
  })

/**
 * Starts a PgBouncer in transaction mode in front of the PostgreSQL at `url`, with fewer connections to it than its
 * clients make. It runs on `port`, or a free one, until the scope closes.
 */
export const startPgBouncer = Effect.fnUntraced(function* (url: Redacted.Redacted, givenPort?: number) {
  if (pgBouncer === undefined) return yield* Effect.die(new Error("There is no pgbouncer"))
  const server = new URL(Redacted.value(url))
  const port = givenPort ?? (yield* freePort)
  // It refuses to run as root.
  const account = process.getuid?.() === 0 ? unprivileged() : undefined
  const folder = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "tallykeep-pgbouncer-"))),
    (made) => Effect.sync(() => rmSync(made, { recursive: true, force: true }))
  )
  const [config, users] = [join(folder, "pgbouncer.ini"), join(folder, "users.txt")]
  writeFileSync(users, `"${server.username}" "${server.password}"\n`)
  writeFileSync(
    config,
    `[databases]
* = host=127.0.0.1 port=${server.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = ${users}
pool_mode = transaction
default_pool_size = 3
server_login_retry = 1
`
  )
  if (account !== undefined) for (const path of [folder, config, users]) chownSync(path, account.uid, account.gid)
  const bouncer = yield* runServer({
    name: "PgBouncer",
    command: pgBouncer,
    args: [config],
    cwd: folder,
    env: { PATH: process.env.PATH },
    account,
    logFile: join(folder, "pgbouncer.log"),
    ending: [["SIGKILL", 5_000]],
    ready: () => answers(port)
  })
  const through = new URL(server)
  through.port = `${port}`
  return { ...bouncer, port, url: Redacted.make(through.href) }
})
