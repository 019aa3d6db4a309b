import { closeSync, existsSync, fstatSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import module from "node:module"
import { basename, dirname, join } from "node:path"
import vm from "node:vm"
import { crc32 } from "node:zlib"

/*
 * Node can keep compiled code between starts (module.enableCompileCache), but only what is compiled when a file is
 * loaded. V8 compiles a function when it is first called, so that is little of what a start runs: we keep the rest too.
 */

/** What became of the compiled code; the program tells it in its metrics and its log. */
export interface CompiledCode {
  /** `used`: that of a former start; `made`: none was there that could be used; `off`: none is kept. */
  readonly state: "used" | "made" | "off"
  /** Why it is not used or not kept, where it should be. Resolves when what this start keeps is written, if it is. */
  readonly problem: Promise<string | undefined>
}

declare global {
  var tallykeepCompiledCode: CompiledCode | undefined
}

/** By then, all that a start takes has run, also where Redis is away and waited for; in ms. */
const keepAfter = 3_000

/** Others may write into the folder for temporary files: code that is not from us, or from root, is not run. */
const isTrusted = ({ mode, uid }: { readonly mode: number; readonly uid: number }): boolean =>
  (mode & 0o022) === 0 && (uid === 0 || uid === process.getuid?.())

/** The length in bytes of the checksum at the file's end: V8 does not check, and ends the process over damaged code. */
const sumLength = 4

interface Kept {
  readonly code?: Buffer
  /** Why there is a file and no code. */
  readonly problem?: string
}

const read = (path: string): Kept => {
  if (!existsSync(path)) return {}
  try {
    const file = openSync(path, "r")
    try {
      if (!isTrusted(fstatSync(file))) return { problem: `${path} may have been written by others` }
      const kept = readFileSync(file)
      const code = kept.subarray(0, -sumLength)
      return crc32(code) === kept.readUInt32LE(code.length) ? { code } : { problem: `${path} is damaged` }
    } finally {
      closeSync(file)
    }
  } catch (error) {
    return { problem: `${path} can't be read: ${error}` }
  }
}

/** Writes beside the file and then puts it in its place, so that nobody reads half of it; returns what went wrong. */
const write = (path: string, code: Buffer): string | undefined => {
  const draft = `${path}.${process.pid}`
  const sum = Buffer.alloc(sumLength)
  sum.writeUInt32LE(crc32(code))
  try {
    writeFileSync(draft, Buffer.concat([code, sum]), { flag: "wx", mode: 0o644 })
    renameSync(draft, path)
    return undefined
  } catch (error) {
    // The next start takes as long as this one.
    rmSync(draft, { force: true })
    return `${path} can't be written: ${error}`
  }
}

/** What `require` has around a file. */
const head = "(function (exports, require, module, __filename, __dirname) {"
const tail = "\n})"

/**
 * Runs a file as `require` would, with what V8 compiled of it in a former start of the same `kind`. The file's name has
 * to change with its content. It is `require` itself where Node keeps no compiled code (before 22.8, with
 * NODE_DISABLE_COMPILE_CACHE=1, or where there is no folder to write to), and where the stack is to be shown by source
 * maps, which only `require` heeds.
 */
export const requireCompiled = (file: string, kind: string): void => {
  const require = module.createRequire(file)
  const enabled = module.enableCompileCache?.()
  // Its name stands for this Node, these flags and this user.
  const folder = module.getCompileCacheDir?.()
  if (folder === undefined || process.sourceMapsEnabled) {
    const hasFailed = enabled !== undefined && enabled.status === module.constants.compileCacheStatus.FAILED
    globalThis.tallykeepCompiledCode = {
      state: "off",
      problem: Promise.resolve(hasFailed ? enabled.message : undefined)
    }
    require(file)
    return
  }
  const path = join(folder, `${basename(file)}-${kind}`)
  const { code, problem } = read(path)
  // Not as UTF-8, which takes longer to read: the file is ASCII.
  const source = Buffer.concat([Buffer.from(head), readFileSync(file), Buffer.from(tail)]).toString("latin1")
  const script = new vm.Script(source, { filename: file, ...(code && { cachedData: code }) })
  const used = code !== undefined && !script.cachedDataRejected
  globalThis.tallykeepCompiledCode = used
    ? { state: "used", problem: Promise.resolve(undefined) }
    : { state: "made", problem: keepLater(script, path, problem ?? (code && `${path} was refused by V8`)) }
  const program = { exports: {} }
  script.runInThisContext()(program.exports, require, program, file, dirname(file))
}

/** Keeps what V8 compiles of the script while the program starts; a command ends sooner. */
const keepLater = (script: vm.Script, path: string, problem: string | undefined): Promise<string | undefined> =>
  new Promise((resolve) => {
    const keep = () => resolve(write(path, script.createCachedData()) ?? problem)
    const keepAtEnd = (code: number) => {
      // One that has failed has not run all that others do.
      if (code === 0) keep()
    }
    process.once("exit", keepAtEnd)
    setTimeout(() => {
      process.off("exit", keepAtEnd)
      keep()
    }, keepAfter).unref()
  })
