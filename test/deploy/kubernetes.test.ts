import { execFileSync } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import type { KubernetesObject } from "./chart.ts"
import { renderAll } from "./scenarios.ts"

/** The packages with the types of API groups that are not Kubernetes' own. */
const packages: Readonly<Record<string, string>> = {
  "keda.sh": "@kubernetes-models/keda",
  "gateway.networking.k8s.io": "@kubernetes-models/gateway-api",
  "monitoring.coreos.com": "@kubernetes-models/prometheus-operator"
}

/** `import type { IDeployment } from "kubernetes-models/apps/v1/Deployment"` */
const importOf = ({ apiVersion, kind }: KubernetesObject) => {
  const [group = ""] = apiVersion.split("/")
  return `import type { I${kind} } from "${packages[group] ?? "kubernetes-models"}/${apiVersion}/${kind}"`
}

/** Returns the object with a field that no type has, in `spec`, in `data` or in the object itself. */
const broken = (object: KubernetesObject): KubernetesObject =>
  "spec" in object && typeof object.spec === "object"
    ? Object.assign({}, object, { spec: { ...object.spec, noSuchField: 1 } })
    : Object.assign({}, object, { noSuchField: 1 })

/** Makes a module that compiles if and only if every object is of its type and none of the broken ones is. */
const asModule = (objects: ReadonlyArray<KubernetesObject>) => {
  const kinds = new Map(objects.map((object) => [object.kind, object]))
  const lines = [
    ...[...kinds.values()].map(importOf),
    ...[...new Set(objects.map((object) => `I${object.kind} = ${JSON.stringify(object)}`))].map(
      (typed, index) => `export const object${index}: ${typed}`
    ),
    ...[...kinds.values()].flatMap((object, index) => [
      "// @ts-expect-error",
      `export const broken${index}: I${object.kind} = ${JSON.stringify(broken(object))}`
    ])
  ]
  return `${lines.join("\n")}\n`
}

const settings = {
  compilerOptions: {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    target: "ES2023",
    module: "preserve",
    moduleResolution: "bundler",
    types: []
  },
  files: ["objects.ts"]
}

describe("what the chart renders", () => {
  it("is what Kubernetes, KEDA, Prometheus Operator and Gateway API take, field by field", async () => {
    const objects = [...(await renderAll()).values()].flat()
    const kinds = new Set(objects.map(({ kind }) => kind))
    for (const kind of ["Deployment", "StatefulSet", "CronJob", "ScaledObject", "PrometheusRule", "HTTPRoute"]) {
      assert.include([...kinds], kind)
    }
    const modules = fileURLToPath(new URL("../../node_modules/", import.meta.url))
    const cache = join(modules, ".cache/tallykeep")
    mkdirSync(cache, { recursive: true })
    const folder = mkdtempSync(join(cache, "types-"))
    try {
      writeFileSync(join(folder, "objects.ts"), asModule(objects))
      writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(settings))
      execFileSync(process.execPath, [join(modules, "typescript/bin/tsc"), "-p", folder], { encoding: "utf8" })
    } catch (error) {
      assert.fail(error instanceof Error && "stdout" in error ? String(error.stdout).slice(0, 4_000) : String(error))
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
