import append from "./scripts/append.lua"
import appendedUpTo from "./scripts/appended_up_to.lua"
import canAppend from "./scripts/can_append.lua"
import closingTime from "./scripts/closing_time.lua"
import common from "./scripts/common.lua"
import countedUpTo from "./scripts/counted_up_to.lua"
import ensureGroup from "./scripts/ensure_group.lua"
import fence from "./scripts/fence.lua"
import findKey from "./scripts/find_key.lua"
import giveBack from "./scripts/give_back.lua"
import guardLog from "./scripts/guard_log.lua"
import holdTrims from "./scripts/hold_trims.lua"
import keepLag from "./scripts/keep_lag.lua"
import keyMemory from "./scripts/key_memory.lua"
import lookAtShards from "./scripts/look_at_shards.lua"
import shut from "./scripts/shut.lua"
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
  giveBack(stream: string, group: string, consumer: string, idle: number): Promise<number>
  guardLog(checkpoints: string, log: string, size: number, checkpoint: string): Promise<number>
  holdTrims(stream: string, record: string, time: number): Promise<readonly [last: string, ms: string]>
  keyMemory(held: string): Promise<number>
  lookAtShards(numberOfKeysAndAll: ReadonlyArray<string>): Promise<ReadonlyArray<ReadonlyArray<number | string>>>
  keepLag(stream: string, record: string, group: string): Promise<number>
  shut(stream: string, shut: string, poll: string, ...numbers: ReadonlyArray<number>): Promise<number>
  trimAcked(stream: string, record: string, interval: number, ms: number, entries: number): Promise<number>
  sweepConsumers(stream: string, group: string, silence: number): Promise<ReadonlyArray<string>>
}

/** Returns a script with what it has in common with others. */
const whole = (script: string): string => script.replace("@common\n", common)

/** The scripts as a connection's options have them: as commands of their own, which are sent by their digest. */
export const scripts = {
  appendVotes: { lua: withFields(append) },
  canAppend: { lua: whole(canAppend), numberOfKeys: 2 },
  closingTime: { lua: whole(closingTime), numberOfKeys: 1 },
  countedUpTo: { lua: whole(countedUpTo), numberOfKeys: 1 },
  ensureGroup: { lua: whole(ensureGroup), numberOfKeys: 1 },
  streamState: { lua: whole(streamState), numberOfKeys: 1 },
  appendedUpTo: { lua: whole(appendedUpTo), numberOfKeys: 1 },
  fence: { lua: whole(fence) },
  findKey: { lua: whole(findKey) },
  giveBack: { lua: whole(giveBack), numberOfKeys: 1 },
  guardLog: { lua: whole(guardLog), numberOfKeys: 1 },
  holdTrims: { lua: whole(holdTrims), numberOfKeys: 2 },
  keyMemory: { lua: whole(keyMemory), numberOfKeys: 1 },
  keepLag: { lua: whole(keepLag), numberOfKeys: 2 },
  lookAtShards: { lua: whole(lookAtShards) },
  shut: { lua: whole(shut), numberOfKeys: 2 },
  trimAcked: { lua: whole(trim), numberOfKeys: 2 },
  sweepConsumers: { lua: whole(sweepConsumers), numberOfKeys: 1 }
}
