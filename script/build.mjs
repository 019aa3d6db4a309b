// Bundles src/ into dist/: few files, so that the program starts fast, with source maps.
// The `.sql` and `.lua` files become strings; what the pages are made of is built beside it (web.mjs).
// With --failpoints it goes to dist-failpoints/ instead, and has the places in it where a test can kill the program; with
// --plain it goes to dist-plain/, and the program's parts are as they come, without what bundling.mjs does to them.
import { readFile, rename, rm, writeFile } from "node:fs/promises"
import { basename, join } from "node:path"
import { fileURLToPath } from "node:url"
import { build } from "esbuild"
import * as plugins from "./bundling.mjs"
import { buildPublic } from "./web.mjs"

const root = fileURLToPath(new URL("..", import.meta.url))
const failpoints = process.argv.includes("--failpoints")
const plain = process.argv.includes("--plain")
const dist = join(root, failpoints ? "dist-failpoints" : plain ? "dist-plain" : "dist")
const { version } = JSON.parse(await readFile(join(root, "package.json"), "utf8"))

// Made beside it and then put in its place: a program that is being started finds the one or the other whole.
const made = `${dist}.${process.pid}`

/** CommonJS in one file, of which compiled code can be kept as a whole (src/CompiledCode.ts). */
const common = {
  absWorkingDir: root,
  outdir: made,
  bundle: true,
  format: "cjs",
  platform: "node",
  target: "node20",
  minifyWhitespace: true,
  minifySyntax: true,
  sourcemap: true,
  sourcesContent: false,
  legalComments: "none",
  logLevel: "warning",
  // An ES module is strict, and knows where it is.
  banner: { js: '"use strict";const moduleUrl=require("node:url").pathToFileURL(__filename).href;' }
}

const program = await build({
  ...common,
  entryPoints: [{ in: "src/main.ts", out: "program" }],
  // Compiled code is kept by the file's name.
  entryNames: "[name]-[hash]",
  metafile: true,
  plugins: plain ? [] : Object.values(plugins),
  loader: { ".sql": "text", ".lua": "text" },
  define: {
    "import.meta.url": "moduleUrl",
    "process.env.TALLYKEEP_VERSION": JSON.stringify(version),
    TALLYKEEP_FAILPOINTS: String(failpoints)
  }
})
const [file] = Object.entries(program.metafile.outputs).flatMap(([path, { entryPoint }]) => (entryPoint ? [path] : []))
// With other characters in it, V8 takes twice the memory for the file. esbuild escapes them where it can.
if (/[^\0-\x7f]/.test(await readFile(join(root, file), "utf8"))) {
  throw new Error(
    "A regular expression or tagged template has characters beyond ASCII: write them as \\u1234 or &name;"
  )
}

await build({
  ...common,
  entryPoints: [{ in: "src/start.ts", out: "main" }],
  define: { "import.meta.url": "moduleUrl", TALLYKEEP_PROGRAM: JSON.stringify(`./${basename(file)}`) }
})
// The code of a thread, which has nothing in it of the program's.
await build({
  ...common,
  entryPoints: [{ in: "src/consumer/tabulationWorker.ts", out: "tabulation-worker" }]
})
await writeFile(join(made, "package.json"), '{"type":"commonjs"}\n')
await buildPublic(join(made, "public"))
await rm(dist, { recursive: true, force: true })
await rename(made, dist)
