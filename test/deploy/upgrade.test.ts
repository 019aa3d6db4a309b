import { assert, describe, it } from "@effect/vitest"
import { type KubernetesObject, ofKind, refusalOf, render, type Values } from "./chart.ts"
import { startCluster } from "./cluster.ts"

/** Renders an upgrade of a cluster that has these objects. */
const upgrade = async (existing: ReadonlyArray<KubernetesObject>, values: Values = {}) => {
  using cluster = await startCluster(existing)
  return await render("values-local.yaml", values, cluster.url)
}

const replicas = (objects: ReadonlyArray<KubernetesObject>) =>
  ofKind(objects, "Deployment").map(({ spec }) => spec?.replicas)

/** The same Deployments with another number of pods, as a scaler leaves them. */
const scaledTo = (count: number, objects: ReadonlyArray<KubernetesObject>) =>
  objects.map((object) =>
    object.kind === "Deployment" && "spec" in object
      ? { ...object, spec: { ...(object.spec as object), replicas: count } }
      : object
  )

describe("an upgrade", () => {
  it("keeps what it finds", async () => {
    const installed = await render("values-local.yaml")
    const [secret] = ofKind(installed, "Secret")
    const data = Object.entries(secret?.stringData ?? {}).map(([key, value]) => [
      key,
      Buffer.from(value).toString("base64")
    ])
    const existing = installed.map((object) =>
      object.kind === "Secret" ? { ...object, data: Object.fromEntries(data) } : object
    )
    const upgraded = await upgrade(existing, {
      redis: { storage: { size: "2048Mi" } },
      postgresql: { resources: { limits: { memory: "2Gi" } } }
    })
    assert.deepStrictEqual(ofKind(upgraded, "Secret")[0]?.stringData, secret?.stringData)
  })

  it("leaves the number of pods to what scales, from the first time on", async () => {
    const scaling = {
      api: { autoscaling: { enabled: true, minReplicas: 3 } },
      consumer: { autoscaling: { by: "cpu", minReplicas: 3 } }
    }
    const installed = await render("values-local.yaml")
    assert.deepStrictEqual(replicas(await upgrade(scaledTo(2, installed), scaling)), [3, 3])
    assert.deepStrictEqual(replicas(await upgrade(scaledTo(7, installed), scaling)), [7, 7])
    assert.deepStrictEqual(replicas(await upgrade(scaledTo(7, installed))), [1, 1])
  })

  it("refuses in words what Kubernetes would refuse, or what would leave votes behind", async () => {
    const installed = await render("values-local.yaml")
    const named = { fullnameOverride: "vote-tallykeep" }
    for (const [values, words] of [
      [
        { ...named, nameOverride: "polls" },
        /nameOverride can't be changed: .* selects its pods by .*name: tallykeep\./
      ],
      [{ nameOverride: "polls" }, /can't be changed: the votes of this release are with StatefulSet vote-tallykeep-/],
      [{ fullnameOverride: "polls" }, /can't be changed: the votes of this release are with StatefulSet vote-tally/],
      [{ redis: { storage: { size: "4Gi" } } }, /redis\.storage can't be changed: .* size 2Gi and className ""/],
      [{ postgresql: { storage: { className: "fast" } } }, /postgresql\.storage can't be changed/]
    ] as const) {
      assert.match(await refusalOf(upgrade(installed, values)), words)
    }
    // Where the other release's servers are does not matter.
    const other = installed.map((object) => {
      const labels = { ...object.metadata.labels, "app.kubernetes.io/instance": "other" }
      return { ...object, metadata: { ...object.metadata, name: `other-${object.metadata.name}`, labels } }
    })
    await upgrade(other)
  })
})
