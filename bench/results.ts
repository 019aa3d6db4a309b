import { type Bench, type BenchContext, interleave, ratioRow, type Side, sideRows } from "./harness.ts"
import { kill, type Launched } from "./support/processes.ts"
import { answerOf, connections, measureReads, type Read, showRead, startApi, startBare } from "./support/reading.ts"
import { makeSite } from "./support/site.ts"

const path = "/api/results"

/** Starts tallykeep, and a bare program without and with an option of Node's; all stay up, since nothing builds up in them. */
const withServers = async <A>(
  context: BenchContext,
  run: (servers: ReadonlyArray<readonly [name: string, server: Launched]>, etag: string) => Promise<A>
): Promise<A> => {
  const site = await makeSite(context.env)
  const running: Array<Launched> = []
  try {
    const ours = await startApi(site)
    running.push(ours)
    const answer = await answerOf(ours, path)
    const bare = await startBare(context, answer)
    running.push(bare)
    const optimized = await startBare(context, answer, "--optimized")
    running.push(optimized)
    const named = [["tallykeep", ours] as const, [bareName, bare] as const, [optimizedName, optimized] as const]
    return await run(named, answer.headers.etag ?? "")
  } finally {
    for (const server of running) await kill(server)
    await site.close()
  }
}

const [bareName, optimizedName] = ["bare node:http", "bare, optimizeEmptyRequests"]

export const results: Bench = {
  name: "results",
  about: `results read over ${connections} connections, beside the same bytes from a bare node:http program`,
  run: (context) =>
    withServers(context, async (servers, etag) => {
      const sidesOf = (status: number, known?: string) =>
        servers.map(
          ([name, server]): Side<Read> => ({
            name: `${name}, ${status}`,
            run: () => measureReads(server, context.quick, path, known)
          })
        )
      const sides = [...sidesOf(200), ...sidesOf(304, etag)]
      const taken = await interleave(context, sides, showRead)
      const [ok = [], ok1 = [], ok2 = [], known = [], known1 = [], known2 = []] = taken.map((figures) =>
        figures.map(({ rate }) => rate)
      )
      return [
        ...sideRows(
          sides,
          taken,
          "answers/s",
          ({ rate }) => rate,
          ({ cpu }) => cpu
        ),
        ratioRow(`tallykeep / ${bareName}, 200`, ok, ok1, { atLeast: 0.9 }),
        ratioRow(`tallykeep / ${bareName}, 304`, known, known1, { atLeast: 0.9 }),
        ratioRow(`tallykeep / ${optimizedName}, 200`, ok, ok2),
        ratioRow(`tallykeep / ${optimizedName}, 304`, known, known2)
      ]
    })
}
