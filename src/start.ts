import { createHook } from "node:async_hooks"
import { fileURLToPath } from "node:url"
import { requireCompiled } from "./CompiledCode.ts"

/*
 * The entry of dist/main.js: how the program sits on Node, before any of it is loaded.
 */

/** The file that main.ts is built into, relative to this one. */
declare const TALLYKEEP_PROGRAM: string

/**
 * Keeps one of the objects that Node makes for each `process.nextTick`. When a quiet time's garbage collections leave
 * none, V8 forgets their shape, and from then on makes them by a path that takes several times as long, for as long as
 * the process lives. `script/bench quiet` shows it.
 */
const keepTickShape = (): void => {
  const hook = createHook({
    init: (_id, type, _trigger, resource) => {
      if (type === "TickObject") Object.defineProperty(process, Symbol("a tick"), { value: resource })
    }
  }).enable()
  process.nextTick(() => undefined)
  hook.disable()
}

/**
 * Loads the program. What signals come meanwhile it hears of when it is loaded, and has its own handlers: the first process of a container
 * that has none is not ended by a signal, and would go on as if nobody had asked.
 */
const load = (kind: string): void => {
  const signals = ["SIGINT", "SIGTERM"] as const
  const keep = () => undefined
  for (const signal of signals) process.on(signal, keep)
  requireCompiled(fileURLToPath(new URL(TALLYKEEP_PROGRAM, import.meta.url)), kind)
  for (const signal of signals) process.off(signal, keep)
}

const [first = "--role=all"] = process.argv.slice(2)
// Each role and each command runs other parts of the program.
const kind = first.replaceAll(/[^a-z]/g, "").slice(0, 20)

load(kind)
keepTickShape()
