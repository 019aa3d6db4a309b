import { readFile, writeFile } from "node:fs/promises"
import { setTimeout as sleep } from "node:timers/promises"
import { parseArgs } from "node:util"
import { compareLog, newestLog, toldOf } from "../src/domain/log/ComparedLog.ts"
import { nodeSha256 } from "../src/domain/log/NodeSha256.ts"
import { verifiersOf } from "../src/domain/log/Note.ts"
import { checkProof, parseProof } from "../src/domain/log/Proof.ts"
import type { Told } from "../src/domain/log/ToldDifferences.ts"
import type { VerifiedLog } from "../src/domain/log/VerifyLog.ts"

const usage = `Checks a poll's public log, counts its votes again, and compares them with the results: docs/verify.md.

  script/verify [options] <the poll's address, such as https://votes.example/polls/lunch>

  --checkpoint FILE   a checkpoint of the log that was kept: the log has to go on from it; may come several times
  --key VKEY          a key of the log that was kept, instead of what the service gives; may come twice
  --proof FILE        a voter's proof, which has to hold too
  --save FILE         where to keep the log's checkpoint, if all holds

Exits with 0 where all holds, with 1 where something does not, and with 2 where that can't be told.`

const options = {
  checkpoint: { type: "string", multiple: true },
  key: { type: "string", multiple: true },
  proof: { type: "string" },
  save: { type: "string" },
  help: { type: "boolean" }
} as const

const say = (line: string): void => void process.stdout.write(`${line}\n`)

/** Whether the answer may be another one a little later. */
const passing = new Set([429, 503])

/** Asks for a file again where the service is busy. */
const ask = async (url: string): Promise<Uint8Array | undefined> => {
  for (let tries = 1; ; tries++) {
    const response = await fetch(url, { signal: AbortSignal.timeout(30_000) })
    if (response.ok) return new Uint8Array(await response.arrayBuffer())
    if ([403, 404].includes(response.status)) return undefined
    if (!passing.has(response.status) || tries === 10) throw new Error(`${url} answers ${response.status}`)
    await sleep(1_000 * (Number(response.headers.get("retry-after")) || 1))
  }
}

const askJson = async <A>(url: string): Promise<A | undefined> => {
  const body = await ask(url)
  return body === undefined ? undefined : JSON.parse(Buffer.from(body).toString())
}

/** Returns what the service tells of a poll: its results, too, where it shows them. */
const askTold = async (api: string) => {
  const poll = await askJson<Parameters<typeof toldOf>[0]>(api)
  if (poll === undefined) throw new Error(`there is no poll at ${api}`)
  const results = await askJson<NonNullable<Told["results"]>>(`${api}/results`)
  return toldOf(poll, results)
}

const wrongProof = async (file: string, { vkeys }: VerifiedLog): Promise<ReadonlyArray<string>> => {
  const proof = parseProof(await readFile(file, "utf8"))
  const verifiers = verifiersOf(nodeSha256, vkeys)
  const holds = proof !== undefined && (await checkProof(nodeSha256, proof, verifiers)) !== undefined
  return holds ? [] : [`${file} does not prove that its vote is in this log`]
}

const report = ({ checkpoint, counted, fold }: VerifiedLog): void => {
  say(`log        ${checkpoint.origin}`)
  say(`leaves     ${checkpoint.size}`)
  say(`root       ${Buffer.from(checkpoint.root).toString("base64")}`)
  say(`ballots    ${counted.ballots}`)
  if (counted.hidden > 0) say(`hidden     ${counted.hidden}, until the poll is final`)
  if (counted.abstained > 0) say(`abstained  ${counted.abstained}`)
  if (fold.made !== undefined) say(`links      ${fold.made} were made for voters`)
  for (const { count, id, sum } of counted.options) say(`  ${id}: ${count}${sum === 0 ? "" : ` (${sum})`}`)
}

const main = async (): Promise<number> => {
  const { positionals, values } = parseArgs({ options, allowPositionals: true })
  const [, api] = /^(https?:\/\/.+\/)(?:api\/)?polls\/[^/?#]+/.exec(positionals[0] ?? "") ?? []
  const slug = /\/polls\/([^/?#]+)/.exec(positionals[0] ?? "")?.[1]
  if (values.help === true || api === undefined || slug === undefined) {
    say(usage)
    return values.help === true ? 0 : 2
  }
  const pollPath = `${api.replace(/api\/$/, "")}api/polls/${slug}`
  const checkpointOf = (log: string) => ask(`${log}/checkpoint`)
  const number = await newestLog(async (next) => (await checkpointOf(`${pollPath}/log/${next}`)) !== undefined)
  const logPath = `${pollPath}/log${number === 1 ? "" : `/${number}`}`
  if ((await checkpointOf(logPath)) === undefined) throw new Error(`there is no log at ${logPath}`)
  const kept = {
    checkpoints: await Promise.all((values.checkpoint ?? []).map((file) => readFile(file, "utf8"))),
    ...(values.key === undefined ? {} : { vkeys: values.key })
  }
  const { log, moving, wrong } = await compareLog({
    hash: nodeSha256,
    source: { file: (path) => ask(`${logPath}/${path}`) },
    told: () => askTold(pollPath),
    kept,
    pause: () => sleep(1_000)
  })
  const all = [...wrong, ...(values.proof === undefined ? [] : await wrongProof(values.proof, log))]
  report(log)
  if (moving) say("Votes come in too fast to compare the log with the results: do so once the poll is final.")
  if (log.fold.isHiding)
    say(
      "What votes say is hidden, and the latest may not be in the log: compare it with the results once the poll is final."
    )
  for (const what of all) say(`WRONG: ${what}`)
  if (all.length > 0) return 1
  if (values.save !== undefined) await writeFile(values.save, log.note)
  say(moving || log.fold.isHiding ? "The log holds." : "All of it holds.")
  return 0
}

process.exitCode = await main().catch((error: unknown) => {
  process.stderr.write(`This can't be checked: ${error instanceof Error ? error.message : String(error)}\n`)
  return 2
})
