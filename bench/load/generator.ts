// A process that sends requests over kept connections, as cheaply as it can be done on Node: it shares the machine with
// what is measured. No HTTP client: bytes that were made once, and of the answers only the status and the length.
import { once } from "node:events"
import { connect, type Socket } from "node:net"
import { createHistogram } from "node:perf_hooks"
import type { Load, Told } from "./load.ts"

const [load]: Array<Load> = await once(process, "message")
if (load === undefined) throw new Error("There is nothing to send")
const { connections, expected, lasts, port, rate, requests, total = Number.POSITIVE_INFINITY, warmUp } = load
const messages = requests.map((text) => Buffer.from(text, "latin1"))
const wanted = `HTTP/1.1 ${expected} `

const tell = (told: Told) => process.send?.(told)
/** The other side then ends this process. */
const giveUp = (error: string) => {
  next = () => {}
  tell({ error })
}

let sent = 0
let answered = 0
/** Of these, those before it is measured. */
let early = 0
const times = createHistogram({ lowest: 1, highest: 60_000_000 })

/** The length of an answer's body; 0 for one that has none. */
const bodyLength = (head: string): number => {
  if (expected === 304) return 0
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1]
  if (length === undefined) giveUp(`An answer has no Content-Length:\n${head}`)
  return Number(length)
}

interface Connection {
  readonly socket: Socket
  /** When the request under way was to be sent, in ms. */
  dueAt: number
  /** What has come of an answer that is not whole yet. */
  rest: string
}

/** Called when a connection's answer is there; sends the next one. */
let next = (_connection: Connection): void => {}

const send = (connection: Connection, dueAt: number): void => {
  connection.dueAt = dueAt
  connection.socket.write(messages[sent++ % messages.length] ?? "")
}

const receive = (connection: Connection, chunk: Buffer): void => {
  const text = connection.rest + chunk.toString("latin1")
  const end = text.indexOf("\r\n\r\n")
  if (end < 0 || text.length < end + 4 + bodyLength(text.slice(0, end))) {
    connection.rest = text
    return
  }
  connection.rest = ""
  if (!text.startsWith(wanted)) giveUp(`Not what was asked for:\n${text}`)
  answered++
  times.record(Math.max(1, Math.round((performance.now() - connection.dueAt) * 1000)))
  next(connection)
}

const open = (): Promise<Connection> =>
  new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true }, () => resolve(connection))
    const connection: Connection = { socket, dueAt: 0, rest: "" }
    socket.on("data", (chunk) => receive(connection, chunk))
    socket.on("error", ({ message }) => giveUp(message))
    socket.on("close", () => giveUp("A connection was closed"))
  })

/** As fast as the answers come. */
const sendSteadily = (all: ReadonlyArray<Connection>): void => {
  next = (connection) => {
    if (sent < total) send(connection, performance.now())
  }
  for (const connection of all) next(connection)
}

/** At an even pace; a request that finds no free connection waits for one, which counts as its own delay. */
const sendEvenly = (all: ReadonlyArray<Connection>, perSecond: number): void => {
  const free = [...all]
  const start = performance.now()
  const timeOf = (index: number) => start + (index * 1000) / perSecond
  next = (connection) => {
    free.push(connection)
  }
  setInterval(() => {
    const now = performance.now()
    for (let due = timeOf(sent); due <= now && sent < total && free.length > 0; due = timeOf(sent)) {
      const connection = free.shift()
      if (connection !== undefined) send(connection, due)
    }
  }, 1)
}

const all = await Promise.all(Array.from({ length: connections }, open))
if (rate === undefined) sendSteadily(all)
else sendEvenly(all, rate)

const milliseconds = (share: number) => times.percentile(share) / 1000
setTimeout(() => {
  const start = performance.now()
  early = answered
  times.reset()
  tell({ measuringSince: Date.now() })
  const look = setInterval(() => {
    const took = performance.now() - start
    if (took < lasts && answered < total) return
    clearInterval(look)
    const [p50 = 0, p99 = 0, p999 = 0] = [50, 99, 99.9].map(milliseconds)
    tell({ answers: answered - early, seconds: took / 1000, p50, p99, p999 })
  }, 5)
}, warmUp)
