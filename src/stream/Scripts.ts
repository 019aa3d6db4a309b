import append from "./scripts/append.lua"
import appendedUpTo from "./scripts/appended_up_to.lua"
import canAppend from "./scripts/can_append.lua"
import closingTime from "./scripts/closing_time.lua"
import countedUpTo from "./scripts/counted_up_to.lua"
import ensureGroup from "./scripts/ensure_group.lua"
import fence from "./scripts/fence.lua"
import findKey from "./scripts/find_key.lua"
import guardLog from "./scripts/guard_log.lua"
import holdTrims from "./scripts/hold_trims.lua"
import keepLag from "./scripts/keep_lag.lua"
import keyMemory from "./scripts/key_memory.lua"
import lookAtShards from "./scripts/look_at_shards.lua"
import streamState from "./scripts/stream_state.lua"
import sweepConsumers from "./scripts/sweep_consumers.lua"
import trim from "./scripts/trim.lua"
import { withFields } from "./VoteEntry.ts"

/** The scripts that run inside Redis, each in one step; their heads say what they take and return. */
export interface Scripts {
  appendVotes(numberOfKeysAndAll: ReadonlyArray<string>): Promise<ReadonlyArray<string | Error>>
  canAppend(absent: string, stream: string): Promise<null>
  closingTime(stream: string): Promise<string>
  countedUpTo(stream: string, group: string, ms: number): Promise<string>
  ensureGroup(stream: string, group: string): Promise<number>
  streamState(
    stream: string,
    group: string,
    silence: number,
    takingOver: string
  ): Promise<readonly [...numbers: readonly [number, number, number, number, number, number], lastMs: string]>
  appendedUpTo(stream: string, id: string): Promise<number>
  fence(numberOfKeysAndAll: ReadonlyArray<string>): Promise<number>
  findKey(numberOfKeysAndAll: ReadonlyArray<string>): Promise<string | null>
  guardLog(checkpoints: string, log: string, size: number, checkpoint: string): Promise<number>
  holdTrims(stream: string, record: string, time: number): Promise<readonly [last: string, ms: string]>
  keyMemory(held: string): Promise<number>
  lookAtShards(numberOfKeysAndAll: ReadonlyArray<string>): Promise<ReadonlyArray<ReadonlyArray<number | string>>>
  keepLag(stream: string, record: string, group: string): Promise<number>
  trimAcked(stream: string, record: string, interval: number, ms: number, entries: number): Promise<number>
  sweepConsumers(stream: string, group: string, silence: number): Promise<ReadonlyArray<string>>
}

/** The scripts as a connection's options have them: as commands of their own, which are sent by their digest. */
export const scripts = {
  appendVotes: { lua: withFields(append) },
  canAppend: { lua: canAppend, numberOfKeys: 2 },
  closingTime: { lua: closingTime, numberOfKeys: 1 },
  countedUpTo: { lua: countedUpTo, numberOfKeys: 1 },
  ensureGroup: { lua: ensureGroup, numberOfKeys: 1 },
  streamState: { lua: streamState, numberOfKeys: 1 },
  appendedUpTo: { lua: appendedUpTo, numberOfKeys: 1 },
  fence: { lua: fence },
  findKey: { lua: findKey },
  guardLog: { lua: guardLog, numberOfKeys: 1 },
  holdTrims: { lua: holdTrims, numberOfKeys: 2 },
  keyMemory: { lua: keyMemory, numberOfKeys: 1 },
  keepLag: { lua: keepLag, numberOfKeys: 2 },
  lookAtShards: { lua: lookAtShards },
  trimAcked: { lua: trim, numberOfKeys: 2 },
  sweepConsumers: { lua: sweepConsumers, numberOfKeys: 1 }
}
