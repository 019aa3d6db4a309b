import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { openSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { freePort } from "../../src/embedded/ServerProcess.ts"
import { nodeFlags } from "../support/nodeFlags.ts"
import { startApi, startConsumer } from "../support/processes.ts"
import { get, vote } from "./call.ts"
import { expectCounted, makeSite, patiently, untilReady } from "./site.ts"

const main = fileURLToPath(new URL("../../dist/main.js", import.meta.url))

/** Ends all output of a program as a reader that goes away does, once `said` has come. */
const readUntil = (child: ChildProcess, said: RegExp) =>
  Effect.callback<RegExpExecArray>((resume) => {
    let text = ""
    child.stdout?.on("data", (chunk) => {
      text += chunk
      const found = said.exec(text)
      if (found === null) return
      child.stdout?.destroy()
      child.stderr?.destroy()
      resume(Effect.succeed(found))
    })
  })

const spawned = (args: ReadonlyArray<string>, env: Readonly<Record<string, string>>, stdio: "pipe" | number = "pipe") =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const all = { PATH: process.env.PATH ?? "", ...env }
      return spawn(process.execPath, [...nodeFlags, main, ...args], { env: all, stdio: ["ignore", stdio, stdio] })
    }),
    (child) => Effect.sync(() => void child.kill("SIGKILL"))
  )

const ended = (child: ChildProcess) =>
  Effect.promise(async () => {
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit")
    return { code: child.exitCode, signal: child.signalCode }
  })

describe("a service whose log can't be written", () => {
  it.live("goes on when its log's reader has gone, and ends in order", () =>
    Effect.gen(function* () {
      const site = yield* makeSite()
      const env = { ...site.env, LOG_LEVEL: "DEBUG" }
      const consumer = yield* spawned(["--role=consumer"], env)
      yield* readUntil(consumer, /Counting votes/)
      const api = yield* spawned(["--role=api"], { ...env, PORT: "0" })
      const [, url = ""] = yield* readUntil(api, /Listening on (http:\/\/[^\s"]+)/)
      yield* untilReady(url)
      const receipts = []
      for (let index = 0; index < 20; index++) {
        const { body, status } = yield* vote(url, "cats")
        assert.strictEqual(status, 201)
        receipts.push({ voteId: `${body.vote_id}`, streamId: `${body.stream_id}` })
      }
      assert.strictEqual(yield* expectCounted(site, receipts), 20)
      for (const child of [api, consumer]) {
        child.kill("SIGTERM")
        assert.deepStrictEqual(yield* ended(child), { code: 0, signal: null })
      }
    }).pipe(Effect.scoped)
  )

  it.live("goes on when there is no room for it", () =>
    Effect.gen(function* () {
      const site = yield* makeSite()
      const full = openSync("/dev/full", "w")
      const port = yield* freePort
      const child = yield* spawned(["--role=all"], { ...site.env, LOG_LEVEL: "DEBUG", PORT: String(port) }, full)
      const url = `http://127.0.0.1:${port}`
      yield* patiently(get(`${url}/health`))
      yield* untilReady(url)
      const { body } = yield* vote(url, "cats")
      const receipt = { voteId: `${body.vote_id}`, streamId: `${body.stream_id}` }
      assert.strictEqual(yield* expectCounted(site, [receipt]), 1)
      child.kill("SIGTERM")
      assert.deepStrictEqual(yield* ended(child), { code: 0, signal: null })
    }).pipe(Effect.scoped)
  )
})

describe("a hangup", () => {
  it.live.each(["api", "consumer"] as const)("ends the role %s in order, as SIGTERM does", (role) =>
    Effect.gen(function* () {
      const site = yield* makeSite()
      const program = yield* role === "api" ? startApi("api", { env: site.env }) : startConsumer({ env: site.env })
      program.signal("SIGHUP")
      assert.deepStrictEqual(yield* program.ended, { code: 0, signal: null })
    }).pipe(Effect.scoped)
  )

  it.live("ends at once what is ending already", () =>
    Effect.gen(function* () {
      const site = yield* makeSite()
      const api = yield* startApi("api", { env: { ...site.env, SHUTDOWN_DELAY: "20s" } })
      api.signal("SIGHUP")
      yield* api.says(/Shutting down/)
      api.signal("SIGHUP")
      assert.deepStrictEqual(yield* api.ended, { code: 143, signal: null })
    }).pipe(Effect.scoped)
  )
})

describe("a command whose output can't be written", () => {
  const exported = Effect.gen(function* () {
    const site = yield* makeSite()
    const api = yield* startApi("all", { env: site.env })
    yield* untilReady(api.url)
    return site.env
  })

  it.live("ends without a word when its reader has gone", () =>
    Effect.gen(function* () {
      const env = yield* exported
      const child = yield* spawned(["polls", "list"], env)
      let complaint = ""
      child.stderr?.on("data", (chunk) => {
        complaint += chunk
      })
      child.stdout?.destroy()
      assert.deepStrictEqual(yield* ended(child), { code: 141, signal: null })
      assert.strictEqual(complaint, "")
    }).pipe(Effect.scoped)
  )

  it.live("says so and fails when there is no room for it", () =>
    Effect.gen(function* () {
      const env = yield* exported
      const child = yield* Effect.acquireRelease(
        Effect.sync(() =>
          spawn(process.execPath, [...nodeFlags, main, "polls", "list"], {
            env: { PATH: process.env.PATH ?? "", ...env },
            stdio: ["ignore", openSync("/dev/full", "w"), "pipe"]
          })
        ),
        (open) => Effect.sync(() => void open.kill("SIGKILL"))
      )
      let complaint = ""
      child.stderr?.on("data", (chunk) => {
        complaint += chunk
      })
      assert.deepStrictEqual(yield* ended(child), { code: 1, signal: null })
      assert.match(complaint, /^The output can't be written: ENOSPC/)
    }).pipe(Effect.scoped)
  )
})
