import { execFileSync, spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { dashboardFile, dashboardText } from "../../deploy/grafana/dashboard.ts"
import { alerts, rules, rulesFile } from "./alerts.ts"
import { chart, render } from "./chart.ts"
import { type Firing, firings, of as own } from "./firings.ts"
import { root } from "./image.ts"
import { ownServers } from "./scenarios.ts"

const seriesOf = (series: Firing["fires"]) => Object.entries(series).map(([name, values]) => ({ series: name, values }))

/** Returns the series as two other installations would have them: in another namespace, and in the same. */
const elsewhere = (series: Firing["fires"]): Firing["fires"] =>
  Object.fromEntries(
    ['namespace="m", job="j"', 'namespace="n", job="k"'].flatMap((other) =>
      Object.entries(series)
        .filter(([name]) => name.includes(own))
        .map(([name, values]) => [name.replace(own, other), values])
    )
  )

/**
 * Makes promtool's tests: at the given time the alert does not fire with the one series, and does with the other, next to
 * other installations that are well.
 */
const unitTests = ({ alert, alone = false, at = "30m", fires, labels = {}, quiet, summary }: Firing) => {
  const rule = alerts.find((known) => known.alert === alert) ?? assert.fail(`There is no ${alert}`)
  const expected = {
    exp_labels: { ...labels, severity: rule.labels?.severity },
    exp_annotations: { summary, runbook_url: rule.annotations?.runbook_url }
  }
  const test = (series: Firing["fires"], exp_alerts: ReadonlyArray<unknown>) => ({
    interval: "15s",
    input_series: seriesOf(series),
    alert_rule_test: [{ eval_time: at, alertname: alert, exp_alerts }]
  })
  return [test(quiet, []), test({ ...fires, ...(alone ? {} : elsewhere(quiet)) }, [expected])]
}

/**
 * Runs promtool's tests of each alert with a file of its own, which has no other alerts: with all of them, each test would evaluate
 * them all over its half an hour.
 */
const runUnitTests = (folder: string) => {
  const recorded = rules.filter(({ record }) => record !== undefined)
  const write = (name: string, content: unknown) => {
    // JSON is YAML.
    writeFileSync(join(folder, name), JSON.stringify(content))
    return join(folder, name)
  }
  const files = alerts.map((rule, index) => {
    const groups = [{ name: "tallykeep", rules: [...recorded, rule] }]
    const tests = firings.filter(({ alert }) => alert === rule.alert).flatMap(unitTests)
    const rule_files = [write(`rules-${index}.yaml`, { groups })]
    return write(`tests-${index}.yaml`, { rule_files, evaluation_interval: "30s", tests })
  })
  return spawnSync("promtool", ["test", "rules", ...files], { encoding: "utf8" })
}

describe("the alerts", () => {
  it("are rules that Prometheus takes", () => {
    assert.include(execFileSync("promtool", ["check", "rules", rulesFile]).toString(), `${rules.length} rules found`)
  })

  it("have each something that makes them fire", () => {
    assert.sameMembers(
      [...new Set(firings.map(({ alert }) => alert))],
      alerts.map(({ alert }) => alert)
    )
  })

  it("fire each when it should, and only then", () => {
    const folder = mkdtempSync(join(tmpdir(), "tallykeep-rules-"))
    try {
      const { status, stderr, stdout } = runUnitTests(folder)
      assert.strictEqual(status, 0, stdout + stderr)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it("lead each to a section of the runbook", () => {
    const headings = readFileSync(join(root, "deploy/README.md"), "utf8").match(/^#+ .*$/gm) ?? []
    const anchors = headings.map((heading) => `deploy/README.md#${heading.replace(/^#+ /, "").toLowerCase()}`)
    for (const { alert, annotations } of alerts) {
      assert.strictEqual(annotations?.runbook_url, `deploy/README.md#${alert.toLowerCase()}`)
      assert.include(anchors, annotations?.runbook_url)
    }
  })

  it("are the same in the chart, with links to where the runbook is", async () => {
    const rendered = async (runbooks?: string) => {
      const prometheusRule = { enabled: true, ...(runbooks === undefined ? {} : { runbooks }) }
      const objects = await render("values.yaml", { ...ownServers, monitoring: { prometheusRule } })
      const found = objects.find(({ kind }) => kind === "PrometheusRule")
      return JSON.stringify(found !== undefined && "spec" in found ? found.spec : undefined)
    }
    const own = JSON.stringify({ groups: [{ name: "tallykeep", rules }] })
    assert.strictEqual(await rendered(), own)
    assert.strictEqual(
      await rendered("https://wiki.example.com/t"),
      own.replaceAll("deploy/README.md#", "https://wiki.example.com/t#")
    )
  })
})

describe("the dashboard", () => {
  it("is what deploy/grafana/dashboard.ts writes, and the chart installs it", async () => {
    const text = readFileSync(dashboardFile, "utf8")
    assert.isTrue(dashboardFile.startsWith(chart))
    assert.strictEqual(text, dashboardText(), "write it anew: node deploy/grafana/dashboard.ts")
    const objects = await render("values.yaml", { ...ownServers, monitoring: { dashboard: { enabled: true } } })
    const found = objects.find(({ kind }) => kind === "ConfigMap")
    assert.deepNestedInclude(found, { "metadata.labels.grafana_dashboard": "1", "data.tallykeep\\.json": text })
  })
})
