/**
 * Returns what the outermost of our `hops` proxies, at least one, has added to a list such as `X-Forwarded-For`: it stands that
 * many places from the end, and anyone can have written what is before it. Empty where they have added nothing.
 */
export const forwardedBy = (list: string, hops: number): string => {
  const forwarded = list.split(",")
  return forwarded[Math.max(0, forwarded.length - hops)]?.trim() ?? ""
}

/**
 * Returns the address that a client is known by: the peer's or, behind `hops` proxies of ours, the one that the outermost of
 * them saw. An IPv6 address counts as its /64, since a client has a whole one to choose from.
 */
export const clientAddress = (peer: string, forwardedFor: string | undefined, hops: number): string => {
  if (hops === 0 || forwardedFor === undefined) return network(peer)
  return network(forwardedBy(forwardedFor, hops) || peer)
}

const network = (forwarded: string): string => {
  if (!forwarded.includes(":")) return forwarded
  // Some proxies add the client's port, and an IPv6 address then stands in brackets.
  const address = forwarded.replace(/^\[(.*)\](:\d+)?$/, "$1").replace(/^([\d.]+):\d+$/, "$1")
  if (!address.includes(":")) return address
  const mapped = /^::ffff:([\d.]+)$/i.exec(address)
  if (mapped?.[1] !== undefined) return mapped[1]
  const bare = address.replace(/%.*$/, "")
  const gap = bare.indexOf("::")
  const groups = (gap < 0 ? bare : bare.slice(0, gap)).split(":").filter((group) => group !== "")
  if (gap >= 0) {
    const last = bare
      .slice(gap + 2)
      .split(":")
      .filter((group) => group !== "")
    while (groups.length + last.length < 8) groups.push("0")
    groups.push(...last)
  }
  return groups.slice(0, 4).join(":")
}
