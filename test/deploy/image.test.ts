import { execFile, spawnSync } from "node:child_process"
import { chmodSync, mkdtempSync, readdirSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { validate } from "dockerfile-utils"
import { Effect } from "effect"
import { makeSite, patiently, untilReady } from "../e2e/site.ts"
import { nodeFlags } from "../support/nodeFlags.ts"
import { launchProgram } from "../support/processes.ts"
import { buildImage, dockerfile, execForm, type Image, sizeOf, stages } from "./image.ts"

const keywords = (keyword: string) => (stages().at(-1) ?? []).filter((found) => found.getKeyword() === keyword)
const text = (keyword: string) => keywords(keyword).map((found) => found.getArgumentsContent() ?? "")

describe("the Dockerfile", () => {
  it("has nothing that a linter minds", () => {
    assert.deepStrictEqual(
      validate(dockerfile).map(({ message, range }) => `${range.start.line + 1}: ${message}`),
      []
    )
  })

  it("starts from images that are pinned by digest", () => {
    for (const [from] of stages()) assert.match(from?.getArgumentsContent() ?? "", /^\$\{\w+_IMAGE\}@\$\{\w+_DIGEST\}/)
    const digests = dockerfile.match(/^ARG (BUILD|BASE)_DIGEST=sha256:[0-9a-f]{64}$/gm)
    assert.lengthOf(digests ?? [], 2)
  })

  it("labels itself with what is known in its last stage", () => {
    const known = text("ARG").map((argument) => argument.split("=")[0])
    const used = [
      ...text("LABEL")
        .join()
        .matchAll(/\$\{(\w+)\}/g)
    ].map(([, name]) => name)
    assert.includeMembers(known, used)
    assert.isAbove(used.length, 2)
  })

  it("ends with one user, without root, and a process that gets its signals", () => {
    assert.deepStrictEqual(text("USER"), ["1000:1000"])
    assert.deepStrictEqual(text("STOPSIGNAL"), ["SIGTERM"])
    assert.deepStrictEqual(keywords("ENTRYPOINT").map(execForm), [["/nodejs/bin/node", ...nodeFlags, "dist/main.js"]])
    assert.deepStrictEqual(keywords("RUN"), [], "there is no shell to run anything with")
  })
})

/** The image's own check: `HEALTHCHECK … CMD […]`. */
const healthcheck = (): ReadonlyArray<string> =>
  JSON.parse(/CMD (\[.*\])$/.exec(text("HEALTHCHECK")[0] ?? "")?.[1] ?? "[]")

/**
 * The packages that distroless's cc image is made of, to which its Node.js image adds node alone; each by the names that
 * it has had.
 */
const basePackages = [
  ["base-files"],
  ["netbase"],
  ["tzdata"],
  ["media-types"],
  ["ca-certificates"],
  ["libc6"],
  ["libssl3t64", "libssl3"],
  ["libzstd1"],
  ["zlib1g"],
  ["libgomp1"],
  ["libstdc++6"],
  ["libgcc-s1"],
  ["gcc-14-base", "gcc-12-base"]
] as const

/** Returns the size of the base's packages, in bytes, from this machine's package lists. */
const baseSize = (): number => {
  const said = spawnSync("apt-cache", ["show", "--no-all-versions", ...basePackages.flat()], {
    encoding: "utf8"
  }).stdout
  const sizes = new Map<string, number>()
  for (const paragraph of said.split("\n\n")) {
    const value = (field: string) => new RegExp(`^${field}: (.*)$`, "m").exec(paragraph)?.[1] ?? ""
    sizes.set(value("Package"), Number(value("Installed-Size")) * 1024)
  }
  return basePackages.reduce((sum, names) => {
    const name = names.find((known) => sizes.has(known)) ?? assert.fail(`No size of ${names.join(" or ")}`)
    return sum + (sizes.get(name) ?? 0)
  }, 0)
}

const hasApt = spawnSync("apt-cache", ["--version"]).status === 0

describe("the image", () => {
  const folder = mkdtempSync(join(tmpdir(), "tallykeep-image-"))
  let image: Image

  beforeAll(() => {
    image = buildImage(folder)
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  it("holds the bundle and nothing else of ours", () => {
    assert.sameMembers(readdirSync(image.folder), ["app", "data", "nodejs"])
    assert.sameMembers(readdirSync(join(image.folder, "app")), ["dist", "package.json"])
    const files = readdirSync(join(image.folder, "app/dist"), { recursive: true, encoding: "utf8" })
    assert.includeMembers(files, ["main.js", "public/assets.json"])
    for (const file of files) assert.notMatch(file, /\.map$|node_modules|postgres|\.ts$/)
  })

  // A Mac has no lists of Debian's packages.
  it.skipIf(!hasApt)("takes less than 180 MB, the base's packages included", () => {
    const base = baseSize()
    assert.isAbove(base, 15e6)
    assert.isBelow(base + sizeOf(image.folder), 180e6)
  })

  it.live("runs as user 1000 or any other where nothing can be written, and its check tells life from death", () =>
    Effect.gen(function* () {
      const site = yield* makeSite()
      const [command = "", ...args] = healthcheck()
      const node = join(image.folder, command)
      // OpenShift gives each namespace users of its own, which are nowhere written down, in the group 0.
      const users = { api: { uid: 1000, gid: 1000 }, consumer: { uid: 1_000_680_000, gid: 0 } }
      const asUser = (role: keyof typeof users) => (process.getuid?.() === 0 ? users[role] : {})
      const cwd = join(image.folder, image.workdir)
      for (const path of ["", ...readdirSync(image.folder, { recursive: true, encoding: "utf8" })]) {
        if (path !== "data") chmodSync(join(image.folder, path), 0o555)
      }
      const check = (role: keyof typeof users, port: string) =>
        Effect.callback<number | null>((resume) => {
          const env = { MANAGEMENT_PORT: port, HOME: "/nonexistent" }
          const child = execFile(node, args, { ...asUser(role), cwd, env })
          child.once("exit", (code) => resume(Effect.succeed(code)))
        })

      for (const role of ["api", "consumer"] as const) {
        const program = yield* launchProgram([`--role=${role}`], {
          env: {
            ...image.env,
            ...site.env,
            HOST: "127.0.0.1",
            PORT: "0",
            MANAGEMENT_PORT: "0",
            SHUTDOWN_DELAY: "0s",
            // Compiled code would be kept here, but can't be.
            TMPDIR: "/nonexistent",
            HOME: "/nonexistent"
          },
          node,
          main: join(cwd, "dist/main.js"),
          cwd,
          ...asUser(role)
        })
        const [, port = ""] = yield* program.says(/Health and metrics at http:\/\/[^"]*?:(\d+)/)
        yield* untilReady(`http://127.0.0.1:${port}`)
        yield* patiently(Effect.map(check(role, port), (code) => assert.strictEqual(code, 0)))
        program.signal("SIGTERM")
        assert.deepStrictEqual(yield* program.ended, { code: 0, signal: null })
        assert.strictEqual(yield* check(role, port), 1)
      }
    })
  )
})
