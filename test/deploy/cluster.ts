import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import type { KubernetesObject } from "./chart.ts"

/** The API's groups, and in each the kinds that the chart renders without anything that clusters have to be given first. */
const groups: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  v1: { secrets: "Secret", services: "Service", serviceaccounts: "ServiceAccount" },
  "apps/v1": { deployments: "Deployment", statefulsets: "StatefulSet" },
  "autoscaling/v2": { horizontalpodautoscalers: "HorizontalPodAutoscaler" },
  "networking.k8s.io/v1": { networkpolicies: "NetworkPolicy" },
  "policy/v1": { poddisruptionbudgets: "PodDisruptionBudget" }
}

const groupOf = (groupVersion: string) => {
  const [name, version] = groupVersion.split("/")
  const preferredVersion = { groupVersion, version }
  return { name, preferredVersion, versions: [preferredVersion] }
}

const resourceOf = ([name, kind]: readonly [string, string]) => ({
  name,
  kind,
  singularName: kind.toLowerCase(),
  namespaced: true,
  verbs: ["get", "list"]
})

/** Returns what the API says at each path, when the namespace `voting` has these objects. */
const answersOf = (objects: ReadonlyArray<KubernetesObject>): ReadonlyMap<string, unknown> => {
  const answers = new Map<string, unknown>([
    ["/version", { major: "1", minor: "35", gitVersion: "v1.35.0" }],
    ["/api", { kind: "APIVersions", versions: ["v1"] }],
    ["/apis", { kind: "APIGroupList", groups: Object.keys(groups).slice(1).map(groupOf) }]
  ])
  for (const [groupVersion, kinds] of Object.entries(groups)) {
    const root = `/${groupVersion === "v1" ? "api" : "apis"}/${groupVersion}`
    answers.set(root, { kind: "APIResourceList", groupVersion, resources: Object.entries(kinds).map(resourceOf) })
    for (const [name, kind] of Object.entries(kinds)) {
      const items = objects.filter((object) => object.kind === kind)
      const path = `${root}/namespaces/voting/${name}`
      answers.set(path, { kind: `${kind}List`, apiVersion: groupVersion, items })
      for (const item of items) answers.set(`${path}/${item.metadata.name}`, item)
    }
  }
  return answers
}

/** Stands for a cluster that has these objects: answers what Helm asks of Kubernetes's API when a template looks something up. */
export const startCluster = async (objects: ReadonlyArray<KubernetesObject>) => {
  const answers = answersOf(objects)
  const missing = { kind: "Status", apiVersion: "v1", status: "Failure", reason: "NotFound", code: 404 }
  const server = createServer(({ url = "" }, response) => {
    const answer = answers.get(url.replace(/\?.*$/, ""))
    response.writeHead(answer === undefined ? 404 : 200, { "content-type": "application/json" })
    response.end(JSON.stringify(answer ?? missing))
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.dispose]: () => {
      server.close()
      server.closeAllConnections()
    }
  }
}
