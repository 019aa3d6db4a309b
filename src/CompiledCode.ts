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

const nothing = () => undefined

/**
 * Runs a file as `require` would, with what V8 compiled of it at a former start of the same `kind`. The file's name has
 * to change with its content. Where Node keeps no compiled code (before 22.8, or where there is no folder to write to)
 * and where the stack is to be shown by source maps, which only `require` heeds, it is `require`.
 *
 * Gives what keeps the code at once, if that is still to be done: before V8's flags change, since it takes code for the
 * same flags only.
 */
export const requireCompiled = (file: string, kind: string): (() => void) => {
  const require = module.createRequire(file)
  module.enableCompileCache?.()
  // Of this Node, these flags and this user.
  const folder = module.getCompileCacheDir?.()
  if (folder === undefined || process.sourceMapsEnabled) {
    require(file)
    return nothing
  }
  const path = join(folder, `${basename(file)}-${kind}`)
  const cachedData = read(path)
  const source = `(function (exports, require, module, __filename, __dirname) {${readFileSync(file, "utf8")}\n})`
  const script = new vm.Script(source, {
    filename: file,
    ...(cachedData && { cachedData })
  })
  const program = { exports: {} }
  script.runInThisContext()(program.exports, require, program, file, dirname(file))
  if (cachedData !== undefined && !script.cachedDataRejected) return nothing
  const keep = () => {
    process.off("exit", keepAtEnd)
    clearTimeout(timer)
    if (!done) write(path, script.createCachedData())
    done = true
  }
  let done = false
  // A command ends sooner; one that has failed has not run all that others do.
  const keepAtEnd = (code: number) => {
    if (code === 0) keep()
  }
  process.once("exit", keepAtEnd)
  const timer = setTimeout(keep, keepAfter).unref()
  return keep
}
