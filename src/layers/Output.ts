/** What a process does when nobody takes its output any more, or there is no room for it. */
let outlives = false

/** The exit code of a program that SIGPIPE has ended, as a shell says it. */
const brokenPipe = 141

/**
 * Hears of output that can't be written; unheard, such an error ends the process with a trace. Until `outliveOutput` is called,
 * the process is a command whose output is what it is for. It ends: quietly where its reader has gone, as that of `| head`,
 * else with 1 and a sentence.
 */
export const watchOutput = (): void => {
  process.stderr.on("error", () => undefined)
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (outlives) return
    if (error.code !== "EPIPE") process.stderr.write(`The output can't be written: ${error.message}\n`)
    process.exit(error.code === "EPIPE" ? brokenPipe : 1)
  })
}

/** Lets the process go on without its output from now on: that of a service is its log. */
export const outliveOutput = (): void => {
  outlives = true
}
