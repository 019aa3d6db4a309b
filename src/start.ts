import module from "node:module"
import v8 from "node:v8"

/*
 * The entry of dist/main.js: how the program sits on Node, before any of it is loaded.
 */

/** The new space is as large as it gets, in bytes: V8 takes two halves of it and a page more. */
const newSpaceLimit = 16 * 2 ** 20

/**
 * Keeps V8 from growing the space for new objects to 134 MB under load, which a service that keeps nothing gains nothing
 * by. `--max-semi-space-size=8` says the same, where flags can be given.
 */
const limitNewSpace = (): void => {
  const timer = setInterval(() => {
    const space = v8.getHeapSpaceStatistics().find(({ space_name }) => space_name === "new_space")
    if (space === undefined || space.space_size < newSpaceLimit) return
    v8.setFlagsFromString("--semi-space-growth-factor=1")
    clearInterval(timer)
  }, 50).unref()
}

// Keeps the compiled code between starts, where Node can (22.8 on): the first answer comes sooner. Without it, or where its
// folder can't be written, the program starts as it always did.
module.enableCompileCache?.()
limitNewSpace()
await import("./main.ts")
// A process that is killed does not get to write it at its end.
setTimeout(() => module.flushCompileCache?.(), 1_000).unref()
