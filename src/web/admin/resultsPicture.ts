import type { PollView } from "../../domain/PollView.ts"
import { rulesOf } from "../../domain/Rules.ts"
import type { Results } from "../../domain/Tally.ts"
import { tellOutcome } from "../drawn/drawResults.ts"
import { figuresOf } from "../drawn/figures.ts"
import { moment, named } from "../words/formats.ts"
import { status, totalOf } from "../words.ts"
import { linesOf } from "./textLines.ts"

const width = 1200
const margin = 72
const inner = width - 2 * margin
const rowHeight = 104
const barHeight = 24
/** Twice as fine as it is large, for print and for sharp screens. */
const scale = 2

const ink = { back: "#ffffff", text: "#171b26", soft: "#565e70", track: "#e9ecf3", bar: "#9db4ef", leads: "#2f5bd7" }
const fonts = 'system-ui, -apple-system, "Segoe UI", Roboto, sans-serif'

/** Shortens a text to so many pixels. */
const fitted = (context: CanvasRenderingContext2D, text: string, most: number): string => {
  if (context.measureText(text).width <= most) return text
  const characters = [...text]
  const shortened = (): string => `${characters.join("")}…`
  while (characters.length > 1 && context.measureText(shortened()).width > most) characters.pop()
  return shortened()
}

/** Draws a poll's results as they are: question, bars from the best on, outcome, total, the time and the poll's address. */
export const drawPicture = (poll: PollView, results: Results, now: number): HTMLCanvasElement => {
  const canvas = document.createElement("canvas")
  const context = canvas.getContext("2d")
  if (context === null) return canvas
  const paragraph = (text: string, font: string, color: string) => {
    context.font = `${font} ${fonts}`
    return linesOf((line) => context.measureText(line).width, text, inner).map((line) => ({ line, font, color }))
  }
  const title = paragraph(poll.title, "700 48px", ink.text)
  const end = [
    ...paragraph(tellOutcome(poll.options, results), "600 30px", ink.text),
    ...paragraph(`${totalOf(results)} · ${status[results.status]} · ${moment(now)}`, "400 26px", ink.soft),
    ...paragraph(`${location.host}/polls/${poll.slug}`, "400 26px", ink.soft)
  ]
  const height = margin * 2 + title.length * 58 + 28 + results.results.length * rowHeight + end.length * 44
  canvas.width = width * scale
  canvas.height = height * scale
  context.scale(scale, scale)

  const write = (text: string, x: number, y: number, font: string, color: string, align: CanvasTextAlign = "left") => {
    context.font = `${font} ${fonts}`
    context.fillStyle = color
    context.textAlign = align
    // What is written from right to left goes on to the left by itself, also where a question mark ends it.
    context.fillText(named(text), x, y)
  }
  context.fillStyle = ink.back
  context.fillRect(0, 0, width, height)
  let y = margin + 40
  for (const { color, font, line } of title) {
    write(line, margin, y, font, color)
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
  for (const { color, font, line } of end) {
    y += 44
    write(line, margin, y, font, color)
  }
  return canvas
}
