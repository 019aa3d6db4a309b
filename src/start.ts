import { createHook } from "node:async_hooks"
import { fileURLToPath } from "node:url"
import v8 from "node:v8"
import { requireCompiled } from "./CompiledCode.ts"

/*
 * The entry of dist/main.js: how the program sits on Node, before any of it is loaded.
 */

/** The file that main.ts is built into, relative to this one. */
declare const TALLYKEEP_PROGRAM: string

const [first = "--role=all"] = process.argv.slice(2)

/**
 * The new space is as large as it gets, in bytes: V8 takes two halves of it and a page more. An answer costs 2 % less with
 * 32 MB than with 16; a consumer makes too little for that.
 */
const newSpaceLimit = (first === "--role=consumer" ? 16 : 32) * 2 ** 20

/** By how much V8 makes it larger, if it does at a collection: by itself, twice. */
const setGrowth = (factor: number): void => v8.setFlagsFromString(`--semi-space-growth-factor=${factor}`)

/**
 * Makes the new space that large at once. It starts with halves of 1 MB, and what a start makes stays: all of it would be
 * moved at each of the collections that it takes to grow. Where V8 does not go by the factor (Node 20), it does no harm.
 */
const growNewSpace = (): void => {
  setGrowth(newSpaceLimit / 2 / 2 ** 20)
  // It does so when more was kept at a collection than it had room for: 8 arrays of 160 KB, held until the last is made.
  Array.from({ length: 8 }, () => new Array<undefined>(20_000))
  setGrowth(2)
}

/**
 * Keeps V8 from growing the space for new objects to 134 MB under load, which a service that keeps nothing gains nothing
 * by. `--max-semi-space-size` says the same, in halves, where flags can be given.
 */
const limitNewSpace = (): void => {
  let full = false
  setInterval(() => {
    const space = v8.getHeapSpaceStatistics().find(({ space_name }) => space_name === "new_space")
    // In quiet times V8 makes it small again, and it has to grow again afterwards.
    const now = space !== undefined && space.space_size >= newSpaceLimit
    if (now === full) return
    full = now
    setGrowth(full ? 1 : 2)
  }, 50).unref()
}

/**
 * Keeps one of the objects that Node makes for each `process.nextTick`. When a quiet time's garbage collections leave
 * none, V8 forgets their shape and from then on makes them by a path several times as long: a quarter of the requests a
 * second, for as long as the process lives.
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

growNewSpace()
requireCompiled(
  fileURLToPath(new URL(TALLYKEEP_PROGRAM, import.meta.url)),
  first.replaceAll(/[^a-z]/g, "").slice(0, 20),
  limitNewSpace
)
keepTickShape()
