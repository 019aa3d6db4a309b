import { connect, type Socket } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"
import { type Answer, makeAnswerParser } from "./answers.ts"
import { patienceOf } from "./draw.ts"
import type { Exchange } from "./exchange.ts"

/** What came of an exchange. */
export interface Outcome {
  readonly answers: ReadonlyArray<Answer>
  /** What the client can't accept: no answer, bytes that are none, more answers than requests. */
  readonly problem: string | undefined
}

export interface Client {
  perform(exchange: Exchange): Promise<Outcome>
  close(): void
}

/** In ms: for more answers than there should be, where a connection is at its end in any case. */
const quiet = 20

/** Performs exchanges over sockets of its own; sound ones share connections, as those of browsers and proxies do. */
export const makeClient = (ports: Readonly<Record<Exchange["to"], number>>): Client => {
  const idle: Readonly<Record<Exchange["to"], Array<Socket>>> = { api: [], management: [] }
  const all = new Set<Socket>()

  const open = (to: Exchange["to"]): Socket => {
    const socket = connect({ port: ports[to], host: "127.0.0.1", noDelay: true })
    all.add(socket)
    // What an error means, the exchange sees by the connection's end.
    socket.on("error", () => undefined)
    socket.on("close", () => all.delete(socket))
    return socket
  }
  const takeIdle = (to: Exchange["to"]): Socket | undefined => {
    for (let socket = idle[to].pop(); socket !== undefined; socket = idle[to].pop()) {
      if (socket.readable && socket.writable) return socket
    }
    return undefined
  }

  const converse = async (socket: Socket, exchange: Exchange): Promise<Outcome & { readonly untouched: boolean }> => {
    const { deaf, expects, methods, pieces } = exchange
    const answers: Array<Answer> = []
    let problem: string | undefined
    let bytes = 0
    let ended = socket.destroyed
    let awake = (): void => undefined
    const parser = makeAnswerParser(methods, (answer) => answers.push(answer))
    const guard = (action: () => void) => {
      try {
        action()
      } catch (error) {
        problem ??= error instanceof Error ? error.message : String(error)
      }
      awake()
    }
    const onData = (chunk: Buffer) => {
      bytes += chunk.length
      guard(() => parser.feed(chunk))
    }
    const onEnd = () => {
      if (!ended) guard(() => parser.end())
      ended = true
      awake()
    }
    // A reset may take the end of an answer with it, where the client was still sending.
    const onClose = () => {
      ended = true
      awake()
    }
    if (deaf) socket.pause()
    else socket.on("data", onData)
    socket.on("end", onEnd)
    socket.on("close", onClose)

    /** A stream of events is the last answer on its connection: it goes on. */
    const isLive = () => answers.at(-1)?.headers["content-type"] === "text/event-stream"
    const isDone = () =>
      problem !== undefined ||
      ended ||
      isLive() ||
      (expects === "end" ? answers.length > 0 : answers.length >= methods.length)
    const until = (done: () => boolean, ms: number): Promise<boolean> =>
      new Promise((resolve) => {
        const timer = setTimeout(() => finish(false), ms)
        const finish = (result: boolean) => {
          clearTimeout(timer)
          awake = () => undefined
          resolve(result)
        }
        awake = () => {
          if (done()) finish(true)
        }
        awake()
      })

    for (const piece of pieces) {
      if (typeof piece === "number") await sleep(piece)
      else if (socket.writable) socket.write(piece)
    }
    const patience = patienceOf(exchange)
    if (patience > 0 && !(await until(isDone, patience))) {
      problem ??= `${answers.length} answers of ${methods.length} after ${patience / 1000} s`
    }
    if (expects === "end") await until(() => ended || problem !== undefined, quiet)
    socket.off("data", onData)
    socket.off("end", onEnd)
    socket.off("close", onClose)
    if (answers.length > methods.length) problem ??= `${answers.length} answers to ${methods.length} requests`
    if (expects === "answers" && answers.length < methods.length && !saysClose(answers.at(-1)) && !isLive()) {
      problem ??= `the connection was closed after ${answers.length} answers of ${methods.length}`
    }
    const reusable = expects === "answers" && problem === undefined && !ended && !isLive() && !parser.within()
    if (reusable && !answers.some(saysClose)) idle[exchange.to].push(socket)
    else socket.destroy()
    return { answers, problem, untouched: bytes === 0 && ended }
  }

  return {
    perform: async (exchange) => {
      const kept = exchange.expects === "answers" ? takeIdle(exchange.to) : undefined
      if (kept !== undefined) {
        const outcome = await converse(kept, exchange)
        // As browsers do: a kept connection may be closed just when it is used again.
        if (!outcome.untouched) return outcome
      }
      return converse(open(exchange.to), exchange)
    },
    close: () => {
      for (const socket of all) socket.destroy()
    }
  }
}

const saysClose = (answer: Answer | undefined): boolean => answer?.headers.connection === "close"
