import { type Bench, figureRow, interleave, type Row, ratioRow, type Side, sideRows, type Target } from "./harness.ts"
import { makeManyPolls, slugOf } from "./support/manyPolls.ts"
import { kill, type Launched, portOf } from "./support/processes.ts"
import { answerOf, connections, measureReads, type Read, showRead, startApi, startBare } from "./support/reading.ts"

const polls = 100

const votingPage = `/polls/${slugOf(0)}`

/** What is read, and what an answer may take of the CPU, in µs. */
const pagesOf = (
  style: string
): ReadonlyArray<{ readonly name: string; readonly path: string; readonly target?: Target }> => [
  { name: "voting page", path: votingPage },
  { name: "its style sheet", path: style },
  { name: "poll list", path: "/api/polls" },
  { name: "poll", path: `/api/polls/${slugOf(0)}` },
  { name: "results CSV", path: `/api/polls/${slugOf(0)}/results.csv` },
  { name: "metrics", path: "/metrics", target: { atMost: 100 } }
]

/** Has a vote in each poll, which then has series of its own in the metrics. */
const voteInEach = async (api: Launched): Promise<void> => {
  for (let n = 0; n < polls; n++) {
    const response = await fetch(`http://127.0.0.1:${portOf(api)}/api/polls/${slugOf(n)}/votes`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: '{"option":"cats"}'
    })
    await response.arrayBuffer()
    if (response.status !== 201) throw new Error(`A vote was answered with ${response.status}`)
  }
}

export const pagesBench: Bench = {
  name: "pages",
  about: `what is read besides results, with ${polls} polls, over ${connections} connections`,
  run: async (context) => {
    const site = await makeManyPolls(context.env, polls)
    const running: Array<Launched> = []
    try {
      const ours = await startApi(site)
      running.push(ours)
      await voteInEach(ours)
      const [style = ""] = /\/assets\/page[^"]+/.exec((await answerOf(ours, votingPage)).body) ?? []
      const pages = pagesOf(style)
      const sides: Array<Side<Read>> = []
      for (const { name, path } of pages) {
        const bare = await startBare(context, await answerOf(ours, path))
        running.push(bare)
        sides.push(
          { name: `${name}: tallykeep`, run: () => measureReads(ours, context.quick, path) },
          { name: `${name}: bare node:http`, run: () => measureReads(bare, context.quick, path) }
        )
      }
      const taken = await interleave(context, sides, showRead)
      const cpu = (index: number) => (taken[index] ?? []).map(({ cpu }) => cpu.own ?? Number.NaN)
      const rows = sideRows(
        sides,
        taken,
        "answers/s",
        ({ rate }) => rate,
        ({ cpu }) => cpu
      )
      return pages.flatMap(
        ({ name, target }, index): ReadonlyArray<Row> => [
          ...rows.slice(2 * index, 2 * index + 2),
          ratioRow(`${name}: tallykeep / bare, per core`, cpu(2 * index + 1), cpu(2 * index)),
          ...(target === undefined ? [] : [figureRow(`${name}: CPU each`, "µs", cpu(2 * index), { target })])
        ]
      )
    } finally {
      for (const server of running) await kill(server)
      await site.close()
    }
  }
}
