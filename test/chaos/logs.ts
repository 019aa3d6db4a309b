import { setTimeout as sleep } from "node:timers/promises"
import { nodeSha256 } from "../../src/domain/log/NodeSha256.ts"
import { parseLeaf } from "../../src/domain/log/ParseLeaf.ts"
import { decodeBundle } from "../../src/domain/log/Tile.ts"
import { verifyLog } from "../../src/domain/log/VerifyLog.ts"
import { eventually } from "./eventually.ts"
import type { Site } from "./site.ts"

/** Someone who keeps each checkpoint of each public log that an API ever shows. */
export interface LogWatch {
  readonly seen: () => number
  stop(): Promise<void>
  /** Checks that each log goes on from each checkpoint that was seen, and has the ledger's votes; returns what is wrong. */
  judge(): Promise<ReadonlyArray<string>>
}

/** In ms. */
const interval = 50
const answerTimeout = 2_500
const writeTimeout = 15_000

const read = async (url: string): Promise<Uint8Array | undefined> => {
  const answer = await fetch(url, { signal: AbortSignal.timeout(answerTimeout) })
  if (answer.status >= 500) throw new Error(`${url} answers ${answer.status}`)
  return answer.ok ? new Uint8Array(await answer.arrayBuffer()) : undefined
}

/** Whether all that is queued is in the logs, and they are signed to their end. */
const areWritten = async (site: Site): Promise<boolean> => {
  const [row] = await site.query<{ left: string }>(
    "select ((select count(*) from log_queue) + (select count(*) from log where signed_size is distinct from size))::text as left"
  )
  return row?.left === "0"
}

/** How the ledger's votes are named in their poll's log, and those that wait for others to enter it together. */
const idsOf = async (site: Site, poll: string) => {
  const votes = await site.query<{ id: string }>(`
    select translate(encode(substr(sha256(l.secret || convert_to(v.vote_id::text, 'UTF8')), 1, 16), 'base64'), '+/=', '-_') as id
    from vote_event v join log l on l.poll = v.poll where v.poll = '${poll}'`)
  const waiting = await site.query<{ id: string }>(
    `select jsonb_array_elements(waiting) ->> 0 as id from log where poll = '${poll}'`
  )
  return { votes: new Set(votes.map(({ id }) => id)), waiting: waiting.map(({ id }) => id) }
}

/** Watches the logs of all polls that there are. */
export const watchLogs = async (site: Site): Promise<LogWatch> => {
  const polls = (await site.query<{ slug: string }>("select slug from poll where log order by slug")).map(
    ({ slug }) => slug
  )
  const kept = new Map(polls.map((poll) => [poll, new Set<string>()]))
  let stopped = false
  const urlOf = (turn: number, poll: string) =>
    `${site.apis[turn % site.apis.length]?.program.url()}/api/polls/${poll}/log`
  const watching = (async () => {
    for (let turn = 0; !stopped; turn++) {
      const poll = polls[turn % polls.length] ?? ""
      // An API that is away now shows it a little later.
      const note = await read(`${urlOf(turn, poll)}/checkpoint`).catch(() => undefined)
      if (note !== undefined) kept.get(poll)?.add(Buffer.from(note).toString())
      await sleep(interval)
    }
  })()

  const judgeOne = async (poll: string): Promise<ReadonlyArray<string>> => {
    const found: Array<string> = []
    const file = async (path: string) => {
      const bytes = await read(`${urlOf(0, poll)}/${path}`)
      if (path.startsWith("tile/entries/")) {
        for (const leaf of decodeBundle(bytes ?? new Uint8Array()) ?? []) {
          const said = parseLeaf(Buffer.from(leaf).toString())
          if (said !== undefined && !("t" in said)) found.push(said.id)
        }
      }
      return bytes
    }
    const { wrong } = await verifyLog(nodeSha256, { file }, { checkpoints: [...(kept.get(poll) ?? [])] })
    const { votes, waiting } = await idsOf(site, poll)
    const logged = new Set([...found, ...waiting])
    const missing = [...votes].filter((id) => !logged.has(id)).length
    const strange = [...logged].filter((id) => !votes.has(id)).length
    // In a poll for anyone nothing becomes of a vote but that it is counted.
    const twice = poll === "cats-or-dogs" ? found.length - new Set(found).size : 0
    return [
      ...wrong,
      ...(missing + strange + twice === 0
        ? []
        : [
            `${missing} votes of the ledger are not in it, ${strange} in it not in the ledger, and ${twice} twice in it`
          ])
    ].map((line) => `the public log of ${poll}: ${line}`)
  }

  const stop = () => {
    stopped = true
    return watching
  }
  return {
    seen: () => [...kept.values()].reduce((sum, notes) => sum + notes.size, 0),
    stop,
    judge: async () => {
      const written = await eventually(() => areWritten(site), writeTimeout)
      await stop()
      const problems = written ? [] : ["the public logs were not written and signed to their end"]
      for (const poll of polls) problems.push(...(await judgeOne(poll)))
      return problems
    }
  }
}
