// A program that owns a data folder until it is killed: `node owner.ts <data folder> <redis|both>`.
// Writes "started", or the reason why not.
import { Console, Effect } from "effect"
import { startEmbedded } from "../../src/embedded/Embedded.ts"

const [dataDir = "", servers] = process.argv.slice(2)

// Ends together with whoever started it.
process.stdin.resume().once("end", () => process.exit(1))

Effect.runFork(
  startEmbedded({ dataDir, redis: true, postgres: servers === "both" }).pipe(
    Effect.andThen(Console.log("started")),
    Effect.andThen(Effect.never),
    Effect.scoped,
    Effect.catch((error) => Console.log(error.message))
  )
)
