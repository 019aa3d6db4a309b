import { spawn } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { get } from "../e2e/call.ts"
import { patiently } from "../e2e/site.ts"
import { rulesFile } from "./alerts.ts"

interface Sample {
  readonly metric: Readonly<Record<string, string>>
  readonly value: readonly [number, string]
}

const settings = (folder: string) => ({
  global: { scrape_interval: "1s", scrape_timeout: "1s", evaluation_interval: "1s" },
  rule_files: [rulesFile],
  scrape_configs: [{ job_name: "tallykeep", file_sd_configs: [{ files: [join(folder, "targets.json")] }] }]
})

/** Starts a real Prometheus with the alerts' rules, which scrapes every second until the scope closes. */
export const startPrometheus = Effect.gen(function* () {
  const folder = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "tallykeep-prometheus-"))),
    (made) => Effect.sync(() => rmSync(made, { recursive: true }))
  )
  writeFileSync(join(folder, "prometheus.yml"), JSON.stringify(settings(folder)))
  let said = ""
  yield* Effect.acquireRelease(
    Effect.sync(() => {
      const args = [
        `--config.file=${folder}/prometheus.yml`,
        `--storage.tsdb.path=${folder}/data`,
        "--web.listen-address=127.0.0.1:0"
      ]
      const child = spawn("prometheus", args, { stdio: ["ignore", "ignore", "pipe"] })
      child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
        said += chunk
      })
      child.on("error", (error) => {
        said += error.message
      })
      return child
    }),
    (child) =>
      Effect.callback<void>((resume) => {
        if (child.exitCode !== null || child.pid === undefined) return resume(Effect.void)
        child.once("exit", () => resume(Effect.void))
        child.kill("SIGKILL")
      })
  )
  const url = yield* patiently(
    Effect.sync(() => {
      const [, address] = /"Listening on" address=(\S+)/.exec(said) ?? assert.fail(said)
      return `http://${address}`
    })
  )

  /** Returns the present answer to a query. */
  const query = (expr: string): Effect.Effect<ReadonlyArray<Sample>, Error> =>
    Effect.map(get(`${url}/api/v1/query?query=${encodeURIComponent(expr)}`), ({ body }) => {
      assert.strictEqual(body.status, "success", `${expr}: ${JSON.stringify(body)}`)
      return (body.data as { readonly result: ReadonlyArray<Sample> }).result
    })

  return {
    query,
    /** Scrapes these targets from now on, each `host:port`. */
    watch: (targets: ReadonlyArray<string>) =>
      Effect.sync(() => writeFileSync(join(folder, "targets.json"), JSON.stringify([{ targets }]))),
    /** Waits until each of the queries has an answer; fails with those that have none. */
    untilAnswered: (queries: ReadonlyArray<string>) => {
      const open = new Set(queries)
      return patiently(
        Effect.gen(function* () {
          for (const expr of open) {
            const samples = yield* query(expr)
            // A route that nobody has asked lately has no quantile.
            if (samples.some(({ value }) => Number.isFinite(Number(value[1])))) open.delete(expr)
          }
          assert.deepStrictEqual([...open], [], "no data yet")
        })
      )
    }
  }
})
