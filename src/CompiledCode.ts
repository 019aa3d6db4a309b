import { closeSync, fstatSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import module from "node:module"
import { basename, dirname, join } from "node:path"
import vm from "node:vm"
import { crc32 } from "node:zlib"

/*
 * Node can keep compiled code between starts (module.enableCompileCache), but only what is compiled when a file is
 * loaded. V8 compiles a function when it is first called, so that is little of what a start runs: we keep the rest too.
 */

/** When all that a start takes has run, also where Redis is away and waited for, in ms. */
const keepAfter = 3_000

/** Others may write into the folder for temporary files: what is not from us, or from root, is not run. */
const isTrusted = ({ mode, uid }: { readonly mode: number; readonly uid: number }): boolean =>
  (mode & 0o022) === 0 && (uid === 0 || uid === process.getuid?.())

/** The bytes of its checksum, at the file's end: V8 does not look, and ends the process over code that is damaged. */
const sumLength = 4

const read = (path: string): Buffer | undefined => {
  try {
    const file = openSync(path, "r")
    try {
      if (!isTrusted(fstatSync(file))) return undefined
      const kept = readFileSync(file)
      const code = kept.subarray(0, -sumLength)
      return crc32(code) === kept.readUInt32LE(code.length) ? code : undefined
    } finally {
      closeSync(file)
    }
  } catch {
    // The first start has none.
    return undefined
  }
}

/** Made beside it and put in its place, so that nobody reads the half of it. */
const write = (path: string, code: Buffer): void => {
  const draft = `${path}.${process.pid}`
  const sum = Buffer.alloc(sumLength)
  sum.writeUInt32LE(crc32(code))
  try {
    writeFileSync(draft, Buffer.concat([code, sum]), { flag: "wx", mode: 0o644 })
    renameSync(draft, path)
  } catch {
    // The folder can't be written or is full: the next start takes as long as this one.
    rmSync(draft, { force: true })
  }
}

/** What `require` has around a file. */
const head = "(function (exports, require, module, __filename, __dirname) {"
const tail = "\n})"

/**
 * Runs a file as `require` would, with what V8 compiled of it at a former start of the same `kind`. The file's name has
 * to change with its content. Where Node keeps no compiled code (before 22.8, or where there is no folder to write to)
 * and where the stack is to be shown by source maps, which only `require` heeds, it is `require`.
 *
 * V8 takes code only for the flags it was made with: `flagsAreFree` is called when they may change, which is at once or,
 * if there was no such code, when it has been kept.
 */
export const requireCompiled = (file: string, kind: string, flagsAreFree: () => void): void => {
  const require = module.createRequire(file)
  module.enableCompileCache?.()
  // Of this Node, these flags and this user.
  const folder = module.getCompileCacheDir?.()
  if (folder === undefined || process.sourceMapsEnabled) {
    require(file)
    flagsAreFree()
    return
  }
  const path = join(folder, `${basename(file)}-${kind}`)
  const cachedData = read(path)
  // Not as UTF-8, which takes longer to read: the file is ASCII.
  const source = Buffer.concat([Buffer.from(head), readFileSync(file), Buffer.from(tail)]).toString("latin1")
  const script = new vm.Script(source, {
    filename: file,
    ...(cachedData && { cachedData })
  })
  const program = { exports: {} }
  script.runInThisContext()(program.exports, require, program, file, dirname(file))
  if (cachedData !== undefined && !script.cachedDataRejected) {
    flagsAreFree()
    return
  }
  const keep = () => write(path, script.createCachedData())
  // A command ends sooner; one that has failed has not run all that others do.
  const keepAtEnd = (code: number) => {
    if (code === 0) keep()
  }
  process.once("exit", keepAtEnd)
  setTimeout(() => {
    process.off("exit", keepAtEnd)
    keep()
    flagsAreFree()
  }, keepAfter).unref()
}
