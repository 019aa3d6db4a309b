import type { PollView } from "../../domain/PollView.ts"
import { rulesOf } from "../../domain/Rules.ts"
import type { Results } from "../../domain/Tally.ts"
import { tellOutcome } from "../drawn/drawResults.ts"
import { figuresOf } from "../drawn/figures.ts"
import { moment, status, totalOf } from "../words.ts"

const width = 1200
const margin = 72
const inner = width - 2 * margin
const rowHeight = 104
const barHeight = 24
/** Twice as fine as it is large, for print and for sharp screens. */
const scale = 2

const ink = { back: "#ffffff", text: "#171b26", soft: "#565e70", track: "#e9ecf3", bar: "#9db4ef", leads: "#2f5bd7" }
const fonts = 'system-ui, -apple-system, "Segoe UI", Roboto, sans-serif'

/** Breaks a text into lines of at most so many pixels; a word that is longer than a line has one of its own. */
const linesOf = (context: CanvasRenderingContext2D, text: string, most: number): ReadonlyArray<string> => {
  const lines: Array<string> = []
  let line = ""
  for (const word of text.split(/\s+/)) {
    const longer = line === "" ? word : `${line} ${word}`
    if (line !== "" && context.measureText(longer).width > most) {
      lines.push(line)
      line = word
    } else line = longer
  }
  return [...lines, line]
}

/** Shortens a text to so many pixels. */
const fitted = (context: CanvasRenderingContext2D, text: string, most: number): string => {
  let end = text.length
  while (end > 1 && context.measureText(end === text.length ? text : `${text.slice(0, end)}…`).width > most) end--
  return end === text.length ? text : `${text.slice(0, end)}…`
}

/** Draws a poll's results as they are: question, bars from the best on, outcome, total, the poll's address and the time. */
export const drawPicture = (poll: PollView, results: Results, now: number): HTMLCanvasElement => {
  const canvas = document.createElement("canvas")
  const context = canvas.getContext("2d")
  if (context === null) return canvas
  const titleFont = `700 48px ${fonts}`
  context.font = titleFont
  const title = linesOf(context, poll.title, inner)
  const outcome = tellOutcome(poll.options, results)
  const height = margin * 2 + title.length * 58 + 28 + results.results.length * rowHeight + 130
  canvas.width = width * scale
  canvas.height = height * scale
  context.scale(scale, scale)

  const write = (text: string, x: number, y: number, font: string, color: string, align: CanvasTextAlign = "left") => {
    context.font = `${font} ${fonts}`
    context.fillStyle = color
    context.textAlign = align
    context.fillText(text, x, y)
  }
  context.fillStyle = ink.back
  context.fillRect(0, 0, width, height)
  let y = margin + 40
  for (const line of title) {
    write(line, margin, y, "700 48px", ink.text)
    y += 58
  }
  const labels = new Map(poll.options.map(({ id, label }) => [id, label]))
  const figures = figuresOf(rulesOf(poll), results)
  results.results.forEach(({ option }, index) => {
    const { detail, figure, max, min, value } = figures[index] ?? { detail: "", figure: "", max: 1, min: 0, value: 0 }
    y += 40
    const said = `${figure}  ${detail}`
    write(said, width - margin, y, "400 26px", ink.soft, "right")
    const room = inner - context.measureText(said).width - 32
    context.font = `600 30px ${fonts}`
    write(fitted(context, labels.get(option) ?? option, room), margin, y, "600 30px", ink.text)
    context.fillStyle = ink.track
    context.fillRect(margin, y + 16, inner, barHeight)
    context.fillStyle = results.winners.includes(option) ? ink.leads : ink.bar
    context.fillRect(margin, y + 16, max > min ? (inner * (value - min)) / (max - min) : 0, barHeight)
    y += rowHeight - 40
  })
  y += 44
  write(fitted(context, outcome, inner), margin, y, "600 30px", ink.text)
  y += 44
  write(`${totalOf(results)} · ${status[results.status]} · ${moment(now)}`, margin, y, "400 26px", ink.soft)
  y += 40
  write(`${location.host}/polls/${poll.slug}`, margin, y, "400 26px", ink.soft)
  return canvas
}
