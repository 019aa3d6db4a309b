// node-postgres and ioredis, one vote after the other: a transaction each, then an ack. With `--one-statement` all of the
// transaction is one statement, and so one round trip.
import pg from "pg"
import { fieldsOf, group, redis, stream } from "./vote.mjs"

const insert = {
  name: "insert",
  text: `insert into vote_event (vote_id, poll, choice, status, accepted_ms, accepted_seq, cast_at)
    values ($1, $2, $3, 'counted', $4, $5, to_timestamp($6::bigint / 1000.0))
    on conflict (vote_id) do nothing`
}

const add = { name: "add", text: "update tally set count = count + 1 where poll = $1 and option = $2" }

const both = {
  name: "both",
  text: `with inserted as (${insert.text} returning poll, choice)
    update tally set count = count + 1
    from inserted where tally.poll = inserted.poll and tally.option = inserted.choice`
}

const database = new pg.Client({ connectionString: process.env.DATABASE_URL })

const countInSteps = async (values) => {
  await database.query("begin")
  const { rowCount } = await database.query({ ...insert, values })
  if (rowCount === 1) await database.query({ ...add, values: values.slice(1, 3) })
  await database.query("commit")
}

const count = process.argv.includes("--one-statement") ? (values) => database.query({ ...both, values }) : countInSteps

await database.connect()
await redis.xgroup("CREATE", stream, group, "0", "MKSTREAM")
console.log("Counting")

for (;;) {
  const place = ["COUNT", 10, "BLOCK", 2000, "STREAMS", stream, ">"]
  const reply = await redis.xreadgroup("GROUP", group, "1", ...place)
  for (const [id, flat] of reply?.[0][1] ?? []) {
    const { cast_at, option, poll, vote_id } = fieldsOf(flat)
    await count([vote_id, poll, option, ...id.split("-"), cast_at])
    await redis.xack(stream, group, id)
  }
}
