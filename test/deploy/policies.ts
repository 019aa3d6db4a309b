import type { INetworkPolicy } from "kubernetes-models/networking.k8s.io/v1/NetworkPolicy"
import { type KubernetesObject, ofKind, workloads } from "./chart.ts"

type Labels = Readonly<Record<string, string>>

/** One end of a connection: a pod, or an address outside. */
export interface End {
  readonly namespace?: string
  readonly labels?: Labels
  readonly address?: string
}

type Spec = NonNullable<INetworkPolicy["spec"]>
type Rule = NonNullable<Spec["egress"]>[number] & NonNullable<Spec["ingress"]>[number]
type Peer = NonNullable<Rule["to"]>[number]
type Selector = NonNullable<Spec["podSelector"]>

const selects = (selector: Selector, labels: Labels): boolean =>
  Object.entries(selector.matchLabels ?? {}).every(([name, value]) => labels[name] === value) &&
  (selector.matchExpressions ?? []).every(
    ({ key, operator, values }) => operator === "In" && (values ?? []).includes(labels[key] ?? "")
  )

const bits = (address: string) => address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0)

const inBlock = (cidr: string, address: string): boolean => {
  const [base = "", length] = cidr.split("/")
  const size = 2 ** (32 - Number(length))
  return Math.floor(bits(base) / size) === Math.floor(bits(address) / size)
}

const isPeer = ({ ipBlock, namespaceSelector, podSelector }: Peer, end: End, own: string): boolean => {
  if (ipBlock !== undefined) return end.address !== undefined && inBlock(ipBlock.cidr, end.address)
  if (end.namespace === undefined) return false
  const namespaceFits =
    namespaceSelector === undefined
      ? end.namespace === own
      : selects(namespaceSelector, { "kubernetes.io/metadata.name": end.namespace })
  return namespaceFits && (podSelector === undefined || selects(podSelector, end.labels ?? {}))
}

/** What the rendered policies let through, as Kubernetes defines it; probes from a pod's own node are not subject to it. */
export const network = (objects: ReadonlyArray<KubernetesObject>, own: string) => {
  const policies = ofKind(objects, "NetworkPolicy").flatMap(({ spec }) => (spec === undefined ? [] : [spec]))
  const names = new Map(
    workloads(objects).flatMap(({ template }) =>
      (template.spec?.containers ?? []).flatMap(({ ports = [] }) =>
        ports.map(({ containerPort, name }) => [name ?? "", containerPort] as const)
      )
    )
  )

  const permits = (direction: "Ingress" | "Egress", pod: End, other: End, port: number): boolean => {
    if (pod.namespace !== own) return true
    const applying = policies.filter(
      ({ podSelector, policyTypes = [] }) =>
        policyTypes.includes(direction) && selects(podSelector ?? {}, pod.labels ?? {})
    )
    if (applying.length === 0) return true
    const rules = applying.flatMap(
      ({ egress = [], ingress = [] }): ReadonlyArray<Rule> => (direction === "Egress" ? egress : ingress)
    )
    return rules.some(({ from, ports, to }) => {
      const peers = to ?? from
      const portFits = ports?.some((allowed) => allowed.port === port || names.get(String(allowed.port)) === port)
      return portFits !== false && (peers === undefined || peers.some((peer) => isPeer(peer, other, own)))
    })
  }

  return {
    allows: (from: End, to: End, port: number): boolean =>
      permits("Egress", from, to, port) && permits("Ingress", to, from, port)
  }
}
