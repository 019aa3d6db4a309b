import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmdirSync,
  statSync,
  symlinkSync,
  writeFileSync
} from "node:fs"
import { join } from "node:path"
import { EmbeddedError } from "./EmbeddedError.ts"
import type { Account } from "./ServerProcess.ts"

/** Where the database of a data folder lies, and who runs it: undefined for the user who runs the program. */
export interface PostgresFolder {
  /** Holds `data`. */
  readonly folder: string
  /** Where a copy of the binaries may be put. */
  readonly home: string
  readonly account: Account | undefined
}

/** A folder that everyone can reach, whoever may enter the data folder. */
const homeOfRoot = "/var/lib/tallykeep"

/** Returns the user to run a server as that refuses to be run by root. */
export const unprivileged = (): Account => {
  const users = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .map((line) => line.split(":"))
  for (const name of ["postgres", "nobody"]) {
    const [, , uid, gid] = users.find(([user]) => user === name) ?? []
    // macOS has -2 for nobody.
    if (uid !== undefined && gid !== undefined) return { uid: Number(uid) >>> 0, gid: Number(gid) >>> 0 }
  }
  throw new EmbeddedError({
    message:
      "PostgreSQL does not run as root, and there is neither a user postgres nor nobody to run it as. " +
      "Start tallykeep as another user, or set DATABASE_URL to a PostgreSQL that runs already."
  })
}

/** Returns the user who owns the database; a later start keeps to that one. */
const accountFor = (folder: string): Account => {
  const owner = statSync(join(folder, "data"), { throwIfNoEntry: false })
  return owner === undefined || owner.uid === 0 ? unprivileged() : { uid: owner.uid, gid: owner.gid }
}

const makeFolder = (link: string, dataDir: string): string => {
  mkdirSync(homeOfRoot, { recursive: true })
  // Whatever the process's umask is.
  chmodSync(homeOfRoot, 0o755)
  const folder = mkdtempSync(join(homeOfRoot, "database-"))
  chmodSync(folder, 0o755)
  writeFileSync(join(folder, "belongs-to"), dataDir)
  symlinkSync(folder, link)
  return folder
}

/** Fails where the data folder is a copy, which would share the database with the original; it may have been moved. */
const checkBelongs = (folder: string, link: string, dataDir: string): void => {
  if (!existsSync(folder)) {
    throw new EmbeddedError({
      message:
        `The database of the data folder ${dataDir} lay in ${folder}, and is gone. ` +
        `Remove ${dataDir} to start with no data, or set DATABASE_URL to another database.`
    })
  }
  const file = join(folder, "belongs-to")
  const original = join(readFileSync(file, "utf8"), "postgres")
  const isCopy = original !== link && existsSync(original) && realpathSync(original) === folder
  if (isCopy) {
    throw new EmbeddedError({
      message: `The data folder ${dataDir} is a copy: its database is that of ${original}. Set DATA_DIR to a new folder.`
    })
  }
  if (original !== link) writeFileSync(file, dataDir)
}

/**
 * Finds the database's folder, or makes it. PostgreSQL refuses to run as root, and another user can't enter the folders
 * of root. So for root it is a folder of its own in /var/lib, and `postgres` in the data folder is a link to it; for other
 * users it is `postgres` itself.
 */
export const postgresFolder = (dataDir: string): PostgresFolder => {
  const link = join(dataDir, "postgres")
  if (process.getuid?.() !== 0) {
    mkdirSync(link, { recursive: true, mode: 0o700 })
    return { folder: link, home: dataDir, account: undefined }
  }
  if (lstatSync(link, { throwIfNoEntry: false })?.isDirectory()) {
    if (readdirSync(link).length > 0) return { folder: link, home: homeOfRoot, account: accountFor(link) }
    rmdirSync(link)
  }
  const known = lstatSync(link, { throwIfNoEntry: false }) !== undefined
  if (!known) {
    const made = makeFolder(link, dataDir)
    return { folder: made, home: homeOfRoot, account: accountFor(made) }
  }
  const folder = existsSync(link) ? realpathSync(link) : readlinkSync(link)
  checkBelongs(folder, link, dataDir)
  return { folder, home: homeOfRoot, account: accountFor(folder) }
}
