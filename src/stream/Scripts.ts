import appendOnce from "./scripts/append_once.lua"
import ensureGroup from "./scripts/ensure_group.lua"
import streamState from "./scripts/stream_state.lua"
import sweepConsumers from "./scripts/sweep_consumers.lua"
import trim from "./scripts/trim.lua"

/** The scripts that run inside Redis, each in one step; see their heads for what they take and give. */
export interface Scripts {
  appendOnce(stream: string, record: string, ttl: number, ...rest: ReadonlyArray<string | number>): Promise<string>
  ensureGroup(stream: string, group: string): Promise<number>
  streamState(
    stream: string,
    group: string,
    silence: number
  ): Promise<readonly [number, number, number, number, number]>
  trimAcked(stream: string, record: string, interval: number): Promise<number>
  sweepConsumers(stream: string, group: string, silence: number): Promise<ReadonlyArray<string>>
}

/** For a connection's options: the scripts as commands of their own, sent by their digest. */
export const scripts = {
  appendOnce: { lua: appendOnce, numberOfKeys: 2 },
  ensureGroup: { lua: ensureGroup, numberOfKeys: 1 },
  streamState: { lua: streamState, numberOfKeys: 1 },
  trimAcked: { lua: trim, numberOfKeys: 2 },
  sweepConsumers: { lua: sweepConsumers, numberOfKeys: 1 }
}
