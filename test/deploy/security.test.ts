import { assert, beforeAll, describe, it } from "@effect/vitest"
import type { IContainer } from "kubernetes-models/v1/Container"
import { type KubernetesObject, ofKind, type Workload, workloads } from "./chart.ts"
import { renderAll, scenarios } from "./scenarios.ts"

let rendered: ReadonlyMap<string, ReadonlyArray<KubernetesObject>> = new Map()

beforeAll(async () => {
  rendered = await renderAll()
})

const envOf = ({ env = [] }: IContainer) => new Map(env.map((variable) => [variable.name, variable]))

const units: Readonly<Record<string, number>> = { s: 1, m: 60 }
const seconds = (time: string | undefined) => {
  const [, number, unit = ""] = /^(\d+)([sm])$/.exec(time ?? "") ?? []
  return Number(number) * (units[unit] ?? Number.NaN)
}

const mebibyte = 1024 ** 2
const memoryUnits: Readonly<Record<string, number>> = { "": 1, M: 1e6, G: 1e9, Mi: mebibyte, Gi: 1024 * mebibyte }
const mebibytes = (memory: string | number | undefined) => {
  const [, number, unit = ""] = /^([\d.]+)(.*)$/.exec(String(memory)) ?? []
  return (Number(number) * (memoryUnits[unit] ?? Number.NaN)) / mebibyte
}

/** What holds for every pod of every way to install the chart. */
const expectRestricted = ({ name, template: { spec } }: Workload) => {
  const pod = spec?.securityContext
  assert.isTrue(pod?.runAsNonRoot, name)
  if (pod?.runAsUser !== undefined) assert.isAbove(pod.runAsUser, 0, name)
  assert.deepStrictEqual(pod?.seccompProfile, { type: "RuntimeDefault" }, name)
  assert.isFalse(spec?.automountServiceAccountToken, name)
  for (const host of [spec?.hostNetwork, spec?.hostPID, spec?.hostIPC]) assert.isUndefined(host, name)
  for (const volume of spec?.volumes ?? []) {
    const [kind] = Object.keys(volume).filter((key) => key !== "name")
    assert.include(["emptyDir", "projected", "secret", "configMap"], kind, name)
    assert.hasAllKeys(volume, ["name", kind], name)
    if (volume.emptyDir !== undefined) assert.isDefined(volume.emptyDir.sizeLimit, name)
  }
  assert.isUndefined(spec?.initContainers, name)
  for (const container of spec?.containers ?? []) {
    const context = container.securityContext
    assert.isTrue(context?.readOnlyRootFilesystem, name)
    assert.isTrue(context?.runAsNonRoot, name)
    assert.isFalse(context?.allowPrivilegeEscalation, name)
    assert.isUndefined(context?.privileged, name)
    assert.deepStrictEqual(context?.capabilities, { drop: ["ALL"] }, name)
    assert.deepStrictEqual(context?.seccompProfile, { type: "RuntimeDefault" }, name)
    assert.isDefined(container.resources?.requests?.memory, name)
    assert.isDefined(container.resources?.requests?.cpu, name)
    assert.isDefined(container.resources?.limits?.memory, name)
    assert.match(container.image ?? "", /:(?!latest$)[^:/]+$/, name)
    for (const { name: variable, value, valueFrom } of container.env ?? []) {
      if (variable.endsWith("_FILE")) {
        assert.match(value ?? "", /^\/etc\/tallykeep\//, `${variable} of ${name}`)
        continue
      }
      if (/SECRET|TOKEN|PASSWORD|HEADERS|REDISCLI_AUTH|^(REDIS|DATABASE)/.test(variable)) {
        assert.isDefined(valueFrom?.secretKeyRef, `${variable} of ${name}`)
      }
      assert.notMatch(value ?? "", /:\/\/[^/]*:[^/]*@/, `${variable} of ${name}`)
    }
  }
}

/** Its end leaves the program the time that it may take, and its heap fits into its memory. */
const expectTime = ({ name, template: { spec } }: Workload) => {
  const [container] = spec?.containers ?? []
  const env = container === undefined ? new Map() : envOf(container)
  const before = container?.lifecycle?.preStop?.sleep?.seconds ?? 0
  const needed = before + seconds(env.get("SHUTDOWN_DELAY")?.value) + seconds(env.get("SHUTDOWN_TIMEOUT")?.value)
  assert.isAbove(spec?.terminationGracePeriodSeconds ?? 0, needed, name)
  assert.strictEqual(before > 0, name.endsWith("-api"), `only the api has to be left alone first: ${name}`)

  const [, heap] = /^--max-old-space-size=(\d+)$/.exec(env.get("NODE_OPTIONS")?.value ?? "") ?? []
  assert.approximately(Number(heap) / mebibytes(container?.resources?.limits?.memory), 0.75, 0.01, name)
}

/** Its probes ask what they should, where the program answers. */
const expectProbes = ({ name, template: { spec } }: Workload) => {
  const [container] = spec?.containers ?? []
  const management = container?.ports?.find((port) => port.name === "management")
  assert.strictEqual(String(management?.containerPort), container && envOf(container).get("MANAGEMENT_PORT")?.value)
  const probes = { startupProbe: "/health", livenessProbe: "/health", readinessProbe: "/ready" } as const
  for (const probe of ["startupProbe", "livenessProbe", "readinessProbe"] as const) {
    assert.deepInclude(container?.[probe]?.httpGet, { path: probes[probe], port: "management" }, name)
  }
}

describe.each(scenarios.map(({ name }) => name))("with %s, every pod", (name) => {
  it("is as confined as it can be, and is given the time it needs", () => {
    const objects = rendered.get(name) ?? []
    const found = workloads(objects)
    assert.isAtLeast(found.length, 2)
    for (const workload of found) expectRestricted(workload)
    const roles = found.filter((workload) => /-(api|consumer)$/.test(workload.name))
    assert.lengthOf(roles, 2)
    for (const role of roles) {
      expectTime(role)
      expectProbes(role)
    }
  })
})

describe("secrets", () => {
  it("are only referred to, but for those of the servers for trying out", () => {
    for (const [name, objects] of rendered) {
      const made = ofKind(objects, "Secret")
      const ownServers = ofKind(objects, "StatefulSet").length > 0
      assert.lengthOf(made, ownServers ? 1 : 0, name)
    }
  })

  it("go to those who need them: voters' and the admin's not to a consumer", () => {
    const [api, consumer] = ["-api", "-consumer"].map((part) => {
      const found = workloads(rendered.get("every secret") ?? []).find(({ name }) => name.endsWith(part))
      const [container] = found?.template.spec?.containers ?? []
      return container === undefined
        ? []
        : [...envOf(container).values()].flatMap(({ name, valueFrom }) => (valueFrom?.secretKeyRef ? [name] : []))
    })
    const both = ["REDIS_URL", "DATABASE_URL", "OTEL_EXPORTER_OTLP_HEADERS"]
    assert.sameMembers(api ?? [], [...both, "DATABASE_READ_URL", "ADMIN_TOKEN", "VOTER_SECRET"])
    assert.sameMembers(consumer ?? [], [...both, "LOG_KEY"])
  })
})
