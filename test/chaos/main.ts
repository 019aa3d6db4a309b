// A chaos run: script/chaos [--minutes N] [--seconds N] [--seed S] [--flush | --failover]
import { randomInt } from "node:crypto"
import { existsSync, mkdtempSync, realpathSync, renameSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { Effect } from "effect"
import { makeDataFolder, removeDataFolder, removeLeftovers } from "../support/dataFolder.ts"
import { runFlush } from "./flush.ts"
import { runChaos } from "./run.ts"
import { failoverKinds, faultKinds } from "./schedule.ts"
import { openSite } from "./site.ts"

const usage = `Usage: script/chaos [--minutes N] [--seconds N] [--seed S] [--flush | --failover]

Votes, kills and breaks things for a while (a minute unless told), and then checks that each vote that got a 201 is
counted exactly once: exit code 0.

  --seed S   repeat the faults of a run
  --flush    empty Redis once instead: the votes not yet counted are lost, and nothing else may be
  --failover run with APPEND_REPLICAS=1, and lose Redis besides, again and again, so that its replica takes over`

/** Votes per second. */
const rate = 400

const readOptions = () => {
  const options = {
    minutes: { type: "string" },
    seconds: { type: "string" },
    seed: { type: "string" },
    flush: { type: "boolean", default: false },
    failover: { type: "boolean", default: false },
    help: { type: "boolean", default: false }
  } as const
  const { values } = parseArgs({ options })
  const number = (text: string | undefined, fallback: number) => (text === undefined ? fallback : Number(text))
  const given = values.minutes !== undefined || values.seconds !== undefined
  const seconds = given ? number(values.minutes, 0) * 60 + number(values.seconds, 0) : values.flush ? 10 : 60
  const seed = number(values.seed, randomInt(1_000_000))
  if (!(seconds > 0) || !Number.isSafeInteger(seed)) throw new Error("--minutes, --seconds and --seed want numbers")
  if (values.flush && values.failover) throw new Error("--flush and --failover are two runs")
  const run = { seconds, seed, rate, kinds: values.failover ? failoverKinds : faultKinds }
  return { ...values, run }
}

class Interrupted extends Error {}

const interrupted = new Promise<never>((_, reject) => {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    // A second signal, too, waits until everything that the run has started is gone.
    process.on(signal, () => reject(new Interrupted(`ended by ${signal}`)))
  }
})
interrupted.catch(() => undefined)

const run = async ({ failover, flush, run: options }: ReturnType<typeof readOptions>): Promise<number> => {
  await Effect.runPromise(removeLeftovers)
  const folders = [makeDataFolder(), makeDataFolder()] as const
  let code = 1
  try {
    const opening = openSite(folders, failover ? { APPEND_REPLICAS: "1" } : {})
    const site = await Promise.race([opening, interrupted]).catch(async (error: unknown) => {
      await opening.then((late) => late.close()).catch(() => undefined)
      throw error
    })
    try {
      console.log(`2 APIs, 3 consumers, ${rate} votes/s for ${options.seconds} s, --seed ${options.seed}`)
      const good = await Promise.race([flush ? runFlush(site, options) : runChaos(site, options), interrupted])
      code = good ? 0 : 1
    } finally {
      await site.close()
    }
  } catch (error) {
    if (error instanceof Interrupted) code = 130
    console.error(error instanceof Interrupted ? `The run was ${error.message}` : error)
  }
  if (code === 1) {
    // Moved out of the way of the next run, which removes leftovers.
    const place = mkdtempSync(join(tmpdir(), "tallykeep-chaos-"))
    for (const [index, folder] of folders.entries()) {
      const kept = join(place, `data-${index + 1}`)
      renameSync(folder, kept)
      const database = join(kept, "postgres")
      // If run by root, it is only a link.
      const where = existsSync(database) ? ` (its database in ${realpathSync(database)})` : ""
      console.log(`FAILED. The data and all logs are kept: ${kept}${where}`)
    }
    console.log(`The same faults again: --seed ${options.seed}`)
  } else folders.forEach(removeDataFolder)
  return code
}

try {
  const options = readOptions()
  if (options.help) console.log(usage)
  else process.exit(await run(options))
} catch (error) {
  console.error(`${error instanceof Error ? error.message : error}\n\n${usage}`)
  process.exit(64)
}
