import { assert, layer } from "@effect/vitest"
import { Effect, Schedule } from "effect"
import { SqlClient } from "effect/sql"
import { Ledger } from "../../src/ledger/Ledger.ts"
import { searchPolls } from "../../src/ledger/PollSearch.ts"
import { type AcceptedVote, VoteColumns } from "../../src/ledger/VoteColumns.ts"
import { layerServers } from "../support/servers.ts"
import { createPoll, voteAt } from "../support/votes.ts"

const now = Date.now()
const rules = { kind: "ranked", max: 3, method: "irv", seats: 1, tieBreak: "draw" } as const
const options = [..."abcdef"].map((id) => ({ id, label: id }))
const rankings = options.flatMap(({ id: first }) =>
  options.flatMap(({ id: second }) =>
    options.flatMap(({ id: third }) =>
      new Set([first, second, third]).size === 3 ? [`${first}>${second}>${third}`] : []
    )
  )
)

layer(layerServers(), { excludeTestServices: true })("the plans of the counting functions", (it) => {
  it.effect(
    "read no table from end to end, though they were made while it was small, and no partition or poll without their votes",
    () =>
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const ledger = yield* Ledger
        const poll = yield* createPoll({ options, rules, ballot: "changeable", identity: "browser" })
        yield* sql`insert into poll (slug, title, ballot) select 'other-' || n, 'Other', 'open' from generate_series(1, 1000) n`
        yield* sql`analyze poll`
        const reads = Effect.map(
          sql<{ seeks: bigint; read: bigint; elsewhere: bigint; polls: bigint }>`
          select sum(idx_scan)::bigint as seeks, sum(seq_tup_read)::bigint as read,
            (select idx_scan from pg_stat_user_tables where relname = 'vote_event_other') as elsewhere,
            (select sum(idx_tup_read)::bigint from pg_stat_user_indexes where relname = 'poll') as polls
          from pg_stat_user_tables where relname in ('ballot', 'choice_tally', 'vote_event_first')`,
          ([row]) => ({
            seeks: Number(row?.seeks),
            read: Number(row?.read),
            elsewhere: Number(row?.elsewhere),
            polls: Number(row?.polls)
          })
        )
        const count = (votes: ReadonlyArray<AcceptedVote>) => ledger.count(VoteColumns.of(votes))
        // Few votes first, as often as it takes for a plan to be kept; then many, of which some come twice.
        for (let few = 0; few < 10; few++) yield* count([voteAt(now, poll, "a>b", `${few % 2}`)])
        const many = rankings.map((ranking, index) => voteAt(now, poll, ranking, `${index % 80}`))
        yield* count(many)
        yield* count([...many.slice(-40), ...rankings.map((ranking, index) => voteAt(now, poll, ranking, `${index}`))])
        // The server tells of a connection's reads later, after 10 s at most.
        const { elsewhere, polls, read } = yield* Effect.retry(
          Effect.filterOrFail(reads, ({ seeks }) => seeks > 2 * rankings.length),
          { schedule: Schedule.spaced("50 millis"), times: 1000 }
        )
        assert.deepStrictEqual({ elsewhere, read }, { elsewhere: 0, read: 0 })
        assert.isBelow(polls, 1000)
      })
  )

  it.effect("give many choices their tallies, of which none, some and all were made before", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const ledger = yield* Ledger
      const poll = yield* createPoll({ options, rules, ballot: "open", identity: "anyone" })
      const late = new Set(rankings.slice(-10))
      const batches = [rankings.filter((ranking) => !late.has(ranking)), rankings, rankings]
      for (const batch of batches) yield* ledger.count(VoteColumns.of(batch.map((one) => voteAt(now, poll, one))))
      const rows = yield* sql<{ choice: string; count: bigint }>`
        select choice, count from choice_tally where poll = ${poll} order by choice`
      assert.deepStrictEqual(
        rows.map(({ choice, count }) => [choice, Number(count)]),
        rankings.toSorted().map((ranking) => [ranking, late.has(ranking) ? 2 : 3])
      )
      const [sums] = yield* sql<{ votes: bigint }>`select sum(count)::bigint as votes from tally where poll = ${poll}`
      assert.strictEqual(Number(sums?.votes), batches.flat().length)
    })
  )
})

/** A node of a plan, as PostgreSQL tells it. */
interface Plan {
  readonly "Relation Name"?: string
  readonly "Actual Rows": number
  readonly "Actual Loops": number
  readonly "Rows Removed by Filter"?: number
  readonly Plans?: ReadonlyArray<Plan>
}

/** Returns how many rows of tables a plan has read. */
const rowsRead = (plan: Plan): number =>
  (plan.Plans ?? []).reduce(
    (sum, part) => sum + rowsRead(part),
    plan["Relation Name"] === undefined
      ? 0
      : plan["Actual Loops"] * (plan["Actual Rows"] + (plan["Rows Removed by Filter"] ?? 0))
  )

layer(layerServers(), { excludeTestServices: true })("the organiser's list", (it) => {
  it.effect.each([{ after: undefined }, { after: "many-500" }])(
    "reads no more polls than it shows, after $after",
    ({ after }) =>
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        yield* (yield* Ledger).migrated
        yield* sql`
          insert into poll (slug, title, ballot, created_at)
          select 'many-' || n, 'Many', 'open', now() - n * interval '1 minute' from generate_series(1, 1000) n
          on conflict do nothing`
        yield* sql`analyze poll`
        const search = searchPolls(sql, { text: "", status: undefined, after, limit: 26 }, now)
        const found = yield* search
        assert.lengthOf(found, 26)
        if (after !== undefined) assert.strictEqual(found[0]?.slug, "many-501")
        const [text, values] = search.compile()
        const [explained] = yield* sql.unsafe<{ "QUERY PLAN": readonly [{ readonly Plan: Plan }] }>(
          `explain (analyze, format json) ${text}`,
          values
        )
        const plan = explained?.["QUERY PLAN"][0].Plan ?? assert.fail("There is no plan")
        assert.isAtMost(rowsRead(plan), 2 * 26)
        assert.isAbove(rowsRead(plan), 25)
      })
  )
})
