// What the bundler does to the program's parts, so that it starts fast. `node script/build.mjs --plain` builds without.
import { readFileSync } from "node:fs"
import { readFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

/**
 * Makes a plugin that fails the build where something that it replaces was not there: a dependency has changed then, and
 * the replacement is wrong or needless. `setup` gets the builder, and calls `found` with each of `expected` that it meets.
 */
const plugin = (name, expected, setup) => ({
  name,
  setup(builder) {
    const missing = new Set(expected)
    setup(builder, (what) => missing.delete(what))
    builder.onEnd(() => ({
      errors: [...missing].map((what) => ({
        text: `${name} of script/bundling.mjs did not find ${what}: is it still needed?`
      }))
    }))
  }
})

const known = new Map()

/** Returns the modules that a package's index exports as namespaces (`export * as Effect from "./Effect.js"`), by name. */
const namespacesOf = (name) => {
  const index = fileURLToPath(import.meta.resolve(name))
  if (!known.has(index)) {
    const found = readFileSync(index, "utf8").matchAll(/^export \* as (\w+) from "(.+)";$/gm)
    known.set(index, new Map([...found].map(([, namespace, file]) => [namespace, join(dirname(index), file)])))
  }
  return known.get(index)
}

/**
 * Turns `import { Effect } from "effect"` into `import * as Effect from "effect/Effect"`: of a namespace that comes
 * through an index the bundler keeps everything, of a module only what is used.
 */
export const directImports = plugin("direct-imports", ["a namespace of effect"], (builder, found) => {
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
      if (direct.length > 0) found("a namespace of effect")
      const rest = others.length === 0 ? "" : `import { ${others.join(", ")} } from "${from}";`
      // The lines stay where they are, for the source maps.
      return `${direct.join(" ")} ${rest}${"\n".repeat(statement.split("\n").length - 1)}`
    })
    return { contents, loader: "ts" }
  })
})

/**
 * Redis's client gives its prototype 600 methods one by one, and V8 copies the list of the former ones each time: half of
 * the client's time to load. An object from which something was deleted keeps its properties in a table instead.
 */
const slow = "commands.forEach(function (commandName) {"
const quick = `Commander.prototype.table = true;delete Commander.prototype.table;${slow}`

export const quickCommands = plugin("quick-commands", ["ioredis's list of methods"], (builder, found) => {
  builder.onLoad({ filter: /\/ioredis\/built\/utils\/Commander\.js$/ }, async ({ path }) => {
    const source = await readFile(path, "utf8")
    if (source.includes(slow)) found("ioredis's list of methods")
    return { contents: source.replace(slow, quick) }
  })
})
