import { monitorEventLoopDelay } from "node:perf_hooks"
import { getHeapStatistics } from "node:v8"
import { Effect, Layer } from "effect"
import { onBeat, onBeatWhileBusy } from "../Elapsed.ts"
import { type Meter, makeMeter } from "../Meter.ts"
import type { Role } from "./Settings.ts"

/** How often the event loop's delay is measured, and over which time it is reported, in ms. */
const resolution = 100
const window = 10_000
/**
 * Which part of the last second or two the event loop must have worked for its delay to be measured in the next one. Each measurement
 * wakes the process: of one that has nothing to do, they were half of what woke it.
 */
const busy = 0.05
const second = 1_000

/** Measures the process itself, under the names that dashboards for Node.js know. */
export const layerProcessMetrics = (role: Role): Layer.Layer<never> =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const meter = yield* makeMeter
      yield* meter.gauge("tallykeep_build_info", "The program that runs, always 1", () => 1, {
        version: process.env.TALLYKEEP_VERSION ?? "0.0.0",
        role
      })
      yield* compiledCode(meter)
      const cpu = atMostEachSecond(() => {
        const { system, user } = process.cpuUsage()
        return (system + user) / 1e6
      })
      const resident = atMostEachSecond(() => process.memoryUsage.rss())
      yield* meter.total("process_cpu_seconds_total", "CPU time of the process", cpu)
      yield* meter.gauge("process_resident_memory_bytes", "Memory of the process", resident)
      const started = Date.now() / 1000 - process.uptime()
      yield* meter.gauge("process_start_time_seconds", "When it was started, since 1970", () => started)
      // memoryUsage() asks the system besides.
      const heapUsed = () => getHeapStatistics().used_heap_size
      yield* meter.gauge("nodejs_heap_size_used_bytes", "What V8's heap holds", heapUsed)

      const delay = monitorEventLoopDelay({ resolution })
      let lags = { p50: 0, p99: 0, max: 0 }
      /** The histogram holds the time between two looks, in ns. */
      const seconds = (ns: number) => Math.max(0, ns / 1e9 - resolution / 1000)
      const look = Effect.sync(() => {
        if (delay.count > 0) {
          lags = {
            p50: seconds(delay.percentile(50)),
            p99: seconds(delay.percentile(99)),
            max: seconds(delay.max)
          }
        } else lags = { p50: 0, p99: 0, max: 0 }
        delay.reset()
      })
      let seen = performance.eventLoopUtilization()
      const choose = Effect.sync(() => {
        const now = performance.eventLoopUtilization()
        const works = performance.eventLoopUtilization(now, seen).utilization >= busy
        seen = now
        if (works) delay.enable()
        else delay.disable()
        return works
      })
      for (const lag of ["p50", "p99", "max"] as const) {
        const about = `How late the event loop was in the last ${window / 1000} s; 0 where it had next to nothing to do`
        yield* meter.gauge(`nodejs_eventloop_lag_${lag}_seconds`, about, () => lags[lag])
      }
      yield* Effect.addFinalizer(() => Effect.sync(() => delay.disable()))
      yield* Effect.forkScoped(Effect.repeat(choose, onBeatWhileBusy(second)))
      yield* Effect.forkScoped(Effect.repeat(look, onBeat(window)))
    })
  )

/**
 * Makes a reading of what the system has to be asked for, which takes it a third as long as all of a scrape. Node opens a file to read
 * the memory: where it can't, the last figure stays, so that a process without a free descriptor is watched all the same.
 */
const atMostEachSecond = (ask: () => number): (() => number) => {
  let figure = 0
  let asked = Number.NEGATIVE_INFINITY
  return () => {
    const now = performance.now()
    if (now - asked < second) return figure
    asked = now
    try {
      figure = ask()
    } catch {
      // It is asked again.
    }
    return figure
  }
}

/** Tells whether this start has used the compiled code of a former one (src/CompiledCode.ts), and why not. */
const compiledCode = Effect.fnUntraced(function* (meter: Meter) {
  const code = globalThis.tallykeepCompiledCode
  // The program runs by itself in unit tests.
  if (code === undefined) return
  yield* meter.gauge("tallykeep_compiled_code", "Where the program's compiled code comes from, always 1", () => 1, {
    state: code.state
  })
  yield* Effect.promise(() => code.problem).pipe(
    Effect.flatMap((problem) => (problem === undefined ? Effect.void : Effect.logInfo(`Compiled code: ${problem}`))),
    Effect.forkScoped
  )
})
