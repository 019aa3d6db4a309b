import uPlot from "uplot"
import { make } from "../dom.ts"
import { admin } from "../words/deskWords.ts"
import { clock } from "../words/formats.ts"

/** A poll's figures at a time in ms. */
export interface Sample {
  readonly at: number
  readonly perSecond: number
  readonly backlog: number
}

/** How far the chart looks back, in s. One sample is taken each second, so as many are kept. */
const window = 120
const firstWindow = 30
const height = 220

export interface Chart {
  readonly element: HTMLElement
  add(sample: Sample): void
  stop(): void
}

const color = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim()

/** Draws votes per second, and the backlog on an axis of its own. */
export const makeChart = (): Chart => {
  const samples: Array<Sample> = []
  const element = make("div", { class: "chart", role: "img", "aria-label": admin.chart })
  let plot: uPlot | undefined

  const data = (): uPlot.AlignedData => [
    samples.map(({ at }) => at / 1000),
    samples.map(({ perSecond }) => perSecond),
    samples.map(({ backlog }) => backlog)
  ]
  const axis = (scale: string, side: uPlot.Axis.Side): uPlot.Axis => ({
    scale,
    side,
    stroke: color("--soft"),
    size: 52,
    grid: { show: scale === "rate", stroke: color("--line"), width: 1 },
    ticks: { show: false }
  })
  const lately: uPlot.Range.Function = (_, __, max) => [
    max - Math.min(window, Math.max(firstWindow, samples.length)),
    max
  ]
  const upFromZero: uPlot.Range.Function = (_, __, max) => [0, Math.max(4, max * 1.1)]

  /** Draws anew: the colours are part of the drawing, so another colour scheme needs another one. */
  const draw = (): void => {
    plot?.destroy()
    plot = new uPlot(
      {
        width: element.clientWidth || 300,
        height,
        cursor: { show: false },
        legend: { show: false },
        scales: { x: { range: lately }, rate: { range: upFromZero }, backlog: { range: upFromZero } },
        axes: [
          {
            stroke: color("--soft"),
            grid: { show: false },
            ticks: { show: false },
            incrs: [15, 30, 60],
            space: 80,
            values: (_, seconds) => seconds.map((second) => clock(second * 1000))
          },
          axis("rate", 3),
          axis("backlog", 1)
        ],
        series: [
          {},
          {
            scale: "rate",
            stroke: color("--bar-leads"),
            fill: `${color("--bar-leads")}22`,
            width: 2,
            points: { show: false }
          },
          { scale: "backlog", stroke: color("--second"), width: 2, dash: [6, 4], points: { show: false } }
        ]
      },
      data(),
      element
    )
  }

  const scheme = matchMedia("(prefers-color-scheme: dark)")
  scheme.addEventListener("change", draw)
  const sized = new ResizeObserver(() => {
    if (plot === undefined) draw()
    else plot.setSize({ width: element.clientWidth, height })
  })
  sized.observe(element)
  return {
    element,
    add: (sample) => {
      samples.push(sample)
      if (samples.length > window) samples.shift()
      plot?.setData(data())
    },
    stop: () => {
      scheme.removeEventListener("change", draw)
      sized.disconnect()
      plot?.destroy()
    }
  }
}
