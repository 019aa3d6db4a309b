// node-postgres and ioredis: two readers, each takes five thousand entries (one or two thousand are slower here), brings
// them into the ledger and the tallies with one statement, acks them. It takes them for new, which is faster, until the
// ledger says that it holds one of them. It checks nothing and knows no polls: a vote for anything else would stop it.
import pg from "pg"
import { fieldsOf, group, redis, stream } from "./vote.mjs"

const count = (name, onConflict) => ({
  name,
  text: `with inserted as (
      insert into vote_event (vote_id, poll, choice, status, accepted_ms, accepted_seq, cast_at)
      select vote_id, poll, option, 'counted', ms, seq, to_timestamp(cast_ms / 1000.0)
      from unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[])
        as entry (vote_id, poll, option, ms, seq, cast_ms)
      ${onConflict}
      returning poll, choice
    ), delta as (
      select poll, choice as option, count(*) as votes from inserted group by poll, choice
    )
    update tally set count = tally.count + delta.votes
    from delta where tally.poll = delta.poll and tally.option = delta.option`
})
const countNew = count("count-new", "")
const countOnce = count("count-once", "on conflict (vote_id) do nothing")
const uniqueViolation = "23505"

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 2 })

const read = async (consumer) => {
  const connection = redis.duplicate()
  for (;;) {
    const place = ["COUNT", 5000, "BLOCK", 2000, "STREAMS", stream, ">"]
    const reply = await connection.xreadgroup("GROUP", group, consumer, ...place)
    if (reply === null) continue
    const entries = reply[0][1]
    const columns = [[], [], [], [], [], []]
    for (const [id, flat] of entries) {
      const dash = id.indexOf("-")
      const { cast_at, option, poll, vote_id } = fieldsOf(flat)
      columns[0].push(vote_id)
      columns[1].push(poll)
      columns[2].push(option)
      columns[3].push(id.slice(0, dash))
      columns[4].push(id.slice(dash + 1))
      columns[5].push(cast_at)
    }
    await pool.query({ ...countNew, values: columns }).catch((error) => {
      if (error.code !== uniqueViolation) throw error
      return pool.query({ ...countOnce, values: columns })
    })
    await redis.xack(stream, group, ...entries.map(([id]) => id))
  }
}

await redis.xgroup("CREATE", stream, group, "0", "MKSTREAM")
console.log("Counting")
await Promise.all([read("1"), read("2")])
