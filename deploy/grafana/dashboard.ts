/*
 * Grafana's dashboard, as the chart and compose.yaml install it: `node deploy/grafana/dashboard.ts` writes the file anew
 * from panels.ts, and a test holds it to that.
 */
import { writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { rows } from "./panels.ts"
import type { Panel } from "./query.ts"

export const dashboardFile = fileURLToPath(new URL("../helm/tallykeep/files/dashboard.json", import.meta.url))

const datasource = { type: "prometheus", uid: "$datasource" }
/** Of Grafana's grid, 24 wide. */
const [width, height] = [8, 7]

const panelJson = ({ about, queries, title, unit }: Panel, index: number, top: number) => ({
  type: "timeseries",
  title,
  description: about,
  datasource,
  gridPos: {
    x: (index % 3) * width,
    y: top + Math.floor(index / 3) * height,
    w: width,
    h: height
  },
  fieldConfig: { defaults: { unit, min: 0, custom: { fillOpacity: 8, showPoints: "never" } }, overrides: [] },
  options: { legend: { displayMode: "list", placement: "bottom" }, tooltip: { mode: "multi", sort: "desc" } },
  targets: queries.map(([legendFormat, expr], of) => ({
    refId: String.fromCharCode(65 + of),
    datasource,
    expr,
    legendFormat
  }))
})

const panelsJson = () => {
  let top = 0
  return rows.flatMap(([title, panels]) => {
    const row = { type: "row", title, collapsed: false, panels: [], gridPos: { x: 0, y: top, w: 24, h: 1 } }
    const below = panels.map((panel, index) => panelJson(panel, index, top + 1))
    top += 1 + Math.ceil(panels.length / 3) * height
    return [row, ...below]
  })
}

/** Chooses processes by one of their labels; not all Prometheuses give all of them. */
const variable = (name: string, label: string, within: string) => ({
  type: "query",
  name,
  label,
  datasource,
  query: { query: `label_values(tallykeep_build_info${within === "" ? "" : `{${within}}`}, ${name})`, refId: name },
  multi: true,
  includeAll: true,
  allValue: ".*",
  current: { text: "All", value: "$__all" },
  refresh: 2
})

export const dashboard = () => ({
  uid: "tallykeep",
  title: "tallykeep",
  tags: ["tallykeep"],
  schemaVersion: 39,
  editable: true,
  refresh: "10s",
  time: { from: "now-1h", to: "now" },
  timezone: "browser",
  templating: {
    list: [
      { type: "datasource", name: "datasource", label: "Prometheus", query: "prometheus" },
      variable("namespace", "Namespace", ""),
      variable("job", "Job", 'namespace=~"$namespace"'),
      variable("instance", "Instance", 'namespace=~"$namespace", job=~"$job"')
    ]
  },
  panels: panelsJson().map((panel, index) => ({ id: index + 1, ...panel }))
})

export const dashboardText = (): string => `${JSON.stringify(dashboard(), null, 2)}\n`

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(dashboardFile, dashboardText())
