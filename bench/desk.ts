import { type Bench, figureRow, percentile } from "./harness.ts"
import { openDatabase } from "./support/database.ts"
import { kill, launchNode, portOf, production, tallykeep, untilReady } from "./support/processes.ts"
import { makeSite } from "./support/site.ts"

const adminToken = "the-token-of-a-benchmark"

/** Polls of all statuses, made a minute apart, every tenth of them in the archive; some have a history. */
const makePolls = (count: number): ReadonlyArray<string> => [
  `insert into poll (slug, title, description, ballot, created_at, draft, archived, opens_ms, closes_ms)
    select 'poll-' || n, 'Question ' || n || ' of ' || md5(n::text), repeat('About it. ', 20), 'open',
      now() - n * interval '1 minute', n % 7 = 0, n % 10 = 0,
      case n % 5 when 1 then (extract(epoch from now()) * 1000)::bigint + 86400000 end,
      case n % 5 when 2 then (extract(epoch from now()) * 1000)::bigint - 86400000 end
    from generate_series(1, ${count}) n`,
  `insert into tally (poll, option, label, position)
    select 'poll-' || n, 'option-' || place, 'Option ' || place, place
    from generate_series(1, ${count}) n, generate_series(0, 3) place`,
  `insert into admin_event (poll, who, what, after)
    select 'poll-' || (1 + n % ${count}), 'admin', 'edit', '{"title":"Question"}' from generate_series(1, ${count * 5}) n`,
  "analyze poll, tally, admin_event"
]

/** What is no view, and tells how busy the machine is that all of them are measured on. */
const bare = "a bare answer"

/** The views of the desk: what each asks for. */
const viewsOf = (count: number): ReadonlyArray<readonly [name: string, path: string]> => {
  const cursor = Buffer.from(`poll-${Math.floor(count / 2) + 1}`).toString("base64url")
  return [
    ["the list", "/api/polls?limit=25"],
    ["a page in its middle", `/api/polls?limit=25&cursor=${cursor}`],
    ["a search", `/api/polls?limit=25&q=question%20${Math.floor(count * 0.9)}`],
    ["a search that finds nothing", "/api/polls?limit=25&q=nothing%20at%20all"],
    ["those of a status", "/api/polls?limit=25&status=final"],
    ["the archive", "/api/polls?limit=25&status=archived"],
    ["a poll", "/api/polls/poll-11"],
    ["its results", "/api/polls/poll-11/results"],
    ["its history", "/api/polls/poll-11/events"],
    ["its QR code", "/polls/poll-11/qr.svg"],
    ["the page", "/admin"],
    [bare, "/health"]
  ]
}

/** How long each view of the desk takes to be answered, with 10,000 polls. */
export const desk: Bench = {
  name: "desk",
  about: "the views of the organiser's desk with 10,000 polls",
  run: async ({ env, progress, quick, rounds }) => {
    const [count, times] = quick ? [100, 5] : [10_000, 200]
    const site = await makeSite(env)
    const database = openDatabase(site.env.DATABASE_URL)
    for (const statement of makePolls(count)) await database.query(statement)
    await database.close()
    const api = await launchNode([...tallykeep, "--role=api"], {
      ...site.env,
      ...production,
      PORT: "0",
      ADMIN_TOKEN: adminToken,
      SHUTDOWN_DELAY: "0s"
    })
    try {
      await untilReady(portOf(api))
      const headers = { authorization: `Bearer ${adminToken}` }
      const views = viewsOf(count)
      const taken = views.map((): Array<number> => [])
      for (let round = 1; round <= rounds; round++) {
        for (const [index, [name, path]] of views.entries()) {
          const each: Array<number> = []
          for (let n = 0; n < times; n++) {
            const began = performance.now()
            const response = await fetch(`http://127.0.0.1:${portOf(api)}${path}`, { headers })
            await response.arrayBuffer()
            if (!response.ok) throw new Error(`${path} was answered with ${response.status}`)
            each.push(performance.now() - began)
          }
          const p95 = percentile(
            each.toSorted((a, b) => a - b),
            0.95
          )
          taken[index]?.push(p95)
          progress(`round ${round} of ${rounds}: ${name}: ${p95.toFixed(1)} ms`)
        }
      }
      return views.map(([name], index) =>
        figureRow(`${name}, p95`, "ms", taken[index] ?? [], name === bare ? {} : { target: { atMost: 100 } })
      )
    } finally {
      await kill(api)
      await site.close()
    }
  }
}
