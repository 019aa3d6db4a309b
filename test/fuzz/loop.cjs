// Loaded before the program: measures how long its event loop stops, and writes it to the file in FUZZ_LOOP at each SIGUSR2.
//
// A timer's lateness tells how long the main thread was busy or blocked, and also how long it was ready and had no CPU, which
// on a machine that others use too (the load itself) is no fault of the program. The kernel tells these apart: in
// /proc/self/task/<thread>/schedstat stands for how many ns a thread ran, and for how many it was ready and waited for a CPU.
// A stop is what the main thread ran between two looks. It is also the lateness that no thread's waiting explains, since a
// thread that sleeps in a synchronous read stops the loop, too; one that waits for a collector's thread without a CPU does not.
// What piles up while the program has no CPU is done in one go, which is the machine's fault too: `starved` says that the thread
// had waited for longer than it ran. Where much else runs, that is so of any long stop: only a quiet machine tells all.
const { closeSync, openSync, readdirSync, readSync, writeFileSync } = require("node:fs")

/** In ms. */
const interval = 10
const renewed = 1_000
/** What is listed with its time. */
const long = 80

const folder = "/proc/self/task"
const text = Buffer.alloc(100)
let threads = []
const openThreads = () => {
  for (const { file } of threads) closeSync(file)
  threads = readdirSync(folder).map((id) => {
    const thread = { main: Number(id) === process.pid, file: openSync(`${folder}/${id}/schedstat`) }
    return { ...thread, ...read(thread.file) }
  })
}
const read = (file) => {
  try {
    const [ran = 0, waited = 0] = text.toString("latin1", 0, readSync(file, text, 0, 100, 0)).split(" ")
    return { ran: ran / 1e6, waited: waited / 1e6 }
  } catch {
    // The thread has ended.
    return {}
  }
}
/** Returns for how long the main thread ran since the last look, and all of them waited. */
const look = () => {
  let [ran, waited, queued] = [0, 0, 0]
  for (const thread of threads) {
    const now = read(thread.file)
    if (thread.main) [ran, queued] = [now.ran - thread.ran, now.waited - thread.waited]
    waited += (now.waited ?? thread.waited) - thread.waited
    Object.assign(thread, now)
  }
  return { ran, waited, queued }
}

let ticks = []
let stops = []
openThreads()
let at = performance.now()
setInterval(() => {
  const { queued, ran, waited } = look()
  const now = performance.now()
  const late = Math.max(0, now - at - interval)
  const stopped = Math.max(ran, late - waited)
  ticks.push(stopped)
  if (stopped > long) stops.push({ until: Date.now(), ms: stopped, ran, late, starved: queued > stopped })
  at = now
}, interval).unref()

setInterval(openThreads, renewed).unref()

// Tells what there was since the last time, the start at first.
process.on("SIGUSR2", () => {
  const sorted = ticks.toSorted((left, right) => right - left)
  const report = {
    ticks: ticks.length,
    max: sorted[0] ?? 0,
    p999: sorted[Math.floor(sorted.length / 1000)] ?? 0,
    stops
  }
  writeFileSync(process.env.FUZZ_LOOP, JSON.stringify(report))
  ticks = []
  stops = []
})
