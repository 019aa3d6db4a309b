/**
 * The address that a client is known by: the peer's, or behind `hops` proxies of ours the one that the outermost of them
 * saw, which stands that many places from the end of `X-Forwarded-For` (what is before it, anyone can have written). An
 * IPv6 address counts as its /64, since a client has a whole one to choose from.
 */
export const clientAddress = (peer: string, forwardedFor: string | undefined, hops: number): string => {
  if (hops === 0 || forwardedFor === undefined) return network(peer)
  const forwarded = forwardedFor.split(",")
  return network(forwarded[Math.max(0, forwarded.length - hops)]?.trim() || peer)
}

const network = (address: string): string => {
  if (!address.includes(":")) return address
  const mapped = /^::ffff:([\d.]+)$/i.exec(address)
  if (mapped?.[1] !== undefined) return mapped[1]
  const [head = "", tail] = address.split("%")[0]?.split("::") ?? []
  const groups = head === "" ? [] : head.split(":")
  if (tail !== undefined) {
    const last = tail === "" ? [] : tail.split(":")
    while (groups.length + last.length < 8) groups.push("0")
    groups.push(...last)
  }
  return groups.slice(0, 4).join(":")
}
