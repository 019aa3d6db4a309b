// What the bundler does to the program's parts, so that it starts fast.
import { readFileSync } from "node:fs"
import { readFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("..", import.meta.url))

const known = new Map()

/** The modules that a package's index gives as namespaces (`export * as Effect from "./Effect.js"`), by name. */
const namespacesOf = (name) => {
  const index = fileURLToPath(import.meta.resolve(name))
  if (!known.has(index)) {
    const found = readFileSync(index, "utf8").matchAll(/^export \* as (\w+) from "(.+)";$/gm)
    known.set(index, new Map([...found].map(([, namespace, file]) => [namespace, join(dirname(index), file)])))
  }
  return known.get(index)
}

/**
 * Makes of `import { Effect } from "effect"` an `import * as Effect from "effect/Effect"`: of a namespace that comes
 * through an index, the bundler keeps all that is in it, and of a module only what is used.
 */
export const directImports = {
  name: "direct-imports",
  setup(builder) {
    builder.onLoad({ filter: /\/src\/.*\.ts$/ }, async ({ path }) => {
      const source = await readFile(path, "utf8")
      const contents = source.replace(/^import \{([^}]+)\} from "(@?effect\/?[^"]*)"$/gm, (statement, names, from) => {
        const namespaces = namespacesOf(from)
        const [direct, others] = [[], []]
        for (const name of names.split(",").map((text) => text.trim())) {
          const file = namespaces.get(name)
          if (file === undefined) others.push(name)
          else direct.push(`import * as ${name} from ${JSON.stringify(file)};`)
        }
        const rest = others.length === 0 ? "" : `import { ${others.join(", ")} } from "${from}";`
        // The lines stay where they are, for the source maps.
        return `${direct.join(" ")} ${rest}${"\n".repeat(statement.split("\n").length - 1)}`
      })
      return { contents, loader: "ts" }
    })
  }
}

/**
 * Redis's client gives its prototype 600 methods, one by one, and V8 copies the list of those before each time: half of
 * what it takes to load it. An object that something was deleted from keeps them in a table instead.
 */
const slow = "commands.forEach(function (commandName) {"
const quick = `Commander.prototype.table = true;delete Commander.prototype.table;${slow}`

export const quickCommands = {
  name: "quick-commands",
  setup(builder) {
    builder.onLoad({ filter: /\/ioredis\/built\/utils\/Commander\.js$/ }, async ({ path }) => {
      const source = await readFile(path, "utf8")
      if (!source.includes(slow)) throw new Error(`${path} is not as it was: is it still slow to load?`)
      return { contents: source.replace(slow, quick) }
    })
  }
}

/** Parts of Node that some starts don't need, each loaded when something of it is first used: TLS is where a URL says so. */
export const lateParts = {
  name: "late-parts",
  setup(builder) {
    builder.onResolve({ filter: /^(node:)?(assert|fs\/promises|readline|tls)$/ }, ({ namespace, path }) =>
      namespace === "late-parts" ? undefined : { path: path.replace(/^(node:)?/, "node:"), namespace: "late-parts" }
    )
    builder.onLoad({ filter: /.*/, namespace: "late-parts" }, async ({ path }) => {
      const names = Object.keys(await import(path)).filter((name) => name !== "default")
      return {
        contents: `
          let loaded
          const load = () => (loaded ??= require("${path}"))
          module.exports = (...given) => load()(...given)
          for (const name of ${JSON.stringify(names)}) {
            Object.defineProperty(module.exports, name, { enumerable: true, get: () => load()[name] })
          }`
      }
    })
  }
}

/** Data that JSON.parse reads, in half the time that V8 takes for the same as a program. */
export const parsedJson = {
  name: "parsed-json",
  setup(builder) {
    builder.onLoad({ filter: /\.json$/ }, async ({ path }) => {
      const data = JSON.stringify(JSON.parse(await readFile(path, "utf8")))
      return { contents: `module.exports = JSON.parse(${JSON.stringify(data)})` }
    })
  }
}

/** The HTTP server can speak WebSocket; nothing here does, and what that takes need not be loaded. */
export const withoutWebSockets = {
  name: "without-websockets",
  setup(builder) {
    builder.onResolve({ filter: /^ws$/ }, () => ({ path: "ws", namespace: "without-websockets" }))
    builder.onLoad({ filter: /.*/, namespace: "without-websockets" }, () => ({
      contents: "export class WebSocket {}\nexport class WebSocketServer {}"
    }))
  }
}

/** Redis's client has one for a Redis Cluster as well, which nothing here uses: see layers/RedisCluster.ts. */
export const withoutClusterClient = {
  name: "without-cluster-client",
  setup(builder) {
    builder.onResolve({ filter: /^\.\/cluster$/ }, ({ importer }) =>
      /\/ioredis\/built\/(index|Redis)\.js$/.test(importer)
        ? { path: "cluster", namespace: "without-cluster-client" }
        : undefined
    )
    builder.onLoad({ filter: /.*/, namespace: "without-cluster-client" }, () => ({
      contents: "module.exports = { default: class Cluster {} }"
    }))
  }
}

/** Redis's client prints what it does where DEBUG says so; what that takes, the terminal's stream, need not be made otherwise. */
export const lateDebug = {
  name: "late-debug",
  setup(builder) {
    builder.onResolve({ filter: /^debug$/ }, ({ namespace }) =>
      namespace === "late-debug" ? undefined : { path: "debug", namespace: "late-debug" }
    )
    builder.onLoad({ filter: /.*/, namespace: "late-debug" }, () => ({
      contents: `
        const silent = Object.assign(() => {}, { enabled: false })
        module.exports = process.env.DEBUG ? require("debug") : { default: () => silent }`,
      resolveDir: root
    }))
  }
}
