/*
 * How the dashboard asks Prometheus.
 */

/** A query and what its lines are called. */
export type Query = readonly [legend: string, expr: string]

export interface Panel {
  readonly title: string
  readonly about: string
  readonly unit: string
  readonly queries: ReadonlyArray<Query>
}

/** A heading and the panels below it. */
export type Row = readonly [title: string, panels: ReadonlyArray<Panel>]

/** Of all processes that were chosen. */
export const series = (name: string, labels = "") =>
  `${name}{namespace=~"$namespace", job=~"$job", instance=~"$instance"${labels === "" ? "" : `, ${labels}`}}`
export const rate = (name: string, labels?: string) => `rate(${series(name, labels)}[$__rate_interval])`
export const total = (name: string, labels?: string) => `sum(${rate(name, labels)})`
export const quantile = (q: number, name: string, by = "", labels?: string) =>
  `histogram_quantile(${q}, sum by (le${by}) (${rate(`${name}_bucket`, labels)}))`
/** Every process that has Redis measures the streams, and all see the same. */
export const ofStreams = (name: string) => `sum(max by (stream) (${series(`tallykeep_stream_${name}`)}))`

export const each = (name: string): Query => ["{{instance}}", series(name)]
