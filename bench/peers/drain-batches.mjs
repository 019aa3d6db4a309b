// node-postgres and ioredis: two readers, each takes as many entries as the first argument says, brings them into the ledger
// and the tallies with one statement, acks them. The second argument is the ballot rule of the polls that they are for. With a
// third one, there is one reader, which reads again so many ms after its last read.
// It takes votes for new, which is faster, until the ledger says that it holds one of them. It checks what a vote says and
// when it was accepted, and stops at what can't be counted.
import { setTimeout as sleep } from "node:timers/promises"
import pg from "pg"
import { countBallots } from "./count-ballots.mjs"
import { countOpen } from "./count-open.mjs"
import { readPolls } from "./polls.mjs"
import { fieldsOf, group, redis, stream } from "./vote.mjs"

const [atOnce, rule, pause] = process.argv.slice(2)
const uniqueViolation = "23505"

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 2 })
const optionsOf = await readPolls(pool)
const count = rule === "open" ? countOpen(pool, optionsOf) : await countBallots(pool, optionsOf, rule)

const voteOf = ([id, flat]) => {
  const dash = id.indexOf("-")
  return { ...fieldsOf(flat), ms: id.slice(0, dash), seq: id.slice(dash + 1) }
}

/** Counts what is new of the votes; of those that come twice, the first. */
const countNew = async (votes) => {
  const { rows } = await pool.query("select vote_id from vote_event where vote_id = any ($1)", [
    votes.map(({ vote_id }) => vote_id)
  ])
  const known = new Set(rows.map(({ vote_id }) => vote_id))
  const fresh = votes.filter(({ vote_id }) => !known.has(vote_id) && known.add(vote_id))
  if (fresh.length > 0) await count(fresh)
}

const read = async (consumer) => {
  const connection = redis.duplicate()
  for (;;) {
    const place = ["COUNT", atOnce, "BLOCK", 2000, "STREAMS", stream, ">"]
    const reply = await connection.xreadgroup("GROUP", group, consumer, ...place)
    if (reply === null) continue
    const readAt = performance.now()
    const entries = reply[0][1]
    const votes = entries.map(voteOf)
    await count(votes).catch((error) => {
      if (error.code !== uniqueViolation) throw error
      return countNew(votes)
    })
    await redis.xack(stream, group, ...entries.map(([id]) => id))
    const rest = readAt + pause - performance.now()
    if (rest > 0) await sleep(rest)
  }
}

await redis.xgroup("CREATE", stream, group, "0", "MKSTREAM")
console.log("Counting")
await Promise.all((pause === undefined ? ["1", "2"] : ["1"]).map(read))
