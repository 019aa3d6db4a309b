import { fork } from "node:child_process"
import { once } from "node:events"
import { inBench } from "../support/processes.ts"

/** What is sent, and for how long. */
export interface Load {
  readonly port: number
  readonly connections: number
  /** Whole requests, as they go over the wire; sent in turn. */
  readonly requests: ReadonlyArray<string>
  /** The status that each answer has to have. */
  readonly expected: number
  /** Before it is measured, and at most measured, in ms. */
  readonly warmUp: number
  readonly lasts: number
  /** How many requests at most. */
  readonly total?: number
  /** Requests a second; without it, each connection sends the next when it has its answer. */
  readonly rate?: number
}

/** Of a quick look, which must see some answers however slow the machine is. */
export const oneThousand = { warmUp: 0, lasts: Number.MAX_SAFE_INTEGER, total: 1_000 }

/** How it was answered, in the time that was measured. */
export interface Answered {
  readonly answers: number
  readonly seconds: number
  /** How long an answer took, in ms. */
  readonly p50: number
  readonly p99: number
  readonly p999: number
}

/** What the generator's process says: that from now on is measured (in ms since 1970), what came of it, or what failed. */
export type Told = { readonly measuringSince: number } | Answered | { readonly error: string }

/** What was answered, and what was observed at the start and at the end of what was measured. */
export interface Run<A> extends Answered {
  readonly since: number
  readonly before: A
  readonly after: A
}

/** Sends a load from a process of its own. */
export const runLoad = async <A>(load: Load, observe: () => A | Promise<A>): Promise<Run<A>> => {
  const generator = fork(inBench("load/generator.ts"))
  generator.send(load)
  const hear = async (): Promise<Told> => {
    const [told] = await Promise.race([once(generator, "message"), once(generator, "exit")])
    return typeof told === "object" && told !== null ? told : { error: `its process ended with ${told}` }
  }
  const fail = (told: Told) =>
    new Error(`The load on port ${load.port} failed: ${"error" in told ? told.error : "it is out of order"}`)
  try {
    const started = await hear()
    if (!("measuringSince" in started)) throw fail(started)
    const before = await observe()
    const ended = await hear()
    if (!("answers" in ended)) throw fail(ended)
    return { ...ended, since: started.measuringSince, before, after: await observe() }
  } finally {
    generator.kill("SIGKILL")
  }
}

const bodies = ['{"option":"cats"}', '{"option":"dogs"}']

/** Returns a vote for the first of the options as a browser sends it, or for the second; with more headers, each a whole line. */
const voteAs = (index: number, path: string, more = ""): string => {
  const body = bodies[index % bodies.length] ?? ""
  const head = `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: http://localhost:3000\r\nAccept: */*\r\n${more}`
  return `${head}Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`
}

/** Votes for the two options in turn. */
export const votes: ReadonlyArray<string> = bodies.map((_, index) => voteAs(index, "/api/vote"))

/** Votes in a poll, each with a header of its own that says who votes. */
export const votesOf = (poll: string, headers: ReadonlyArray<string>): ReadonlyArray<string> =>
  headers.map((header, index) => voteAs(index, `/api/polls/${poll}/votes`, header && `${header}\r\n`))
