import { type Bench, interleave, ratioRow, voteRows } from "./harness.ts"
import { runVoters } from "./ingestVoters.ts"
import { barePeer, installedPeer, pythonPeer } from "./support/peers.ts"
import { api, connections, makeSide, show } from "./support/taking.ts"

export const ingest: Bench = {
  name: "ingest",
  about: `votes taken by one process over ${connections} connections, each on disk in Redis before its answer`,
  run: async (context) => {
    const made = [
      makeSide(context, "tallykeep", api),
      makeSide(context, "bare node:http", barePeer("ingest-node.mjs")),
      makeSide(context, "Fastify", installedPeer(context, "ingest-fastify.mjs")),
      makeSide(context, "FastAPI", pythonPeer(context, "ingest_fastapi.py"))
    ]
    const sides = made.map(({ side }) => side)
    const taken = await interleave(context, sides, show)
    for (const { close } of made) await close()
    const [ours = [], bare = [], fastify = [], fastapi = []] = taken.map((figures) => figures.map(({ rate }) => rate))
    const perCore = (index: number) => (taken[index] ?? []).map(({ cpu }) => 1 / (cpu.own ?? Number.NaN))
    return [
      ...voteRows(sides, taken),
      ratioRow("tallykeep / bare node:http", ours, bare, { atLeast: 0.75 }),
      ratioRow("tallykeep / Fastify", ours, fastify, { atLeast: 1 }),
      ratioRow("tallykeep / FastAPI", ours, fastapi),
      ratioRow("tallykeep / bare, per core", perCore(0), perCore(1)),
      ratioRow("tallykeep / Fastify, per core", perCore(0), perCore(2)),
      ratioRow("tallykeep / FastAPI, per core", perCore(0), perCore(3), { atLeast: 4 }),
      ...(await runVoters(context))
    ]
  }
}
