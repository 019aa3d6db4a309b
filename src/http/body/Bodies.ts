import { Context, Effect, Layer } from "effect"
import { makeMeter } from "../../Meter.ts"
import { Defences } from "../Defences.ts"
import { HttpSettings } from "../HttpSettings.ts"
import type { BodyBounds, BodyMemory } from "./ReadBody.ts"

/** No vote is longer, in bytes: not even a form with a token. */
const maxVoteLength = 16_384

/** No poll's definition is longer, in bytes, even with an escape for each letter: a longer list of wrong fields takes long. */
const maxPayloadLength = 131_072

/** What all bodies that are being received may take, in bytes. */
const maxUnderWay = 32 * 2 ** 20

/** How much of their bodies requests may send, and what they may take in this process together. */
export class Bodies extends Context.Service<
  Bodies,
  {
    /** For votes, as JSON or as a form. */
    readonly votes: BodyBounds
    /** For what the admin sends. */
    readonly payloads: BodyBounds
  }
>()("tallykeep/http/body/Bodies") {
  static readonly layer = Layer.effect(
    Bodies,
    Effect.gen(function* () {
      const { maxRequestSize } = yield* HttpSettings
      const { report } = yield* Defences
      const memory: BodyMemory = { held: 0, most: maxUnderWay }
      const meter = yield* makeMeter
      yield* meter.gauge("tallykeep_bodies_bytes", "Bodies of requests that are being received", () => memory.held)
      return Bodies.of({
        votes: { most: maxRequestSize, kept: maxVoteLength, memory, report },
        payloads: { most: maxRequestSize, kept: maxPayloadLength, memory, report }
      })
    })
  )
}
