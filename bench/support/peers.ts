import { spawnSync } from "node:child_process"
import { existsSync } from "node:fs"
import type { BenchContext } from "../harness.ts"
import { inBench } from "./processes.ts"

/** How a program is started; or why it can't be, here. */
export type Command = ReadonlyArray<string> | { readonly skipped: string }

/** A peer made of nothing that tallykeep is not made of. */
export const barePeer = (file: string, ...args: ReadonlyArray<string>): ReadonlyArray<string> => [
  process.execPath,
  inBench(`peers/${file}`),
  ...args
]

/** A peer whose packages script/bench installs. */
export const installedPeer = ({ quick }: BenchContext, file: string, ...args: ReadonlyArray<string>): Command => {
  if (quick) return inQuick
  return existsSync(inBench("node_modules"))
    ? barePeer(file, ...args)
    : { skipped: "bench/node_modules is not there; script/bench installs it" }
}

const inQuick = { skipped: "a quick look goes without" }

const modules = ["fastapi", "uvicorn", "uvloop", "httptools", "redis.asyncio", "hiredis"]

const hasModules = (python: string): boolean => spawnSync(python, ["-c", `import ${modules.join(", ")}`]).status === 0

/** A peer for a Python that has what it is made of; Debian's packages belong to Debian's, which may not be first on PATH. */
export const pythonPeer = ({ quick }: BenchContext, file: string): Command => {
  if (quick) return inQuick
  const python = ["python3", "/usr/bin/python3"].find(hasModules)
  return python === undefined
    ? { skipped: "needs Debian's python3-fastapi, -uvicorn, -uvloop, -httptools, -redis and -hiredis" }
    : [python, inBench(`peers/${file}`)]
}
