import { consume } from "./drain.ts"
import { type Bench, interleave, ratioRow, type Side, voteRows } from "./harness.ts"
import { makeBacklog } from "./support/backlog.ts"
import { type Counted, measureCounting } from "./support/counting.ts"
import { checkTotal } from "./support/manyPolls.ts"
import { makeSite } from "./support/site.ts"

const counts = [1, 2, 4]

export const consumers: Bench = {
  name: "consumers",
  about: "votes that wait in one poll, brought into PostgreSQL by one consumer and by more",
  run: async (context) => {
    const votes = context.votes ?? (context.quick ? 2_000 : 500_000)
    context.progress(`making ${votes.toLocaleString("en")} votes`)
    const backlog = await makeBacklog(context.env.REDIS_URL, votes)
    const sides = counts.map(
      (count): Side<Counted> => ({
        name: `${count} ${count === 1 ? "consumer" : "consumers"}`,
        run: async () => {
          const site = await makeSite(context.env)
          try {
            await backlog.copyTo(site.stream)
            const counted = await measureCounting(site, consume, votes, { processes: count })
            await checkTotal(site, votes)
            return counted
          } finally {
            await site.close()
          }
        }
      })
    )
    const taken = await interleave(context, sides, ({ rate }) => `${Math.round(rate)} votes/s`)
    await backlog.close()
    const rate = (index: number) => (taken[index] ?? []).map((figures) => figures.rate)
    return [...voteRows(sides, taken), ratioRow("2 / 1", rate(1), rate(0)), ratioRow("4 / 1", rate(2), rate(0))]
  }
}
