import { readFileSync } from "node:fs"
import { oneThousand, runLoad } from "./load/load.ts"
import { barePeer } from "./support/peers.ts"
import { kill, launch, launchNode, portOf, untilReady, type Launched } from "./support/processes.ts"
const [launches = "4", lasts = "2500", ...mains] = process.argv.slice(2)
const env: NodeJS.ProcessEnv = { ...process.env, ENVIRONMENT: "production", PORT: "0" }
for (const m of readFileSync("/tmp/emb/env", "utf8").matchAll(/export (\w+)='(.*)'/g)) env[m[1] ?? ""] = m[2]
const get = (more: string) => `GET /api/results HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: http://localhost:3000\r\nAccept: */*\r\n${more}\r\n`
const measure = async (s: Launched, etag?: string) => {
  const { answers, seconds } = await runLoad({ port: portOf(s), connections: 64, requests: [get(etag === undefined ? "" : `If-None-Match: ${etag}\r\n`)], expected: etag === undefined ? 200 : 304, warmUp: 1500, lasts: Number(lasts) }, () => ({}))
  return answers / seconds
}
const r: Record<string, number[]> = {}
const names = ["bare", "bareE", ...mains]
for (let l = 0; l < Number(launches); l++) {
  const ours: Launched[] = []
  for (const m of mains) { const s = await launchNode([m, "--role=api"], env); await untilReady(portOf(s)); ours.push(s) }
  const res = await fetch(`http://127.0.0.1:${portOf(ours[0]!)}/api/results`, { headers: { origin: "http://localhost:3000" } })
  const body = await res.text(); const own = new Set(["connection", "date", "keep-alive"])
  const headers = Object.fromEntries([...res.headers].filter(([n]) => !own.has(n)))
  const penv = { ...env, ANSWER: JSON.stringify({ body, headers }) }
  const peer = await launch(barePeer("results.mjs"), penv), peerE = await launch(barePeer("zresults.mjs"), penv)
  const all = [peer, peerE, ...ours]
  for (const kind of ["200", "304"]) {
    const rates: number[][] = all.map(() => [])
    for (let i = 0; i < 3; i++) for (const [j, s] of all.entries()) rates[j]!.push(await measure(s, kind === "304" ? headers.etag : undefined))
    for (const [j] of all.entries()) for (let i = 0; i < 3; i++) (r[`${kind} ${names[j]}`] ??= []).push(rates[j]![i]! / rates[0]![i]!)
  }
  for (const s of all) await kill(s)
  const med = (a: number[]) => [...a].sort((x, y) => x - y)[a.length >> 1]!
  console.log(l, Object.entries(r).map(([k, v]) => `${k} ${med(v).toFixed(3)} (${Math.min(...v).toFixed(2)}-${Math.max(...v).toFixed(2)})`).join("\n  "))
}
process.exit(0)
