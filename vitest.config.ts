import { readFileSync } from "node:fs"
import type { Plugin } from "vitest/config"
import { defineConfig } from "vitest/config"
import { BaseSequencer, type TestSpecification } from "vitest/node"

/** The same as the bundler's `text` loader: a `.sql` or `.lua` file is imported as a string. */
const textFiles: Plugin = {
  name: "text-files",
  enforce: "pre",
  load(id) {
    return /\.(sql|lua)$/.test(id) ? `export default ${JSON.stringify(readFileSync(id, "utf8"))}` : undefined
  }
}

/** The folders whose files start programs, which takes longest: they begin first, so that none of them is left over at the end. */
const long = /\/test\/(bench|fuzz|e2e|browser|deploy|chaos)\//

class LongFirst extends BaseSequencer {
  override async sort(files: Array<TestSpecification>): Promise<Array<TestSpecification>> {
    const sorted = await super.sort(files)
    return [
      ...sorted.filter(({ moduleId }) => long.test(moduleId)),
      ...sorted.filter(({ moduleId }) => !long.test(moduleId))
    ]
  }
}

export default defineConfig({
  plugins: [textFiles],
  define: { TALLYKEEP_FAILPOINTS: "false" },
  test: {
    globalSetup: ["test/support/services.ts"],
    setupFiles: ["test/support/ownMetrics.ts"],
    sequence: { sequencer: LongFirst },
    projects: [
      { extends: true, test: { name: "tests", include: ["test/**/*.test.ts"], exclude: ["test/chaos/chaos.test.ts"] } },
      // After all others and alone: what measures times must not be measured next to it, nor it next to them.
      { test: { name: "chaos", include: ["test/chaos/chaos.test.ts"], maxWorkers: 1, sequence: { groupOrder: 1 } } }
    ],
    // Each branch is tested of what stands between the world and everything else, the lane's share of it too.
    coverage: {
      provider: "istanbul",
      include: ["src/http/middleware/**/*.ts", "src/http/lane/LaneResponses.ts"],
      reporter: ["text"],
      thresholds: { 100: true }
    },
    // What hangs, not what is slow: a busy machine may take some times as long as a quiet one.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // More than there are cores: many of them wait, as for a poll to close.
    maxWorkers: 5,
    // Each file is loaded into a process that others ran in: to load all modules again for each took a third of the CPU time.
    isolate: false
  }
})
