import { Context, Effect, Layer } from "effect"
import type { OutOfService } from "../domain/Problems.ts"
import type { Vote } from "../domain/Vote.ts"
import { command, Redis } from "./Redis.ts"
import { StreamSettings } from "./StreamSettings.ts"

/** The Redis Stream as the API sees it. */
export class VoteStream extends Context.Service<
  VoteStream,
  {
    /**
     * Appends a vote and gives the entry's id, once Redis has confirmed it. After a failure the vote may be in the
     * stream or not.
     */
    append(vote: Vote): Effect.Effect<string, OutOfService>
    /** How many votes are accepted and not yet counted. */
    readonly backlog: Effect.Effect<number, OutOfService>
    /** Succeeds when Redis answers. */
    readonly ping: Effect.Effect<void, OutOfService>
  }
>()("tallykeep/stream/VoteStream") {
  static readonly layer = Layer.effect(
    VoteStream,
    Effect.gen(function* () {
      const { client } = yield* Redis
      const { stream, group } = yield* StreamSettings

      const append = (vote: Vote) =>
        command(
          () =>
            // XADD with `*` always gives an id.
            client.xadd(
              stream,
              "*",
              "v",
              "1",
              "vote_id",
              vote.voteId,
              "poll",
              vote.poll,
              "option",
              vote.option,
              "cast_at",
              vote.castAt
            ) as Promise<string>
        )

      const backlog = Effect.gen(function* () {
        const length = yield* command(() => client.xlen(stream))
        if (length === 0) return 0
        const groups = yield* command(() => client.xinfo("GROUPS", stream) as Promise<ReadonlyArray<Info>>)
        const info = groups.map(toRecord).find(({ name }) => name === group)
        if (info === undefined) return length
        // Redis does not know the lag where entries were deleted in the middle; the length is never below it.
        return typeof info.lag === "number" ? info.lag + Number(info.pending) : length
      })

      return VoteStream.of({ append, backlog, ping: Effect.asVoid(command(() => client.ping())) })
    })
  )
}

/** What XINFO says of a group: names and values in turn. */
type Info = ReadonlyArray<string | number | null>

const toRecord = (info: Info): Readonly<Record<string, string | number | null>> => {
  const record: Record<string, string | number | null> = {}
  for (let index = 0; index + 1 < info.length; index += 2) record[String(info[index])] = info[index + 1] ?? null
  return record
}
